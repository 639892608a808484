/** What people are asked at the desk right now: who asks, about which card, since when. What is typed or agreed to is not told. */
import Type, { type Static } from 'typebox';
import { Closed } from './closed.ts';

export const PromptId = Type.String({ maxLength: 64, description: 'Of one prompt, from when it waits until it ends.' });

export const OpenPrompt = Closed({
  prompt: PromptId,
  kind: Type.Enum(['consent', 'documents', 'lastTry', 'pin'] as const, {
    description:
      'consent: whether a web page may have access. documents: whether they are signed. lastTry: whether the last try may be used. pin: a PIN, or PUK.',
  }),
  action: Type.Optional(Type.Enum(['verify', 'change', 'unblock'] as const, { description: 'What is done with the PIN.' })),
  asker: Closed({
    kind: Type.Enum(['origin', 'program'] as const),
    name: Type.String({
      description:
        'Of a program: as people know it, in both languages where they differ, with its file and process where the system tells them: "Firefox ESR (/usr/lib/firefox-esr/firefox-esr, process 4711)".',
    }),
  }),
  user: Type.String({ description: 'User id of the operating system, who is asked.' }),
  card: Type.Optional(Type.String({ description: 'What the person knows the card by.' })),
  pinLabel: Type.Optional(Type.String({ description: 'What the card calls the PIN or PUK, on a card with more than one.' })),
  reader: Type.Optional(Type.String({ description: 'Name of the reader on whose keypad it is typed.' })),
  task: Type.Optional(Closed({ en: Type.String(), sv: Type.String() })),
  where: Type.Optional(
    Type.Enum(['agent', 'console', 'keypad'] as const, {
      description: 'Where it is shown. Absent while the same person has another prompt in front of them.',
    }),
  ),
  since: Type.String({ description: 'ISO 8601, UTC.' }),
});
export type OpenPrompt = Static<typeof OpenPrompt>;

export const PromptOutcome = Type.Enum(['answered', 'cancelled', 'failed', 'timedOut', 'withdrawn'] as const, {
  description:
    'answered: also with a PIN that was wrong. cancelled: by the person. timedOut: nobody answered. withdrawn: whoever asked went away, or the card did. failed: it could not be shown.',
});
export type PromptOutcome = Static<typeof PromptOutcome>;
