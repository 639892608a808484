/** What web origins are let do, where no policy file says it. */
import Type from 'typebox';
import { notes } from '../option.ts';

export const AccessSection = Type.Object(
  {
    consentDays: Type.Integer({
      minimum: 1,
      maximum: 3_650,
      default: 90,
      ...notes({
        en: "How many days a person's consent to a web origin lasts. What was given before keeps the end that it had.",
        sv: 'Hur många dagar en persons samtycke till en webbplats gäller. Det som redan getts behåller sitt slut.',
        reload: 'live',
      }),
    }),
  },
  { additionalProperties: false },
);
