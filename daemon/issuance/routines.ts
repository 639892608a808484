/** The routines that come with kortd, by name. */
import { parseRoutine, type Routine } from './routine.ts';
import renewal from './routines/renewal.json' with { type: 'json' };
import loa2Deliverer from './routines/reserve-card-loa2-deliverer.json' with { type: 'json' };
import loa2ForeignDocument from './routines/reserve-card-loa2-foreign-document.json' with { type: 'json' };
import loa2OnSite from './routines/reserve-card-loa2-on-site.json' with { type: 'json' };
import loa2RegisteredPost from './routines/reserve-card-loa2-registered-post.json' with { type: 'json' };
import loa3 from './routines/reserve-card-loa3.json' with { type: 'json' };
import vouched from './routines/reserve-card-vouched.json' with { type: 'json' };

/** In the order of their names. */
const FILES: readonly unknown[] = [renewal, loa2Deliverer, loa2ForeignDocument, loa2OnSite, loa2RegisteredPost, loa3, vouched];

/** Read and checked once, at the first call: a daemon that issues nothing needs none. */
export function standardRoutines(): ReadonlyMap<string, Routine> {
  known ??= new Map(FILES.map((file) => parseRoutine(file)).map((routine) => [routine.id, routine]));
  return known;
}

let known: ReadonlyMap<string, Routine> | undefined;
