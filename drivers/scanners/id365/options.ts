/** Options of a 365id-style service, as a schema. Its token routes are public and have defaults; where results are fetched, and what they look like, is in the customer's papers. */
import Type, { type Static } from 'typebox';
import { AnswerMapping } from '../vendor-mapping.ts';
import { serviceFields } from '../vendor-options.ts';
import { TransactionOptions } from '../vendor-transaction.ts';

const route = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._~/-]*$', maxLength: 256 });
const file = Type.String({ minLength: 1, maxLength: 4_096 });

export const Id365Options = Type.Object(
  {
    ...serviceFields,
    clientId: Type.String({ minLength: 1, maxLength: 256 }),
    /** File with the client secret, readable by nobody but the user of kortd. */
    clientSecretFile: file,
    tokenRoute: Type.Optional(route),
    refreshRoute: Type.Optional(route),
    /** Where results are, when it is another address than that of the tokens. */
    resultUrl: Type.Optional(Type.String({ minLength: 1, maxLength: 2_048 })),
    transaction: TransactionOptions,
    answer: AnswerMapping,
  },
  { additionalProperties: false },
);
export type Id365Options = Static<typeof Id365Options>;
