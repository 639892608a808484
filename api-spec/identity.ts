/** Who a card's certificates say its holder is, and what each of them says of itself: shapes, and every problem with its texts. */
import Type, { type Static } from 'typebox';
import { Closed } from './closed.ts';

interface Texts {
  readonly en: string;
  readonly sv: string;
}

/** Why a certificate does not chain to a trust anchor (RFC 5280, section 6.1). Sorted by code. */
export const CHAIN_PROBLEMS = {
  expired: { en: 'The certificate has expired.', sv: 'Certifikatet har gått ut.' },
  extension_unsupported: {
    en: 'A certificate of the chain has an extension that must be understood, and is not.',
    sv: 'Ett certifikat i kedjan har ett tillägg som måste förstås men inte gör det.',
  },
  issuer_expired: { en: 'The certificate of an issuer has expired.', sv: 'En utfärdares certifikat har gått ut.' },
  issuer_key_usage: {
    en: 'The key of an issuer is not for signing certificates.',
    sv: 'En utfärdares nyckel är inte till för att signera certifikat.',
  },
  issuer_not_authority: {
    en: 'The certificate was issued by one that is not an authority.',
    sv: 'Certifikatet är utfärdat av någon som inte är certifikatutfärdare.',
  },
  issuer_not_yet_valid: { en: 'The certificate of an issuer is not valid yet.', sv: 'En utfärdares certifikat gäller inte än.' },
  issuer_unknown: {
    en: 'The chain ends at an issuer that is neither a trust anchor nor known as an intermediate authority.',
    sv: 'Kedjan slutar hos en utfärdare som varken är betrodd eller känd som mellanliggande utfärdare.',
  },
  malformed: {
    en: 'A certificate of the chain has an extension that cannot be read, or has it twice.',
    sv: 'Ett certifikat i kedjan har ett tillägg som inte går att läsa, eller har det två gånger.',
  },
  not_yet_valid: { en: 'The certificate is not valid yet.', sv: 'Certifikatet gäller inte än.' },
  path_too_long: {
    en: 'There are more authorities in the chain than one of them allows.',
    sv: 'Kedjan har fler utfärdare än en av dem tillåter.',
  },
  policy_missing: {
    en: 'An authority of the chain requires a certificate policy that the chain does not give.',
    sv: 'En utfärdare i kedjan kräver en certifikatpolicy som kedjan inte ger.',
  },
  signature_invalid: {
    en: 'A signature in the chain is not that of the issuer.',
    sv: 'En signatur i kedjan är inte utfärdarens.',
  },
  signature_weak: {
    en: 'A signature in the chain is of a kind that is forged today: SHA-1, MD5, or RSA below 2048 bits.',
    sv: 'En signatur i kedjan är av ett slag som i dag kan förfalskas: SHA-1, MD5 eller RSA under 2048 bitar.',
  },
  too_complex: {
    en: 'The chain is too long, or there are too many ways in which it could go.',
    sv: 'Kedjan är för lång, eller kan gå på för många sätt.',
  },
} as const satisfies Readonly<Record<string, Texts>>;
export type ChainProblem = keyof typeof CHAIN_PROBLEMS;

/** What is wrong with an identity. Sorted by code. */
export const IDENTITY_PROBLEMS = {
  card_number_invalid: {
    en: 'The card number in a certificate is not nineteen digits.',
    sv: 'Kortnumret i ett certifikat är inte nitton siffror.',
  },
  certificate_malformed: {
    en: 'A certificate has an extension that cannot be read, or has it twice.',
    sv: 'Ett certifikat har ett tillägg som inte går att läsa, eller har det två gånger.',
  },
  certificate_unreadable: {
    en: 'What stands in place of a certificate is none.',
    sv: 'Det som står där ett certifikat ska stå är inget certifikat.',
  },
  certificate_untrusted: {
    en: 'A certificate does not chain to a trust anchor; nothing of it was used for the identity if another one does.',
    sv: 'Ett certifikat leder inte till en betrodd utfärdare; inget av det används för identiteten om ett annat gör det.',
  },
  contradictory: {
    en: 'Certificates of the card contradict each other: the field is left out.',
    sv: 'Kortets certifikat säger emot varandra: fältet utelämnas.',
  },
  hsa_id_invalid: {
    en: 'The serial number of a subject begins as an HSA-id, and is none.',
    sv: 'Serienumret i ett certifikats ämne börjar som ett HSA-id men är inget.',
  },
  organisation_number_invalid: {
    en: 'The HSA-id holds digits that are no organisation number.',
    sv: 'HSA-id:t innehåller siffror som inte är ett organisationsnummer.',
  },
  personal_number_invalid: {
    en: 'The serial number of a subject has twelve digits, and is neither a personal identity number nor a coordination number.',
    sv: 'Serienumret i ett certifikats ämne har tolv siffror men är varken ett personnummer eller ett samordningsnummer.',
  },
  too_many_certificates: {
    en: 'The card holds more certificates than are looked at.',
    sv: 'Kortet innehåller fler certifikat än vad som läses.',
  },
} as const satisfies Readonly<Record<string, Texts>>;
export type IdentityProblemCode = keyof typeof IDENTITY_PROBLEMS;

export const IDENTITY_FIELDS = [
  'name',
  'givenName',
  'surname',
  'hsaId',
  'personalIdentityNumber',
  'coordinationNumber',
  'cardNumber',
  'organisation',
  'assuranceLevel',
] as const;
export type IdentityField = (typeof IDENTITY_FIELDS)[number];

const texts = {
  en: Type.String({ description: 'For people.' }),
  sv: Type.String({ description: 'The same in Swedish.' }),
};
const Policies = Type.Array(Type.String(), { description: 'Certificate policies, as object identifiers.' });
const CardNumber = Type.Optional(Type.String({ description: 'Nineteen digits: extension 1.2.752.34.2.1.' }));

export const CertificateChain = Closed(
  {
    status: Type.Enum(['trusted', 'untrusted', 'unchecked'] as const, {
      description: 'unchecked: no trust anchor is configured. Revocation is not looked at.',
    }),
    subjects: Type.Array(Type.String(), {
      description: 'RFC 4514. The certificate first, the trust anchor last; as far as it came where it is untrusted.',
    }),
    problem: Type.Optional(Closed({ code: Type.Enum(Object.keys(CHAIN_PROBLEMS) as ChainProblem[]), ...texts })),
  },
  'The way from a certificate to a trust anchor.',
);
export type CertificateChain = Static<typeof CertificateChain>;

/** What `parsed` of a certificate says besides names, number and dates. */
export const certificateFields = {
  purpose: Type.Enum(['authentication', 'signature', 'authority', 'other'] as const, {
    description: 'From key usage and basic constraints: what the certificate lets its key be used for.',
  }),
  validity: Type.Enum(['valid', 'not_yet_valid', 'expired'] as const, { description: 'By the clock of this computer.' }),
  policies: Policies,
  assuranceLevel: Type.Optional(
    Type.String({ description: 'As configured for its policies; only of a certificate whose chain is trusted.' }),
  ),
  cardNumber: CardNumber,
  chain: CertificateChain,
} as const;

export const Identity = Closed(
  {
    name: Type.Optional(Type.String({ description: 'Full name.' })),
    givenName: Type.Optional(Type.String()),
    surname: Type.Optional(Type.String()),
    hsaId: Type.Optional(Type.String({ description: 'As written; compare without regard to case.' })),
    personalIdentityNumber: Type.Optional(
      Type.String({ description: 'Twelve digits, YYYYMMDDNNNC; date and check digit are right.' }),
    ),
    coordinationNumber: Type.Optional(Type.String({ description: 'Twelve digits, the day plus 60.' })),
    cardNumber: CardNumber,
    organisation: Type.Optional(Type.String()),
    organisationNumber: Type.Optional(Type.String({ description: 'Ten digits: of whoever issues the HSA-id.' })),
    assuranceLevel: Type.Optional(
      Type.String({ description: 'LoA3: as configured for the policies of certificates that are trusted.' }),
    ),
    policies: Policies,
    isTrusted: Type.Optional(
      Type.Boolean({
        description:
          'true: all of it comes from certificates that chain to a trust anchor. Absent: no anchor is configured. Anybody can copy a certificate: that ' +
          'the card has its key is shown by a login or a signature, not by this.',
      }),
    ),
    problems: Type.Array(
      Closed({
        code: Type.Enum(Object.keys(IDENTITY_PROBLEMS) as IdentityProblemCode[]),
        field: Type.Optional(Type.Enum(IDENTITY_FIELDS, { description: 'Left out for it.' })),
        keyReference: Type.Optional(Type.String({ description: 'Whose certificate.' })),
        ...texts,
      }),
    ),
  },
  'Who the certificates of a card say its holder is. What none of them says is absent.',
);
export type Identity = Static<typeof Identity>;
