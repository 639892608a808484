/** How a Regula service is configured, as a TypeBox schema: everything has a default but where it is. */
import Type, { type Static } from 'typebox';
import { SCAN_LIGHTS, type ScanLight } from '../../../api-spec/scan/report.ts';
import { serviceFields } from '../vendor-configuration.ts';

export const RegulaConfiguration = Type.Object(
  {
    ...serviceFields,
    /** What the service does with the pictures (common.yml, Scenario). */
    scenario: Type.Optional(Type.Enum(['FullAuth', 'FullProcess', 'Mrz', 'MrzAndLocate', 'MrzOrOcr'] as const)),
    /** A folder into which a program of the scanner's puts one picture for each light. Without it pictures come from the caller alone. */
    pictureFolder: Type.Optional(Type.String({ minLength: 1, maxLength: 4_096 })),
    lights: Type.Optional(
      Type.Array(
        Type.Enum(
          SCAN_LIGHTS.filter((light): light is Exclude<ScanLight, 'ovd' | 'unknown'> => light !== 'ovd' && light !== 'unknown'),
        ),
        {
          minItems: 1,
          maxItems: 6,
        },
      ),
    ),
  },
  { additionalProperties: false },
);
export type RegulaConfiguration = Static<typeof RegulaConfiguration>;
