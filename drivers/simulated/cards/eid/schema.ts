/** The files of a PKCS #15 card as TypeBox schemas: the description in a scenario, and the saved state. */
import Type from 'typebox';
import { EID_PROFILES } from './profile.ts';
import { KEY_ALGORITHMS } from './private-key.ts';

const hexadecimal = Type.String({ pattern: '^([0-9A-Fa-f]{2})*$' });
const base64 = Type.String({ pattern: '^[A-Za-z0-9+/]*={0,2}$' });
const attempts = Type.Integer({ minimum: 1, maximum: 255 });
const digits = Type.String({ pattern: '^[0-9]{6,8}$' });
const profile = Type.Union(EID_PROFILES.map((name) => Type.Literal(name)));
const capacityBytes = Type.Integer({ minimum: 0 });
const byte = Type.Integer({ minimum: 0, maximum: 255 });
const strict = { additionalProperties: false } as const;

function forEachPin<S extends Type.TSchema>(schema: S): Type.TObject<{ legitimering: S; underskrift: S; puk: S }> {
  return Type.Object({ legitimering: schema, underskrift: schema, puk: schema }, strict);
}

const key = Type.Object({ privateKey: base64, certificate: Type.Optional(base64) }, strict);

/** `personas` are the names that `persona` may have. */
export function eidCardDescriptionSchema(personas: readonly string[]): Type.TSchema {
  return Type.Object(
    {
      persona: Type.Optional(Type.Union(personas.map((name) => Type.Literal(name)))),
      profile: Type.Optional(profile),
      cardNumber: Type.Optional(Type.String({ pattern: '^[0-9]{19}$' })),
      label: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
      applicationId: Type.Optional(Type.String({ pattern: '^([0-9A-Fa-f]{2}){5,16}$' })),
      extendedLength: Type.Optional(Type.Boolean()),
      clearsOnSelect: Type.Optional(Type.Boolean()),
      capacityBytes: Type.Optional(capacityBytes),
      pins: Type.Optional(Type.Partial(forEachPin(digits), strict)),
      pinAttempts: Type.Optional(Type.Partial(forEachPin(attempts), strict)),
      keys: Type.Optional(Type.Object({ legitimering: Type.Optional(key), underskrift: Type.Optional(key) }, strict)),
      preparedKeys: Type.Optional(Type.Union(KEY_ALGORITHMS.map((name) => Type.Literal(name)))),
      spareKeys: Type.Optional(Type.Union(KEY_ALGORITHMS.map((name) => Type.Literal(name)))),
      authorities: Type.Optional(Type.Array(Type.Object({ label: Type.String(), certificate: base64 }, strict))),
      lastUpdate: Type.Optional(Type.String()),
    },
    strict,
  );
}

const referenceData = Type.Object(
  { block: hexadecimal, attemptsTotal: attempts, attemptsRemaining: Type.Integer({ minimum: 0, maximum: 255 }) },
  strict,
);

const file = Type.Union([
  Type.Object({ kind: Type.Literal('directory'), access: hexadecimal, name: Type.Optional(hexadecimal) }, strict),
  Type.Object(
    {
      ...{ kind: Type.Literal('working'), access: hexadecimal, content: base64 },
      shortId: Type.Optional(Type.Integer({ minimum: 1, maximum: 30 })),
    },
    strict,
  ),
  Type.Object(
    {
      ...{ kind: Type.Literal('key'), access: hexadecimal, reference: byte, pin: byte, needsConsent: Type.Boolean() },
      uses: Type.Array(Type.Union([Type.Literal('sign'), Type.Literal('decipher')])),
      privateKey: Type.Optional(base64),
    },
    strict,
  ),
]);

export const eidCardStateSchema = Type.Object(
  {
    ...{ format: Type.Literal('kortd-simulated-eid'), version: Type.Literal(1), profile, serialNumber: hexadecimal },
    ...{ extendedLength: Type.Boolean(), clearsOnSelect: Type.Boolean(), capacityBytes },
    pins: forEachPin(referenceData),
    files: Type.Record(Type.String(), file),
  },
  strict,
);
