/**
 * Whether certificates that somebody brought are the ones that a job waits for: one for each of its keys, for this person and card, of this level, by an issuer
 * that is trusted. All of it before the first one is written.
 */
import { equalBytes } from '../../apdu/bytes.ts';
import { certificateFacts, type CertificateFacts } from '../identity/certificate-facts.ts';
import { judgeCertificate, type IdentitySettings } from '../identity/identity.ts';
import { isSameHsaId, parseHsaId } from '../identity/hsa-id.ts';
import { OID_SERIAL_NUMBER } from '../identity/distinguished-name.ts';
import { parsePersonalNumber } from '../identity/personal-number.ts';
import type { KeyPlace } from './entry.ts';

/** Sorted. */
export type CertificateProblem =
  | 'assurance_level_missing'
  | 'card_number_other'
  | 'expired'
  | 'key_other'
  | 'missing'
  | 'not_a_certificate'
  | 'not_for_a_person'
  | 'not_yet_valid'
  | 'person_other'
  | 'too_long_valid'
  | 'too_many'
  | 'too_short_valid'
  | 'untrusted'
  | 'usage_other';

/** What the certificates are to say. */
export interface CertificateOrder {
  /** Nineteen digits. */
  readonly cardNumber: string;
  /** Of the holder; a certificate may name them by either, and by no other. */
  readonly personalNumber?: string;
  readonly hsaId?: string;
  /** "LoA3", as the settings call it. */
  readonly assuranceLevel?: string;
  /** Last day: the end of the assignment, of the order. */
  readonly validTo?: Date;
  /** The last day is not before this. */
  readonly validAtLeastTo?: Date;
}

export interface CertificateFinding {
  /** Of the key that it was to belong to; absent for one that belongs to none. */
  readonly keyReference?: string;
  /** SHA-256, hexadecimal; absent for what is missing or none. */
  readonly fingerprint?: string;
  readonly problem: CertificateProblem;
}

/** What cannot be told apart from today's: clocks of authorities and workstations differ. */
const CLOCK_SKEW_MS = 5 * 60_000;

export type CertificateVerdict =
  | { readonly findings: readonly CertificateFinding[]; readonly fitting?: undefined }
  | { readonly findings: readonly []; readonly fitting: readonly { readonly keyReference: string; readonly der: Uint8Array }[] };

/** In the order of `places`. `publicKeys`: SubjectPublicKeyInfo by key reference. */
export function checkCertificates(
  ders: readonly Uint8Array[],
  places: readonly KeyPlace[],
  publicKeys: ReadonlyMap<string, Uint8Array>,
  options: { readonly order: CertificateOrder; readonly settings: IdentitySettings; readonly now: Date },
): CertificateVerdict {
  const read = ders.map((der) => ({ der, facts: certificateFacts(der) }));
  const findings: CertificateFinding[] = read.filter(({ facts }) => !facts).map(() => ({ problem: 'not_a_certificate' }));
  const ofKey = (keyReference: string): typeof read =>
    read.filter(
      ({ facts }) => facts?.publicKey && equalBytes(spkiOf(facts.publicKey), publicKeys.get(keyReference) ?? new Uint8Array()),
    );
  const fitting: { keyReference: string; der: Uint8Array }[] = [];
  for (const place of places) {
    const { keyReference } = place;
    const [one, ...more] = ofKey(keyReference);
    if (!one?.facts) findings.push({ keyReference, problem: 'missing' });
    else {
      const { facts, der } = one;
      const { fingerprint } = facts;
      for (const problem of problemsOf(facts, der, place, options)) findings.push({ keyReference, fingerprint, problem });
      for (const other of more)
        if (other.facts) findings.push({ keyReference, fingerprint: other.facts.fingerprint, problem: 'too_many' });
      fitting.push({ keyReference, der });
    }
  }
  const belonging = new Set(places.flatMap(({ keyReference }) => ofKey(keyReference)));
  for (const one of read)
    if (one.facts && !belonging.has(one)) findings.push({ fingerprint: one.facts.fingerprint, problem: 'key_other' });
  return findings.length > 0 ? { findings } : { findings: [], fitting };
}

function problemsOf(
  facts: CertificateFacts,
  der: Uint8Array,
  { keyReference, usage }: KeyPlace,
  { order, settings, now }: { readonly order: CertificateOrder; readonly settings: IdentitySettings; readonly now: Date },
): readonly CertificateProblem[] {
  const judged = judgeCertificate({ keyReference, der }, settings, judgedAt(facts, now));
  const wrong: [CertificateProblem, boolean][] = [
    ['not_for_a_person', facts.isAuthority || facts.isOfCard],
    ['usage_other', facts.purpose !== usage],
    ['card_number_other', facts.cardNumber !== order.cardNumber],
    ['person_other', !namesHolder(facts, order)],
    ['not_yet_valid', facts.notBefore.getTime() > now.getTime() + CLOCK_SKEW_MS],
    ['expired', facts.notAfter.getTime() < now.getTime()],
    ['too_long_valid', order.validTo !== undefined && facts.notAfter.getTime() > order.validTo.getTime()],
    ['too_short_valid', order.validAtLeastTo !== undefined && facts.notAfter.getTime() < order.validAtLeastTo.getTime()],
    ['untrusted', judged.report?.status !== 'trusted'],
    ['assurance_level_missing', order.assuranceLevel !== undefined && !judged.assuranceLevels.includes(order.assuranceLevel)],
  ];
  return wrong.filter(([, isWrong]) => isWrong).map(([problem]) => problem);
}

/** An authority whose clock is a little ahead issues from a moment that has not come here. */
function judgedAt({ notBefore }: CertificateFacts, now: Date): Date {
  const aheadMs = notBefore.getTime() - now.getTime();
  return aheadMs > 0 && aheadMs <= CLOCK_SKEW_MS ? notBefore : now;
}

/** Every number of a person in it is the one that was ordered for, and there is one. */
function namesHolder({ subject }: CertificateFacts, { personalNumber, hsaId }: CertificateOrder): boolean {
  const identifiers = subject.attributes.get(OID_SERIAL_NUMBER) ?? [];
  const numbers = identifiers.filter((text) => parsePersonalNumber(text));
  const ids = identifiers.filter((text) => parseHsaId(text));
  return (
    numbers.length + ids.length > 0 &&
    numbers.every((number) => number === personalNumber) &&
    ids.every((id) => hsaId !== undefined && isSameHsaId(id, hsaId))
  );
}

function spkiOf(key: NonNullable<CertificateFacts['publicKey']>): Uint8Array {
  return new Uint8Array(key.export({ type: 'spki', format: 'der' }));
}
