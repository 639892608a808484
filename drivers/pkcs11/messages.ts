/**
 * What kortd and the child process of a module say to each other. Numbers and names go as JSON, bytes beside it as they are: a PIN must not become a string,
 * which nobody can wipe. Both sides check what they get: the child holds a vendor's code, and is believed as little as a card.
 */
import Type, { type Static, type TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { CALLED_FUNCTIONS, OPERATIONS } from './functions.ts';

export const MAX_SLOTS = 64;
export const MAX_OBJECTS = 1_024;
export const MAX_LANES = 4;
export const MAX_MECHANISMS = 1_024;
/** Longest value of an attribute that is read: a certificate. */
export const MAX_VALUE_BYTES = 65_536;
export const MAX_DIGESTS = 4_096;
export const MAX_PATH = 4_096;
/** Of one request: what reads a card with as many objects as it may have, and more. */
export const MAX_CALLS = 4_096;
export const MAX_NUMBER = 0xffff_ffff;

const closed = { additionalProperties: false } as const;
/** CK_ULONG: beyond what a JSON number holds. */
const Handle = Type.String({ pattern: '^\\d{1,20}$' });
const Uint32 = Type.Integer({ minimum: 0, maximum: MAX_NUMBER });
const Text = (maxLength: number) => Type.String({ maxLength });

const Kind = Type.Enum(['boolean', 'bytes', 'number']);
/** A value in a template; that of `bytes` is the next of the message's. */
const TemplateRow = Type.Object({ type: Uint32, kind: Kind, value: Type.Optional(Uint32) }, closed);
const Template = Type.Array(TemplateRow, { maxItems: 32 });
const Mechanism = Type.Object(
  {
    type: Uint32,
    pss: Type.Optional(Type.Object({ hash: Uint32, mgf: Uint32, saltLength: Uint32 }, closed)),
    /** Bytes of the message are the parameter. */
    hasParameter: Type.Optional(Type.Boolean()),
  },
  closed,
);

/** Arguments by operation. Sorted by name. */
const ARGUMENTS = {
  close: Type.Object({ session: Handle }, closed),
  create: Type.Object({ session: Handle, template: Template }, closed),
  /** The first of the bytes is the cryptogram. */
  decrypt: Type.Object({ session: Handle, key: Handle, mechanism: Uint32 }, closed),
  destroy: Type.Object({ session: Handle, object: Handle }, closed),
  event: Type.Object({}, closed),
  find: Type.Object(
    {
      session: Handle,
      match: Template,
      read: Type.Array(Type.Object({ type: Uint32, kind: Kind }, closed), { maxItems: 32 }),
    },
    closed,
  ),
  generate: Type.Object(
    { session: Handle, mechanism: Type.Integer(), publicTemplate: Template, privateTemplate: Template },
    closed,
  ),
  initPin: Type.Object({ session: Handle }, closed),
  login: Type.Object({ session: Handle, user: Type.Integer({ minimum: 0, maximum: 2 }) }, closed),
  logout: Type.Object({ session: Handle }, closed),
  mechanisms: Type.Object({ slot: Handle }, closed),
  open: Type.Object({ slot: Handle, isReadOnly: Type.Boolean() }, closed),
  setAttributes: Type.Object({ session: Handle, object: Handle, template: Template }, closed),
  setPin: Type.Object({ session: Handle }, closed),
  sign: Type.Object(
    {
      lanes: Type.Array(Type.Object({ session: Handle, key: Handle }, closed), { minItems: 1, maxItems: MAX_LANES }),
      mechanism: Mechanism,
      /** The last of the bytes is a PIN, for a key that wants it at each use; for no bytes the keypad. */
      authenticate: Type.Enum(['no', 'keypad', 'pin']),
    },
    closed,
  ),
  slots: Type.Object({ known: Type.Array(Handle, { maxItems: MAX_SLOTS }) }, closed),
  start: Type.Object({ path: Text(MAX_PATH), sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }) }, closed),
  token: Type.Object({ slot: Handle }, closed),
} as const satisfies Readonly<Record<(typeof OPERATIONS)[number], TSchema>>;

const TokenInfo = Type.Object(
  {
    label: Text(32),
    manufacturer: Text(32),
    model: Text(16),
    serialNumber: Text(16),
    flags: Uint32,
    maxPinLength: Uint32,
    minPinLength: Uint32,
  },
  closed,
);
const Empty = Type.Object({}, closed);

/** Results by operation. Sorted by name. */
const RESULTS = {
  close: Empty,
  create: Type.Object({ object: Handle }, closed),
  decrypt: Empty,
  destroy: Empty,
  event: Type.Object({ seen: Type.Enum(['change', 'nothing', 'unsupported']) }, closed),
  find: Type.Object(
    {
      /** In the order of `read`: a number, 0 or 1 for a boolean, true for the next of the message's bytes, null for what the object has not. */
      objects: Type.Array(
        Type.Object(
          { handle: Handle, values: Type.Array(Type.Union([Uint32, Type.Literal(true), Type.Null()]), { maxItems: 32 }) },
          closed,
        ),
        { maxItems: MAX_OBJECTS },
      ),
    },
    closed,
  ),
  generate: Type.Object({ publicKey: Handle, privateKey: Handle }, closed),
  initPin: Empty,
  login: Empty,
  logout: Empty,
  mechanisms: Type.Object(
    {
      types: Type.Array(Uint32, { maxItems: MAX_MECHANISMS }),
      /** Bits of the keys that mechanisms for key pairs make; 0 and 0 where the module does not tell. */
      made: Type.Array(Type.Object({ type: Uint32, min: Uint32, max: Uint32 }, closed), { maxItems: 2 }),
    },
    closed,
  ),
  open: Type.Object({ session: Handle }, closed),
  setAttributes: Empty,
  setPin: Empty,
  sign: Empty,
  slots: Type.Object(
    {
      slots: Type.Array(
        Type.Object(
          {
            id: Handle,
            info: Type.Optional(Type.Object({ description: Text(64), flags: Uint32 }, closed)),
            token: Type.Optional(TokenInfo),
          },
          closed,
        ),
        { maxItems: MAX_SLOTS },
      ),
    },
    closed,
  ),
  start: Type.Object({ cryptokiVersion: Text(16), manufacturer: Text(32), description: Text(32), version: Text(16) }, closed),
  token: Type.Object({ token: Type.Optional(TokenInfo) }, closed),
} as const satisfies Readonly<Record<keyof typeof ARGUMENTS, TSchema>>;

export type Operation = keyof typeof ARGUMENTS;
export type Arguments<O extends Operation> = Static<(typeof ARGUMENTS)[O]>;
export type Results<O extends Operation> = Static<(typeof RESULTS)[O]>;
export type TemplateRow = Static<typeof TemplateRow>;
export type AttributeKind = Static<typeof Kind>;
export type MechanismChoice = Static<typeof Mechanism>;

/** One call of the module's functions, as numbers. What the child says of it is not believed either: nothing but these fits. */
const Call = Type.Object(
  {
    function: Type.Enum([...CALLED_FUNCTIONS]),
    value: Uint32,
    durationMs: Uint32,
    mechanism: Type.Optional(Uint32),
    attributes: Type.Optional(Uint32),
    bytesIn: Type.Optional(Uint32),
    bytesOut: Type.Optional(Uint32),
    found: Type.Optional(Uint32),
  },
  closed,
);
const Calls = Type.Optional(Type.Array(Call, { maxItems: MAX_CALLS }));
export type ModuleCall = Static<typeof Call>;

const Id = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });
const Request = Type.Object(
  {
    ...{ id: Id, operation: Type.Enum([...OPERATIONS]), arguments: Type.Unknown() },
    /** The answer tells the calls that it took. */
    isTraced: Type.Optional(Type.Boolean()),
  },
  closed,
);
const Answer = Type.Union([
  Type.Object({ id: Id, kind: Type.Literal('result'), result: Type.Unknown(), calls: Calls }, closed),
  /** The module's function answered with an error. */
  Type.Object({ id: Id, kind: Type.Literal('returned'), call: Text(64), value: Uint32, calls: Calls }, closed),
  /** The module, or its file, cannot be worked with. */
  Type.Object({ id: Id, kind: Type.Literal('fault'), problem: Text(1_024), calls: Calls }, closed),
  Type.Object({ id: Id, kind: Type.Literal('progress'), done: Uint32 }, closed),
]);

export type Request = {
  readonly [O in Operation]: {
    readonly id: number;
    readonly operation: O;
    readonly arguments: Arguments<O>;
    readonly isTraced?: boolean;
  };
}[Operation];
export type Answer = Static<typeof Answer>;

/** What came does not fit: a defect here, or a process that went wild. */
export class MessageError extends Error {
  override readonly name = 'MessageError';
}

const requests = Compile(Request);
const answers = Compile(Answer);
const compiled = new Map<TSchema, { Check(value: unknown): boolean }>();

function fits(schema: TSchema, value: unknown): boolean {
  let validator = compiled.get(schema);
  if (!validator) compiled.set(schema, (validator = Compile(schema)));
  return validator.Check(value);
}

export function parseRequest(value: unknown): Request {
  if (!requests.Check(value) || !fits(ARGUMENTS[value.operation], value.arguments))
    throw new MessageError('reading a request: it does not fit');
  return value as Request;
}

export function parseAnswer(value: unknown): Answer {
  if (!answers.Check(value)) throw new MessageError('reading an answer: it does not fit');
  return value;
}

export function parseResult<O extends Operation>(operation: O, value: unknown): Results<O> {
  if (!fits(RESULTS[operation], value)) throw new MessageError(`reading the result of "${operation}": it does not fit`);
  return value as Results<O>;
}
