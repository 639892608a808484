/** The files of a PIV card as TypeBox schemas: the description in a scenario, and the saved state. */
import Type from 'typebox';

const hexadecimal = Type.String({ pattern: '^([0-9A-Fa-f]{2})*$' });
const base64 = Type.String({ pattern: '^[A-Za-z0-9+/]*={0,2}$' });
const attempts = Type.Integer({ minimum: 1, maximum: 255 });
const profile = Type.Union([Type.Literal('yubikey'), Type.Literal('plain')]);
const firmware = Type.String({ pattern: '^[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}$' });
const serialNumber = Type.Integer({ minimum: 0, maximum: 0xffff_ffff });
const managementAlgorithm = Type.Union([
  Type.Literal('3DES'),
  Type.Literal('AES-128'),
  Type.Literal('AES-192'),
  Type.Literal('AES-256'),
]);
const origin = Type.Union([Type.Literal('generated'), Type.Literal('imported')]);
const pinPolicy = Type.Integer({ minimum: 0, maximum: 5 });
const touchPolicy = Type.Integer({ minimum: 0, maximum: 3 });
const capacityBytes = Type.Integer({ minimum: 0 });
const strict = { additionalProperties: false } as const;

export const pivCardDescriptionSchema = Type.Object(
  {
    profile: Type.Optional(profile),
    firmware: Type.Optional(firmware),
    serialNumber: Type.Optional(serialNumber),
    extendedLength: Type.Optional(Type.Boolean()),
    clearsOnSelect: Type.Optional(Type.Boolean()),
    capacityBytes: Type.Optional(capacityBytes),
    pin: Type.Optional(Type.String({ minLength: 6, maxLength: 8 })),
    puk: Type.Optional(Type.String({ minLength: 6, maxLength: 8 })),
    pinAttempts: Type.Optional(attempts),
    pukAttempts: Type.Optional(attempts),
    managementKey: Type.Optional(Type.Object({ algorithm: managementAlgorithm, key: hexadecimal }, strict)),
    objects: Type.Optional(Type.Record(Type.String(), base64)),
    keys: Type.Optional(
      Type.Record(
        Type.String(),
        Type.Object(
          {
            privateKey: base64,
            certificate: Type.Optional(base64),
            pinPolicy: Type.Optional(pinPolicy),
            touchPolicy: Type.Optional(touchPolicy),
            origin: Type.Optional(origin),
          },
          strict,
        ),
      ),
    ),
  },
  strict,
);

const referenceData = Type.Object(
  { block: hexadecimal, attemptsTotal: attempts, attemptsRemaining: Type.Integer({ minimum: 0, maximum: 255 }) },
  strict,
);

export const pivCardStateSchema = Type.Object(
  {
    format: Type.Literal('kortd-simulated-piv'),
    version: Type.Literal(1),
    profile,
    firmware,
    serialNumber,
    extendedLength: Type.Boolean(),
    clearsOnSelect: Type.Boolean(),
    capacityBytes,
    pin: referenceData,
    puk: referenceData,
    managementKey: Type.Object({ algorithm: managementAlgorithm, key: hexadecimal, touchPolicy }, strict),
    objects: Type.Record(Type.String(), base64),
    keys: Type.Record(Type.String(), Type.Object({ privateKey: base64, pinPolicy, touchPolicy, origin }, strict)),
  },
  strict,
);
