/** How a vendor's program is configured. */
import Type, { type Static } from 'typebox';

export const HelperOptions = Type.Object(
  {
    /** The program and its arguments. The program by its absolute path. */
    command: Type.Array(Type.String({ minLength: 1, maxLength: 4_096 }), { minItems: 1, maxItems: 32 }),
    /** Beside PATH, HOME, LANG and what Windows needs: nothing else of kortd's own is passed on. */
    environment: Type.Optional(
      Type.Record(Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]{0,63}$' }), Type.String({ maxLength: 4_096 })),
    ),
  },
  { additionalProperties: false },
);
export type HelperOptions = Static<typeof HelperOptions>;
