/** Shapes that several methods and events share. Binary is base64 (RFC 4648, section 4); what is read aloud or compared by people is hexadecimal. */
import Type, { type Static } from 'typebox';
import { Closed } from './closed.ts';
import { ERRORS, type ErrorCode } from './errors.ts';
import { certificateFields } from './identity.ts';
import { SCOPES, type Scope } from './scopes.ts';

export { Closed } from './closed.ts';

export const Id = (what: string) => Type.String({ minLength: 1, maxLength: 64, description: `Id of the ${what}.` });
export const Base64 = (description: string, maxLength = 65_536) =>
  Type.String({ pattern: '^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$', maxLength, description });
export const Hex = (description: string, maxBytes: number) =>
  Type.String({ pattern: '^(?:[0-9A-Fa-f]{2})*$', maxLength: maxBytes * 2, description });
export const Time = (description = '') => Type.String({ description: `${description} ISO 8601, UTC.`.trimStart() });
const SecretText = (description: string, maxLength: number) =>
  Type.String({ minLength: 1, maxLength, description: `${description} Needs the scope pin.direct.`, writeOnly: true });

export const ScopeName = Type.Enum(Object.keys(SCOPES) as Scope[]);
export const KeyAlgorithm = Type.Enum(['RSA-1024', 'RSA-2048', 'RSA-3072', 'RSA-4096', 'P-256', 'P-384'] as const);
export const SignatureAlgorithm = Type.Enum(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384'] as const, {
  description: 'JWA name (RFC 7518, section 3.1).',
});
export const PinPolicy = Type.Enum(['never', 'once', 'always'] as const, { description: 'When the key wants its PIN.' });
export const TouchPolicy = Type.Enum(['never', 'always', 'cached'] as const, { description: 'When the key wants a touch.' });
export const KeyReference = Type.String({
  pattern: '^(?:[0-9A-Fa-f]{2}){1,64}$',
  description: 'Key on the card, in hexadecimal: 9A, 9C, 9D, 9E, 82 to 95 (PIV), or its iD (eID).',
});
export const PinReference = Type.Optional(
  Type.String({
    pattern: '^[0-9A-Fa-f]{2}(?:-[0-9A-Fa-f]{2})?$',
    description: 'Which PIN, as card.read lists them: 80 PIV PIN, 81 PUK, 00 global PIN. The first key’s unless given.',
  }),
);

export const ROLE_PATTERN = '^[A-Za-z][A-Za-z0-9-]{0,31}$';
export const RoleName = Type.String({
  pattern: ROLE_PATTERN,
  description: 'What a reader is for at this desk: operator, secondOperator, holder, or any other name.',
});

/** By id, by reader, or by role. Never by order of readers. */
export const CardTarget = Type.Union([Id('card'), Closed({ reader: Id('reader') }), Closed({ role: RoleName })], {
  description:
    'The card: its id; or { "reader": id } for the card in that reader; or { "role": name } for the card in the reader that is bound to that role, which must be one that the rules of the role allow.',
});
export const LeaseParam = Type.Optional(
  Type.String({ minLength: 1, maxLength: 64, description: 'Lease under which to work; needed while one is held.' }),
);

export const PinParam = Type.Optional(SecretText('The PIN. Left out: typed on the keypad of the reader.', 64));
export const NewPinParam = Type.Optional(SecretText('The new PIN. Left out: typed on the keypad of the reader.', 64));
export const PukParam = Type.Optional(SecretText('The PUK. Left out: typed on the keypad of the reader.', 64));
export const AllowLastTry = Type.Optional(Type.Boolean({ description: 'Send the PIN even when a wrong one would block it.' }));

export const Purpose = Type.Optional(
  Type.String({ maxLength: 120, description: 'What the PIN is wanted for: shown to the person, as the words of whoever asks.' }),
);

/** Bytes in a message: 131,072 at most, since all of it has a bound. */
const Data = (what: string) => Base64(`${what}, base64. Longer ones are uploaded.`, 174_764);
const Upload = Id('upload, as POST /v1/contents gave it');
export const HashAlgorithm = Type.Enum(['sha256', 'sha384', 'sha512'] as const);

/** Bytes that kortd itself must see. */
export const ByteSource = (what: string) =>
  Type.Union([Closed({ data: Data(what) }), Closed({ upload: Upload })], {
    description: `${what}: the bytes, or an upload that was kept (keep=true).`,
  });

/** Content to be signed, or that was. */
export const ContentSource = Type.Union(
  [
    Closed({ data: Data('The content') }),
    Closed({ digest: Closed({ hash: HashAlgorithm, value: Base64('Of the length that the hash has.', 88) }) }),
    Closed({ upload: Upload }),
  ],
  { description: 'The content: its bytes, its digest (for a detached signature), or an upload.' },
);

export const CertificateList = (description: string) =>
  Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 65_536 }), {
      maxItems: 32,
      description: `${description} X.509: PEM, or base64 of DER.`,
    }),
  );

/** What every call to a card takes. */
export const cardParams = { card: CardTarget, lease: LeaseParam };

/** What every call takes that changes keys or certificates: a card wants its management key first (PIV), or a PIN (eID). */
export const managementParams = {
  managementKey: Type.Optional(
    SecretText(
      'Card management key, for cards that want one: 32, 48 or 64 hexadecimal digits, or "default" for the factory value.',
      64,
    ),
  ),
  pin: PinParam,
  pinReference: Type.Optional(
    Type.String({
      pattern: '^[0-9A-Fa-f]{2}(?:-[0-9A-Fa-f]{2})?$',
      description:
        'The PIN that lets the card be changed, on cards where one does. Left out: the one that the card names, or usually is it.',
    }),
  ),
  allowLastTry: AllowLastTry,
  purpose: Purpose,
};

export const Reader = Closed(
  {
    id: Id('reader'),
    name: Type.String({ description: 'As its driver names it.' }),
    source: Type.String({ description: 'Where it comes from: pcsc, simulated, or pkcs11:NAME for a vendor’s module.' }),
    status: Type.Enum(['empty', 'present', 'mute', 'unavailable'] as const, {
      description:
        'mute: a card is in it and does not answer. unavailable: the service behind it is gone; it comes back by itself.',
    }),
    card: Type.Optional(Id('card')),
    hasKeypad: Type.Optional(Type.Boolean()),
    role: Type.Optional(RoleName),
    serialNumber: Type.Optional(Type.String({ description: 'Of the reader, where it tells one.' })),
    usbPath: Type.Optional(Type.String({ description: 'Port that it is plugged into, hubs and all: 1-2.3. Linux only.' })),
  },
  'What a card goes into.',
);
export type Reader = Static<typeof Reader>;

export const Card = Closed(
  {
    id: Id('card'),
    reader: Id('reader'),
    role: Type.Optional(RoleName),
    atr: Hex('Answer to Reset.', 33),
    insertedAt: Time('When kortd saw it come.'),
    status: Type.Enum(['identifying', 'ready', 'unknown', 'failed'] as const, {
      description: 'ready: an application was found. unknown: none that kortd knows. failed: it could not be read; see problem.',
    }),
    application: Type.Optional(
      Closed({
        id: Type.String({ description: 'Which card application: piv.' }),
        specification: Type.String(),
        serialNumber: Type.Optional(Type.String({ description: 'Tells two cards of one kind apart.' })),
      }),
    ),
    problem: Type.Optional(Closed({ code: Type.Enum(Object.keys(ERRORS) as ErrorCode[]), message: Type.String() })),
    lease: Type.Optional(Closed({ holder: Type.String(), purpose: Type.Optional(Type.String()), expiresAt: Time() })),
  },
  'A card in a reader. Each insertion gives a new id.',
);
export type Card = Static<typeof Card>;

export const Pin = Closed(
  {
    reference: Type.String({ description: 'Two hexadecimal digits.' }),
    kind: Type.Enum(['pin', 'puk'] as const),
    label: Type.String(),
    minLength: Type.Integer(),
    maxLength: Type.Integer(),
    attemptsRemaining: Type.Optional(Type.Integer({ description: 'Absent when the card does not tell. 0: blocked.' })),
    attemptsTotal: Type.Optional(Type.Integer()),
    isDefault: Type.Optional(Type.Boolean({ description: 'Still the factory value.' })),
  },
  'A PIN or PUK of a card.',
);
export type Pin = Static<typeof Pin>;

export const KeyUsage = Type.Enum(['authentication', 'signature', 'key agreement'] as const, {
  description: 'What the key is for. Authentication keys sign nothing that a web page hands in.',
});

export const Key = Closed(
  {
    keyReference: Type.String(),
    label: Type.String(),
    algorithm: Type.Optional(KeyAlgorithm),
    usage: KeyUsage,
    pin: Type.String({ description: 'Reference of the PIN that protects it.' }),
    pinPolicy: PinPolicy,
    touchPolicy: Type.Optional(TouchPolicy),
    origin: Type.Optional(Type.Enum(['generated', 'imported'] as const)),
    publicKey: Type.Optional(Type.String({ description: 'SubjectPublicKeyInfo, base64 of DER.' })),
    signatureAlgorithms: Type.Optional(Type.Array(SignatureAlgorithm)),
  },
  'A place for a private key on a card, whether or not a key was made there.',
);
export type Key = Static<typeof Key>;

export const Certificate = Closed(
  {
    keyReference: Type.String({ description: 'Of its key; of an authority’s certificate, a name of its own.' }),
    isAuthority: Type.Optional(Type.Boolean({ description: 'True: an authority’s, and no key on the card belongs to it.' })),
    certificate: Type.String({ description: 'X.509, base64 of DER: as the card holds it.' }),
    parsed: Type.Optional(
      Closed({
        subject: Type.String({ description: 'RFC 4514.' }),
        issuer: Type.String({ description: 'RFC 4514.' }),
        serialNumber: Type.String({ description: 'Hexadecimal.' }),
        notBefore: Time(),
        notAfter: Time(),
        fingerprint: Type.String({ description: 'SHA-256 of the DER, hexadecimal.' }),
        ...certificateFields,
      }),
    ),
  },
  'A certificate on a card.',
);
export type Certificate = Static<typeof Certificate>;

/** How a reader is found again. It must have every property that is named here. */
export const ReaderSelector = Closed(
  {
    serialNumber: Type.Optional(Type.String()),
    usbPath: Type.Optional(Type.String()),
    name: Type.Optional(Type.String({ description: 'Without the numbers that the system puts behind it.' })),
    slot: Type.Optional(Type.Integer({ description: 'Of a reader with several slots.' })),
  },
  'How the reader of a role is found again, whatever number the system gives it: it must have every property that is named.',
);
export type ReaderSelector = Static<typeof ReaderSelector>;

export const Role = Closed(
  {
    role: RoleName,
    source: Type.Optional(
      Type.Enum(['assigned', 'policy', 'scenario'] as const, { description: 'Who bound it. Absent while nobody did.' }),
    ),
    selector: Type.Optional(ReaderSelector),
    status: Type.Enum(['ready', 'away', 'ambiguous', 'unassigned'] as const, {
      description:
        'ready: its reader is there. away: it is not. ambiguous: it cannot be told which reader is meant, so none is taken. unassigned: no reader is bound to it.',
    }),
    reader: Type.Optional(Id('reader')),
    restrictsCards: Type.Boolean({ description: 'A rule says which cards may act in this role.' }),
    notSamePersonAs: Type.Array(RoleName, { description: 'Roles whose card must be there and belong to somebody else.' }),
  },
  'A role at this desk.',
);
export type Role = Static<typeof Role>;
