/** Pads on lines and of services, as a scenario names them, with what goes wrong with them. */
import Type, { type Static } from 'typebox';

const strict = { additionalProperties: false } as const;
const at = Type.Integer({ minimum: 1 });
/** False: it lies beside the desk, and is plugged in by a call. */
const isPlugged = Type.Optional(Type.Boolean());
const serialNumber = Type.String({ pattern: '^[A-Za-z0-9]{1,10}$' });
const lengthBytes = Type.Integer({ minimum: 0, maximum: 600 });
const command = Type.String({ pattern: '^[A-Z_]{1,40}$' });

const topazFault = Type.Union([
  Type.Object({ kind: Type.Literal('midPacketStart') }, strict),
  Type.Object(
    { kind: Type.Literal('noise'), at, bytes: Type.Optional(Type.String({ pattern: '^([0-9A-Fa-f]{2}){1,64}$' })) },
    strict,
  ),
  Type.Object({ kind: Type.Literal('halfPacket'), at, lengthBytes }, strict),
  Type.Object({ kind: Type.Literal('allOnes'), at }, strict),
  Type.Object({ kind: Type.Literal('pause'), at, delayMs: Type.Integer({ minimum: 0, maximum: 60_000 }) }, strict),
  Type.Object({ kind: Type.Literal('unplug'), at }, strict),
]);

const serialStuFault = Type.Union([
  Type.Object({ kind: Type.Literal('crc'), at }, strict),
  Type.Object({ kind: Type.Literal('half'), at, lengthBytes }, strict),
  Type.Object({ kind: Type.Literal('noise'), at }, strict),
  Type.Object({ kind: Type.Literal('mute'), at }, strict),
  Type.Object({ kind: Type.Literal('unplug'), at }, strict),
  Type.Object({ kind: Type.Literal('damagedCommand'), at }, strict),
]);

const signotecFault = Type.Union([
  Type.Object(
    {
      kind: Type.Literal('returnCode'),
      command,
      code: Type.Integer({ maximum: -1 }),
      description: Type.Optional(Type.String({ maxLength: 200 })),
    },
    strict,
  ),
  Type.Object({ kind: Type.Literal('mute'), command }, strict),
  Type.Object({ kind: Type.Literal('late'), command, delayMs: Type.Integer({ minimum: 0, maximum: 60_000 }) }, strict),
  Type.Object({ kind: Type.Literal('garbage'), command, text: Type.String({ maxLength: 1_000 }) }, strict),
  Type.Object({ kind: Type.Literal('huge'), command, bytes: Type.Integer({ minimum: 1, maximum: 64_000_000 }) }, strict),
  Type.Object({ kind: Type.Literal('drop'), command }, strict),
  Type.Object({ kind: Type.Literal('unplug'), at }, strict),
  Type.Object({ kind: Type.Literal('losePoint'), at }, strict),
  Type.Object({ kind: Type.Literal('badPoint'), at }, strict),
  Type.Object({ kind: Type.Literal('error'), at, code: Type.Integer({ maximum: -1 }) }, strict),
]);

export const linePadSchema = Type.Union([
  /** Model by its id: "siglite-1x5". */
  Type.Object(
    {
      line: Type.Literal('topaz'),
      model: Type.String({ maxLength: 40 }),
      serialNumber,
      isPlugged,
      faults: Type.Optional(Type.Array(topazFault, { maxItems: 50 })),
    },
    strict,
  ),
  Type.Object(
    {
      line: Type.Literal('serial-stu'),
      model: Type.Enum(['STU-430V', 'STU-540'] as const),
      serialNumber,
      isPlugged,
      faults: Type.Optional(Type.Array(serialStuFault, { maxItems: 50 })),
    },
    strict,
  ),
  /** Faults of any pad are those of the one service that they share. */
  Type.Object(
    {
      line: Type.Literal('signotec'),
      type: Type.Enum([1, 5, 11, 15, 21, 31] as const),
      serialNumber,
      isPlugged,
      faults: Type.Optional(Type.Array(signotecFault, { maxItems: 50 })),
    },
    strict,
  ),
]);

export type LinePadRow = Static<typeof linePadSchema>;
