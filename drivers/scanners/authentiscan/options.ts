/** Options of an AuthentiScan-style service, as a schema. Nothing of its interface is public: address, key, routes, the form of its answers and its words are configuration. */
import Type, { type Static } from 'typebox';
import { AnswerMapping } from '../vendor-mapping.ts';
import { pictureLights, serviceFields } from '../vendor-options.ts';
import { TransactionOptions } from '../vendor-transaction.ts';

const file = Type.String({ minLength: 1, maxLength: 4_096 });

export const AuthentiscanOptions = Type.Object(
  {
    ...serviceFields,
    credential: Type.Object(
      {
        /** File with the key or token, readable by nobody but the user of kortd. */
        file,
        /** Header that it is sent in. Default: authorization. */
        header: Type.Optional(Type.String({ pattern: '^[A-Za-z][A-Za-z0-9-]{0,63}$' })),
        /** Before it. Default: "Bearer ". */
        prefix: Type.Optional(Type.String({ pattern: '^[A-Za-z]* ?$', maxLength: 32 })),
      },
      { additionalProperties: false },
    ),
    /** Asked with GET, to know whether the service is there. Without it that is seen at the next scan. */
    healthRoute: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._~/-]*$', maxLength: 256 })),
    pictureFolder: Type.Optional(file),
    lights: pictureLights,
    transaction: TransactionOptions,
    answer: AnswerMapping,
  },
  { additionalProperties: false },
);
export type AuthentiscanOptions = Static<typeof AuthentiscanOptions>;
