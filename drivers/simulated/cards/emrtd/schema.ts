/** The files of a passport as TypeBox schemas: the description in a scenario, and the saved state. */
import Type from 'typebox';
import { SIGNATURE_HASHES } from '../../signature-scheme.ts';
import { ACTIVE_AUTHENTICATION_HASHES } from './active-authentication.ts';
import { CHIP_KEY_NAMES, SIGNER_NAMES } from './authorities.ts';
import { PACE_MAPPINGS } from './chip.ts';
import { SUITE_NAMES } from './cipher.ts';
import { EMRTD_DEFECTS } from './description.ts';
import { OPTIONAL_DATA_GROUPS } from './document-contents.ts';
import { GROUP_NUMBERS } from './groups.ts';

const strict = { additionalProperties: false } as const;
const date = Type.String({ pattern: '^[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$' });
const name = Type.String({ minLength: 1, maxLength: 64 });

function oneOf(values: readonly (number | string)[]): Type.TSchema {
  return Type.Union(values.map((value) => Type.Literal(value)));
}

const agreement = { suite: oneOf(SUITE_NAMES), parameters: oneOf(GROUP_NUMBERS) };
const holder = Type.Object(
  {
    ...{ surname: name, givenNames: name, birthDate: date, sex: oneOf(['F', 'M', 'X']) },
    personalNumber: Type.Optional(Type.String({ pattern: '^[0-9]{12}$' })),
    birthPlace: Type.Optional(name),
  },
  strict,
);

/** `personas` are the names that `persona` may have. */
export function emrtdDescriptionSchema(personas: readonly string[]): Type.TSchema {
  return Type.Object(
    {
      persona: Type.Optional(oneOf(personas)),
      holder: Type.Optional(holder),
      format: Type.Optional(oneOf(['TD1', 'TD3'])),
      documentNumber: Type.Optional(Type.String({ pattern: '^[0-9A-Z]{1,9}$' })),
      issueDate: Type.Optional(date),
      expiryDate: Type.Optional(date),
      can: Type.Optional(Type.String({ pattern: '^[0-9]{6}$' })),
      access: Type.Optional(Type.Array(oneOf(['BAC', 'PACE']), { minItems: 1, maxItems: 2 })),
      pace: Type.Optional(
        Type.Array(Type.Object({ mapping: oneOf(PACE_MAPPINGS), ...agreement }, strict), { minItems: 1, maxItems: 8 }),
      ),
      chipAuthentication: Type.Optional(Type.Union([Type.Literal('none'), Type.Object(agreement, strict)])),
      activeAuthentication: Type.Optional(
        Type.Union([
          Type.Literal('none'),
          Type.Object({ key: oneOf(CHIP_KEY_NAMES), hash: oneOf(ACTIVE_AUTHENTICATION_HASHES) }, strict),
        ]),
      ),
      signer: Type.Optional(oneOf(SIGNER_NAMES)),
      hash: Type.Optional(oneOf(SIGNATURE_HASHES)),
      portrait: Type.Optional(oneOf(['JPEG', 'JPEG 2000'])),
      portraitBytes: Type.Optional(Type.Integer({ minimum: 0, maximum: 60_000 })),
      dataGroups: Type.Optional(Type.Array(oneOf(OPTIONAL_DATA_GROUPS), { uniqueItems: true })),
      ldsVersion: Type.Optional(oneOf(['0106', '0107', '0108'])),
      extendedLength: Type.Optional(Type.Boolean()),
      canTries: Type.Optional(Type.Integer({ minimum: 1, maximum: 15 })),
      defects: Type.Optional(Type.Array(oneOf(EMRTD_DEFECTS), { uniqueItems: true })),
    },
    strict,
  );
}

/** What a passport keeps without power beside what it was made as. */
export function emrtdStateSchema(personas: readonly string[]): Type.TSchema {
  return Type.Object(
    {
      ...{ format: Type.Literal('kortd-simulated-emrtd'), version: Type.Literal(1) },
      description: emrtdDescriptionSchema(personas),
      canTriesRemaining: Type.Integer({ minimum: 0, maximum: 15 }),
    },
    strict,
  );
}
