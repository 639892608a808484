import Type from 'typebox';
import { defineMethod } from '../method.ts';
import { Closed } from '../schemas.ts';

export const consoleMethods = {
  'console.open': defineMethod({
    summary: 'A link that opens the console, the page where kortd asks for PINs and consent, in the browser of the caller.',
    attempt: { en: 'Opening the console', sv: 'Att öppna konsolen' },
    since: 1,
    scope: 'access.manage',
    rest: { verb: 'POST', path: '/v1/console/open' },
    params: Closed({}),
    result: Closed({
      url: Type.String({ description: 'Good once. Whoever opens it can answer for the caller: show it to nobody.' }),
      expiresInMs: Type.Integer(),
    }),
    errors: [],
  }),
};
