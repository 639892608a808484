/** Words for what waits for a person, in English and Swedish. */
import type { OpenPrompt } from '../../../api-spec/prompts.ts';
import type { In } from './language.ts';

type Asked = 'access' | 'change' | 'documents' | 'lastTry' | 'unblock' | 'verify';

interface WaitingTexts {
  readonly title: string;
  readonly count: (count: number) => string;
  readonly asked: Readonly<Record<Asked, string>>;
  readonly asker: string;
  readonly card: string;
  readonly pin: string;
  readonly task: string;
  readonly where: string;
  readonly places: Readonly<Record<NonNullable<OpenPrompt['where']> | 'later', string>>;
  readonly reader: string;
  readonly since: string;
  readonly look: string;
}

export const WAITING_TEXTS: In<WaitingTexts> = {
  en: {
    title: 'Waiting for a person',
    count: (count) => `${count} waiting`,
    asked: {
      access: 'May a web site have access?',
      change: 'A PIN is being changed',
      documents: 'Are the documents to be signed?',
      lastTry: 'May the last try be used?',
      unblock: 'A PIN is being unblocked',
      verify: 'A PIN is asked for',
    },
    asker: 'Who asks',
    card: 'Card',
    pin: 'PIN',
    task: 'What for',
    where: 'Where',
    places: {
      agent: 'In a dialog in the person’s session',
      console: 'In kortd’s window',
      keypad: 'On the reader’s keypad',
      later: 'Behind another question',
    },
    reader: 'Reader',
    since: 'Since',
    look: 'Show the request',
  },
  sv: {
    title: 'Väntar på en person',
    count: (count) => `${count} väntar`,
    asked: {
      access: 'Får en webbplats åtkomst?',
      change: 'En PIN-kod byts',
      documents: 'Ska dokumenten signeras?',
      lastTry: 'Får det sista försöket användas?',
      unblock: 'En PIN-kod låses upp',
      verify: 'PIN-kod efterfrågas',
    },
    asker: 'Vem som frågar',
    card: 'Kort',
    pin: 'PIN-kod',
    task: 'Vad det gäller',
    where: 'Var',
    places: {
      agent: 'I en dialogruta hos personen',
      console: 'I kortds fönster',
      keypad: 'På läsarens knappsats',
      later: 'Efter en annan fråga',
    },
    reader: 'Läsare',
    since: 'Sedan',
    look: 'Visa begäran',
  },
};
