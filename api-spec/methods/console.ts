import Type from 'typebox';
import { defineMethod } from '../method.ts';
import { Closed } from '../schemas.ts';

export const consoleMethods = {
  'console.open': defineMethod({
    summary:
      'A link that opens a page of the console in the browser of the caller: where kortd asks for PINs and consent, or which shows the desk.',
    attempt: { en: 'Opening the console', sv: 'Att öppna konsolen' },
    since: 1,
    scope: 'access.manage',
    rest: { verb: 'POST', path: '/v1/console/open' },
    params: Closed({
      page: Type.Optional(
        Type.Enum(['desk', 'prompts'] as const, {
          description: 'desk: shows the desk, asks nothing. prompts: asks for PINs and consent. Default prompts.',
        }),
      ),
    }),
    result: Closed({
      url: Type.String({
        description: 'Good once. Whoever opens it can answer, or look at the desk, for the caller: show it to nobody.',
      }),
      expiresInMs: Type.Integer(),
    }),
    errors: [],
  }),
};
