/** The routines that come with kortd, by name. */
import { parseRoutine, type Routine } from './routine.ts';
import additionalCertificate from './routines/additional-certificate.json' with { type: 'json' };
import additionalCertificateOther from './routines/additional-certificate-other-organisation.json' with { type: 'json' };
import additionalCertificateRemoved from './routines/additional-certificate-removed.json' with { type: 'json' };
import kiosk from './routines/kiosk.json' with { type: 'json' };
import ordinaryCard from './routines/ordinary-card-handed-out.json' with { type: 'json' };
import pukOrdered from './routines/puk-ordered.json' with { type: 'json' };
import pukUsed from './routines/puk-used.json' with { type: 'json' };
import renewal from './routines/renewal.json' with { type: 'json' };
import loa2Deliverer from './routines/reserve-card-loa2-deliverer.json' with { type: 'json' };
import loa2ForeignDocument from './routines/reserve-card-loa2-foreign-document.json' with { type: 'json' };
import loa2OnSite from './routines/reserve-card-loa2-on-site.json' with { type: 'json' };
import loa2RegisteredPost from './routines/reserve-card-loa2-registered-post.json' with { type: 'json' };
import loa3 from './routines/reserve-card-loa3.json' with { type: 'json' };
import vouched from './routines/reserve-card-vouched.json' with { type: 'json' };

/** In the order of their names. */
const FILES: readonly unknown[] = [
  additionalCertificate,
  additionalCertificateOther,
  additionalCertificateRemoved,
  kiosk,
  ordinaryCard,
  pukOrdered,
  pukUsed,
  renewal,
  loa2Deliverer,
  loa2ForeignDocument,
  loa2OnSite,
  loa2RegisteredPost,
  loa3,
  vouched,
];

/** Read and checked once, at the first call: a daemon that issues nothing needs none. */
export function standardRoutines(): ReadonlyMap<string, Routine> {
  known ??= new Map(FILES.map((file) => parseRoutine(file)).map((routine) => [routine.id, routine]));
  return known;
}

let known: ReadonlyMap<string, Routine> | undefined;
