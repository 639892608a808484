/** Whom a card says that somebody is, for the journal: by its certificates as they are judged at that moment, and by the number of a card that has none yet. */
import type { TokenCertificate } from '../../apdu/token.ts';
import { OID_SERIAL_NUMBER } from '../identity/distinguished-name.ts';
import type { CertificateFacts } from '../identity/certificate-facts.ts';
import { isCardNumber } from '../identity/card-number.ts';
import { isSameHsaId, parseHsaId } from '../identity/hsa-id.ts';
import { identityOf, judgeCertificates, type IdentitySettings } from '../identity/identity.ts';
import type { PersonSeen } from './entry.ts';

export interface SeenCard {
  readonly person: PersonSeen;
  /** Its certificates name a person, and chain to a trust anchor. */
  readonly isTrusted: boolean;
  /** Days from the first to the last day of the certificate that is valid longest; undefined without one that is trusted. */
  readonly validDays: number | undefined;
}

const DAY_MS = 86_400_000;

/** `serialNumber` is that of the card: on a blank e-ID card it is the number that is printed on it (TokenInfo, ISO/IEC 7816-15:2016, section 8.10). */
export function seeCard(
  certificates: readonly TokenCertificate[],
  serialNumber: string | undefined,
  { settings, now }: { readonly settings: IdentitySettings; readonly now: Date },
): SeenCard {
  const judged = judgeCertificates(certificates, settings, now);
  const identity = identityOf(judged);
  const persons = judged.flatMap(({ facts, report }) =>
    facts && !facts.isAuthority && !facts.isOfCard && report?.status === 'trusted' ? [facts] : [],
  );
  const [first, ...otherHsaIds] = hsaIdsOf(persons);
  const hsaId = identity?.hsaId ?? first;
  const personalNumber = identity?.personalIdentityNumber ?? identity?.coordinationNumber;
  const printed = serialNumber !== undefined && isCardNumber(serialNumber) ? serialNumber : undefined;
  const cardNumber = identity?.cardNumber ?? printed;
  const certificate = persons[0]?.fingerprint;
  const days = persons.map(({ notBefore, notAfter }) => Math.ceil((notAfter.getTime() - notBefore.getTime()) / DAY_MS));
  return {
    person: {
      ...(identity?.name === undefined ? {} : { name: identity.name }),
      ...(hsaId === undefined ? {} : { hsaId }),
      ...(otherHsaIds.length === 0 ? {} : { otherHsaIds }),
      ...(personalNumber === undefined ? {} : { personalNumber }),
      ...(cardNumber === undefined ? {} : { cardNumber }),
      ...(identity?.assuranceLevel === undefined ? {} : { assuranceLevel: identity.assuranceLevel }),
      ...(certificate === undefined ? {} : { certificate }),
    },
    isTrusted: identity?.isTrusted === true,
    validDays: days.length === 0 ? undefined : Math.max(...days),
  };
}

/** Each once, that of the oldest certificate first: a card may have certificates from several organisations, which each know its holder by an HSA-id of their own. */
function hsaIdsOf(persons: readonly CertificateFacts[]): readonly string[] {
  const found: string[] = [];
  for (const { subject } of persons.toSorted((one, other) => one.notBefore.getTime() - other.notBefore.getTime()))
    for (const text of subject.attributes.get(OID_SERIAL_NUMBER) ?? [])
      if (parseHsaId(text) && !found.some((one) => isSameHsaId(one, text))) found.push(text);
  return found;
}
