/**
 * Who the holder of a card is, as its certificates say it, and nothing beyond: what none of them says is absent, and what two of them say differently is absent
 * with a problem. Once one certificate chains to a trust anchor, only such certificates speak for the identity; the others can still contradict them.
 * Certificates can be copied: that a card holds the key of a certificate is for a login or a signature to show.
 */
import { IDENTITY_FIELDS, type IdentityField, type IdentityProblemCode } from '../../api-spec/identity.ts';
import type { TokenCertificate } from '../../apdu/token.ts';
import { certificateFacts, type CertificateFacts } from './certificate-facts.ts';
import {
  OID_COMMON_NAME,
  OID_GIVEN_NAME,
  OID_ORGANISATION,
  OID_SERIAL_NUMBER,
  OID_SURNAME,
  oneOf,
} from './distinguished-name.ts';
import { parseHsaId } from './hsa-id.ts';
import { parsePersonalNumber } from './personal-number.ts';
import { chainBudget, validateChain, type ChainBudget, type ChainReport, type TrustStore } from './trust.ts';

export interface IdentitySettings extends TrustStore {
  /** Level of assurance ("LoA3") by certificate policy. */
  readonly assuranceLevels: ReadonlyMap<string, string>;
}

export interface IdentityProblem {
  readonly code: IdentityProblemCode;
  /** What was left out for it. */
  readonly field?: IdentityField;
  /** Of the certificate that it is about. */
  readonly keyReference?: string;
}

export interface CardIdentity {
  /** Full name. */
  readonly name?: string;
  readonly givenName?: string;
  readonly surname?: string;
  /** As written; compare by `isSameHsaId`. */
  readonly hsaId?: string;
  /** Twelve digits; date and check digit are right. */
  readonly personalIdentityNumber?: string;
  /** Twelve digits, the day plus 60. */
  readonly coordinationNumber?: string;
  /** Nineteen digits. */
  readonly cardNumber?: string;
  readonly organisation?: string;
  /** Ten digits: of whoever issues the HSA-id. */
  readonly organisationNumber?: string;
  /** As configured; said only by certificates that chain to a trust anchor. */
  readonly assuranceLevel?: string;
  readonly policies: readonly string[];
  /** True: all of the above comes from certificates that chain to a trust anchor. Undefined: there is no anchor. */
  readonly isTrusted?: boolean;
  readonly problems: readonly IdentityProblem[];
}

/** A certificate of a card, and what came of looking at it. */
export interface JudgedCertificate {
  readonly keyReference: string;
  readonly der: Uint8Array;
  /** Undefined for bytes that are no certificate. */
  readonly facts: CertificateFacts | undefined;
  /** Undefined where there are no facts. */
  readonly report: ChainReport | undefined;
  /** Levels of its policies; empty unless its chain is trusted. */
  readonly assuranceLevels: readonly string[];
}

/** More are looked at by nobody. */
const MAX_CERTIFICATES = 256;

/** Undefined when no certificate of the card is a person's. */
export function readIdentity(
  certificates: readonly TokenCertificate[],
  settings: IdentitySettings,
  now: Date,
): CardIdentity | undefined {
  return identityOf(judgeCertificates(certificates, settings, now));
}

/** Each certificate with its chain, built of the card's certificates and the configured ones. In the order of the card. */
export function judgeCertificates(
  certificates: readonly TokenCertificate[],
  settings: IdentitySettings,
  now: Date,
): readonly JudgedCertificate[] {
  const looked = certificates.slice(0, MAX_CERTIFICATES);
  const onCard = looked.flatMap(({ der }) => {
    const facts = certificateFacts(der);
    return facts?.isAuthority ? [facts] : [];
  });
  const intermediates = [...settings.intermediates, ...onCard];
  const budget = chainBudget();
  return certificates.map((one, index) =>
    index < looked.length
      ? judgeCertificate(one, { ...settings, intermediates }, now, budget)
      : { ...one, facts: undefined, report: undefined, assuranceLevels: [] },
  );
}

/** One certificate alone: of authorities, only the configured ones are known. */
export function judgeCertificate(
  { keyReference, der }: TokenCertificate,
  settings: IdentitySettings,
  now: Date,
  budget: ChainBudget = chainBudget(),
): JudgedCertificate {
  const facts = certificateFacts(der);
  if (!facts) return { keyReference, der, facts, report: undefined, assuranceLevels: [] };
  const report = validateChain(facts, { ...settings, at: now, budget });
  const levels = report.policies.flatMap((policy) => settings.assuranceLevels.get(policy) ?? []);
  return { keyReference, der, facts, report, assuranceLevels: [...new Set(levels)] };
}

type PersonCertificate = JudgedCertificate & { readonly facts: CertificateFacts; readonly report: ChainReport };

export function identityOf(judged: readonly JudgedCertificate[]): CardIdentity | undefined {
  const persons = judged.filter(isPersons);
  if (persons.length === 0) return undefined;
  const trusted = persons.filter(({ report }) => report.status === 'trusted');
  const isChecked = persons.some(({ report }) => report.status !== 'unchecked');
  const said = persons.map((certificate) => statementOf(certificate));
  const speaking = trusted.length > 0 ? said.filter((_, index) => persons[index]?.report.status === 'trusted') : said;
  const { fields, problems } = agree(said, speaking);
  const policies = new Set((trusted.length > 0 ? trusted : persons).flatMap(({ facts }) => facts.policies ?? []));
  const organisationNumber = fields.hsaId === undefined ? undefined : parseHsaId(fields.hsaId)?.organisationNumber;
  return {
    ...fields,
    ...(organisationNumber === undefined ? {} : { organisationNumber }),
    policies: [...policies].sort(),
    ...(isChecked ? { isTrusted: trusted.length > 0 } : {}),
    problems: [
      ...problems,
      ...(fields.hsaId !== undefined && organisationNumber === undefined
        ? [{ code: 'organisation_number_invalid' } as const]
        : []),
      ...problemsOf(judged),
    ],
  };
}

/** An end-entity certificate that names a person: PIV has one that names the card. */
function isPersons(one: JudgedCertificate): one is PersonCertificate {
  return one.facts !== undefined && one.report !== undefined && !one.facts.isAuthority && !one.facts.isOfCard;
}

type Fields = Partial<Record<IdentityField, string>>;
/** What one certificate says; several values where it contradicts itself. */
type Statement = Readonly<Record<IdentityField, readonly string[]>>;

function statementOf({ facts, assuranceLevels }: PersonCertificate): Statement {
  const { subject, cardNumber } = facts;
  const one = (oid: string): readonly string[] => {
    const value = oneOf(subject, oid);
    return value === undefined ? [] : [value];
  };
  const identifiers = subject.attributes.get(OID_SERIAL_NUMBER) ?? [];
  const numbers = identifiers.flatMap((text) => parsePersonalNumber(text) ?? []);
  const numbersOf = (kind: string): readonly string[] => numbers.flatMap((each) => (each.kind === kind ? [each.number] : []));
  return {
    name: one(OID_COMMON_NAME),
    givenName: one(OID_GIVEN_NAME),
    surname: one(OID_SURNAME),
    hsaId: identifiers.flatMap((text) => parseHsaId(text)?.hsaId ?? []),
    personalIdentityNumber: numbersOf('personal identity number'),
    coordinationNumber: numbersOf('coordination number'),
    cardNumber: cardNumber === undefined ? [] : [cardNumber],
    organisation: one(OID_ORGANISATION),
    assuranceLevel: assuranceLevels,
  };
}

/** The value of each field on which all agree who say anything; `speaking` are those whose word is taken. */
function agree(
  said: readonly Statement[],
  speaking: readonly Statement[],
): { readonly fields: Fields; readonly problems: readonly IdentityProblem[] } {
  const fields: Fields = {};
  const problems: IdentityProblem[] = [];
  const numbers = said.flatMap((one) => [...one.personalIdentityNumber, ...one.coordinationNumber]);
  for (const field of IDENTITY_FIELDS) {
    const isNumber = field === 'personalIdentityNumber' || field === 'coordinationNumber';
    const all = isNumber ? numbers : said.flatMap((one) => one[field]);
    const value = speaking.flatMap((one) => one[field])[0];
    if (new Set(all.map((text) => fold(field, text))).size > 1) problems.push({ code: 'contradictory', field });
    else if (value !== undefined) fields[field] = value;
  }
  return { fields, problems };
}

function fold(field: IdentityField, text: string): string {
  return field === 'hsaId' ? text.toUpperCase() : text;
}

function problemsOf(judged: readonly JudgedCertificate[]): readonly IdentityProblem[] {
  const ofEach = judged.slice(0, MAX_CERTIFICATES).flatMap((one) => {
    const { keyReference } = one;
    return codesOf(one).map((code) => ({ code, keyReference }));
  });
  return judged.length > MAX_CERTIFICATES ? [...ofEach, { code: 'too_many_certificates' }] : ofEach;
}

function codesOf(one: JudgedCertificate): readonly IdentityProblemCode[] {
  if (!one.facts) return ['certificate_unreadable'];
  if (!isPersons(one)) return [];
  const identifiers = one.facts.subject.attributes.get(OID_SERIAL_NUMBER) ?? [];
  return [
    ...(one.report.status === 'untrusted' ? (['certificate_untrusted'] as const) : []),
    ...(one.facts.isCardNumberInvalid ? (['card_number_invalid'] as const) : []),
    ...(one.facts.malformed.length > 0 ? (['certificate_malformed'] as const) : []),
    ...(identifiers.some((text) => /^SE\d/i.test(text) && !parseHsaId(text)) ? (['hsa_id_invalid'] as const) : []),
    ...(identifiers.some((text) => /^\d{12}$/.test(text) && !parsePersonalNumber(text))
      ? (['personal_number_invalid'] as const)
      : []),
  ];
}
