/** Options of a Regula service, as a schema: everything has a default but where it is. */
import Type, { type Static } from 'typebox';
import { pictureLights, serviceFields } from '../vendor-options.ts';

export const RegulaOptions = Type.Object(
  {
    ...serviceFields,
    /** What the service does with the pictures (common.yml, Scenario). */
    scenario: Type.Optional(Type.Enum(['FullAuth', 'FullProcess', 'Mrz', 'MrzAndLocate', 'MrzOrOcr'] as const)),
    /** A folder into which a program of the scanner's puts one picture for each light. Without it pictures come from the caller alone. */
    pictureFolder: Type.Optional(Type.String({ minLength: 1, maxLength: 4_096 })),
    lights: pictureLights,
  },
  { additionalProperties: false },
);
export type RegulaOptions = Static<typeof RegulaOptions>;
