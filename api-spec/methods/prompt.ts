/** prompt.*: what people are asked. */
import Type from 'typebox';
import { defineMethod } from '../method.ts';
import { OpenPrompt } from '../prompts.ts';
import { Closed } from '../schemas.ts';

export const promptMethods = {
  'prompt.list': defineMethod({
    summary:
      'What people are asked right now, and what waits for that, the oldest first. prompt.changed and prompt.ended tell of changes.',
    attempt: { en: 'Listing what people are asked', sv: 'Att lista vad som frågas' },
    since: 1,
    scope: 'access.manage',
    rest: { verb: 'GET', path: '/v1/prompts' },
    params: Closed({}),
    result: Closed({ prompts: Type.Array(OpenPrompt) }),
    errors: [],
  }),
} as const;
