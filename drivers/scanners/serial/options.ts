/** How a reader on a serial line is configured: the row of its family, where it is, and what of the row is otherwise with it. */
import Type, { type Static } from 'typebox';
import { FRAMINGS, type FramingName } from './framings.ts';

const strict = { additionalProperties: false } as const;
const Bytes = Type.String({ pattern: '^(?:[0-9A-Fa-f]{2}){1,64}$' });
const Four = Type.String({ pattern: '^[0-9A-Fa-f]{4}$' });

export const SerialOptions = Type.Object(
  {
    framing: Type.Enum(Object.keys(FRAMINGS) as FramingName[]),
    /** /dev/ttyACM0, COM3. Without it the reader is found by `usb`, and found again in another socket. */
    path: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
    usb: Type.Optional(
      Type.Object(
        { vendorId: Four, productId: Type.Optional(Four), serialNumber: Type.Optional(Type.String({ maxLength: 100 })) },
        strict,
      ),
    ),
    model: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
    baudRate: Type.Optional(Type.Integer({ minimum: 300, maximum: 921_600 })),
    dataBits: Type.Optional(Type.Union([Type.Literal(7), Type.Literal(8)])),
    parity: Type.Optional(Type.Enum(['none', 'odd', 'even'] as const)),
    stopBits: Type.Optional(Type.Union([Type.Literal(1), Type.Literal(2)])),
    dtr: Type.Optional(Type.Boolean()),
    rts: Type.Optional(Type.Boolean()),
    /** In hexadecimal. */
    start: Type.Optional(Bytes),
    end: Type.Optional(Bytes),
    wake: Type.Optional(Bytes),
    trigger: Type.Optional(Bytes),
    untrigger: Type.Optional(Bytes),
    /** Silence that ends a reading without an end mark. */
    idleMs: Type.Optional(Type.Integer({ minimum: 20, maximum: 5_000 })),
  },
  strict,
);
export type SerialOptions = Static<typeof SerialOptions>;
