/** A scenario file as a TypeBox schema. What a card's `options` may be, its kind says (`cards/index.ts`). */
import Type, { type Static } from 'typebox';
import { linePadSchema } from './pads/line-pad-schema.ts';
import { serviceRowSchema } from './scanners/service-row.ts';

const strict = { additionalProperties: false } as const;
const at = Type.Integer({ minimum: 1 });
const phase = Type.Optional(Type.Union([Type.Literal('before'), Type.Literal('after')]));
const hexadecimal = Type.String({ pattern: '^([0-9A-Fa-f]{2})+$' });
const base64 = Type.String({ pattern: '^[A-Za-z0-9+/]+={0,2}$' });

const faultSchema = Type.Union([
  Type.Object({ kind: Type.Literal('pull'), at, phase }, strict),
  Type.Object({ kind: Type.Literal('reset'), at, phase }, strict),
  Type.Object({ kind: Type.Literal('mute'), from: at }, strict),
  Type.Object({ kind: Type.Literal('delay'), delayMs: Type.Number({ minimum: 0 }), from: Type.Optional(at) }, strict),
  Type.Object({ kind: Type.Literal('statusWord'), at, statusWord: Type.String({ pattern: '^[0-9A-Fa-f]{4}$' }) }, strict),
  Type.Object({ kind: Type.Literal('garbage'), at, response: Type.Optional(hexadecimal) }, strict),
  Type.Object({ kind: Type.Literal('truncate'), at, lengthBytes: Type.Integer({ minimum: 0 }) }, strict),
  Type.Object({ kind: Type.Literal('flap'), times: Type.Integer({ minimum: 1 }), periodMs: Type.Number({ minimum: 1 }) }, strict),
]);

const readerSchema = Type.Object(
  {
    name: Type.String({ minLength: 1 }),
    /** What the desk would use it for: "operator", "secondOperator", "holder". */
    role: Type.Optional(Type.String({ minLength: 1 })),
    serialNumber: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    /** USB port, as Linux names it: "1-2.3". */
    usbPath: Type.Optional(Type.String({ pattern: '^\\d+-\\d+(\\.\\d+)*$' })),
    contactless: Type.Optional(Type.Boolean()),
    supportsExtendedLength: Type.Optional(Type.Boolean()),
    /** The reader has a keypad, and this is typed on it, one entry for each prompt, the last again and again: digits, "cancel" or "timeout". */
    keypad: Type.Optional(Type.Array(Type.String({ pattern: '^(\\d{0,16}|cancel|timeout)$' }), { minItems: 1 })),
    /** Name of the card that is in it at the start. */
    card: Type.Optional(Type.String()),
    /** Armed at the start. */
    faults: Type.Optional(Type.Array(faultSchema)),
  },
  strict,
);

const cardSchema = Type.Object(
  {
    name: Type.String({ minLength: 1 }),
    /** One of `cards/index.ts`; "trace": recorded in the file that `options` name (`daemon/trace/scenario-card.ts`). */
    kind: Type.String(),
    /** Whose card it is. */
    persona: Type.Optional(Type.Object({ name: Type.String(), hsaId: Type.Optional(Type.String()) }, strict)),
    /** What it is, for whoever looks at the desk. */
    note: Type.Optional(Type.Object({ en: Type.String({ minLength: 1 }), sv: Type.String({ minLength: 1 }) }, strict)),
    options: Type.Optional(Type.Object({})),
    /** Keeps the card between runs; relative to the folder that is given when the scenario is loaded. */
    stateFile: Type.Optional(Type.String({ minLength: 1 })),
  },
  strict,
);

const moment = { at, times: Type.Optional(at) };
const waiting = Type.Integer({ minimum: 0, maximum: 600_000 });
const scannerFaultSchema = Type.Union([
  Type.Object({ kind: Type.Literal('slow'), ...moment, delayMs: waiting }, strict),
  Type.Object({ kind: Type.Literal('gone'), ...moment, backAfterMs: waiting }, strict),
  Type.Object({ kind: Type.Literal('stuck'), ...moment, forMs: waiting }, strict),
  ...(['wrongType', 'garbage', 'unlicensed', 'heldElsewhere', 'serviceGone', 'noDocument'] as const).map((kind) =>
    Type.Object({ kind: Type.Literal(kind), ...moment }, strict),
  ),
]);

const sixDigits = Type.String({ pattern: '^\\d{6}$' });
const documentSchema = Type.Object(
  {
    form: Type.Enum(['TD1', 'TD3'] as const),
    surname: Type.String({ minLength: 1, maxLength: 39 }),
    givenNames: Type.String({ minLength: 1, maxLength: 39 }),
    number: Type.String({ pattern: '^[A-Z0-9]{1,9}$' }),
    /** YYMMDD. */
    birthDate: sixDigits,
    expiryDate: sixDigits,
    sex: Type.Enum(['F', 'M'] as const),
    optional: Type.Optional(Type.String({ pattern: '^[A-Z0-9]{0,14}$' })),
    /** What is wrong with it: in the zone, under UV light, under infrared, or how it is read. */
    defect: Type.Optional(Type.Enum(['checkDigit', 'uvBright', 'irVisible', 'misread', 'shortLine'] as const)),
  },
  strict,
);

const scannerSchema = Type.Object(
  {
    name: Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,22}$' }),
    model: Type.String({ minLength: 1 }),
    serialNumber: Type.String({ minLength: 1, maxLength: 64 }),
    /** In the order in which they are put in, again and again. */
    documents: Type.Array(documentSchema),
    faults: Type.Optional(Type.Array(scannerFaultSchema)),
    /** What a person takes to put a document in, and the scanner for each picture. */
    paceMs: Type.Optional(waiting),
  },
  strict,
);

export const scenarioSchema = Type.Object(
  {
    comment: Type.Optional(Type.String()),
    name: Type.String({ minLength: 1 }),
    /** Test CAs, with their private keys (PKCS #8): for benches that issue. */
    authorities: Type.Optional(Type.Array(Type.Object({ name: Type.String(), certificate: base64, privateKey: base64 }, strict))),
    /** What the policies in their certificates stand for: "LoA3". */
    assuranceLevels: Type.Optional(
      Type.Array(
        Type.Object({ policy: Type.String({ pattern: '^\\d+(\\.\\d+)+$' }), level: Type.String({ minLength: 1 }) }, strict),
      ),
    ),
    /** HSA-ids of the card office's administrators. */
    administrators: Type.Optional(Type.Array(Type.String({ minLength: 1 }))),
    readers: Type.Array(readerSchema),
    cards: Type.Array(cardSchema),
    /** Signature pads: models of `pads/stu-models.ts`. */
    pads: Type.Optional(
      Type.Array(Type.Object({ model: Type.String(), serialNumber: Type.String({ minLength: 1, maxLength: 10 }) }, strict), {
        maxItems: 16,
      }),
    ),
    /** Of identity documents. */
    scanners: Type.Optional(Type.Array(scannerSchema, { maxItems: 8 })),
    /** Those on serial lines, and of signotec's service. */
    linePads: Type.Optional(Type.Array(linePadSchema, { maxItems: 16 })),
    /** Vendors' services that judge documents, each a scanner by itself. */
    scannerServices: Type.Optional(Type.Array(serviceRowSchema, { maxItems: 8 })),
  },
  strict,
);

export type ScenarioFile = Static<typeof scenarioSchema>;
export type ScenarioReaderRow = Static<typeof readerSchema>;
export type ScenarioCardRow = Static<typeof cardSchema>;
