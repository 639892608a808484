/** A vendor's service as a scenario has it. */
import Type, { type Static } from 'typebox';
import { PAGE_DEFECTS } from './page-defects.ts';
import { serviceFaultSchema } from './service-faults.ts';
import { VENDOR_KINDS } from './vendor-kinds.ts';

const strict = { additionalProperties: false } as const;

export const serviceRowSchema = Type.Object(
  {
    name: Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,22}$' }),
    service: Type.Enum([...VENDOR_KINDS]),
    /** What lies in it at the start: a document of one of the people whose passports are simulated. */
    document: Type.Optional(
      Type.Object(
        {
          persona: Type.String({ minLength: 1, maxLength: 32 }),
          defects: Type.Optional(Type.Array(Type.Enum([...PAGE_DEFECTS]), { maxItems: PAGE_DEFECTS.length })),
        },
        strict,
      ),
    ),
    faults: Type.Optional(Type.Array(serviceFaultSchema, { maxItems: 16 })),
  },
  strict,
);
export type ServiceRow = Static<typeof serviceRowSchema>;
