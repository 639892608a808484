/**
 * Every word of ours in the trusted prompt, for the card holder, in English and Swedish. `_` marks the key of a button: an ASCII letter, other than those of
 * the buttons beside it.
 */
import type { EntryName } from '../entered-pins.ts';

export type PromptLanguage = 'en' | 'sv';

export interface EntryTexts {
  readonly ask: string;
  readonly prompt: string;
}

export interface PromptTexts {
  readonly language: PromptLanguage;
  /** Of the program's own messages; one that is not installed does no harm. */
  readonly locale: string;
  readonly origin: string;
  readonly program: string;
  readonly card: string;
  readonly task: string;
  readonly purpose: string;
  readonly pin: string;
  readonly statement: string;
  readonly quote: (value: string) => string;
  readonly entries: Readonly<Record<EntryName, EntryTexts>>;
  readonly repeatPrompt: string;
  readonly repeatAsk: string;
  readonly triesLeft: (count: number) => string;
  readonly triesUnknown: string;
  readonly lastTry: Readonly<Record<'pin' | 'puk', string>>;
  readonly confirmLastTry: string;
  readonly empty: string;
  readonly length: (min: number, max: number) => string;
  readonly mismatch: string;
  readonly accept: string;
  readonly cancel: string;
  readonly useLastTry: string;
  readonly refuseLastTry: string;
  /** A PIN is typed on the reader's keypad next. */
  readonly keypadFollows: string;
  /** Before the first names of what is signed. */
  readonly documents: (count: number, checksum: string) => string;
  readonly moreDocuments: (count: number) => string;
  readonly signQuestion: string;
  readonly sign: string;
  readonly code: string;
  /** Before the list of what is asked for. */
  readonly wants: string;
  readonly reason: string;
  readonly compareCode: string;
  readonly allow: string;
  readonly deny: string;
}

const ENGLISH: PromptTexts = {
  language: 'en',
  locale: 'en_GB.UTF-8',
  origin: 'Web page:',
  program: 'Program:',
  card: 'Card:',
  task: 'What is done:',
  pin: 'Which PIN:',
  statement: 'You sign:',
  purpose: 'Purpose, in its own words:',
  quote: (value) => `“${value}”`,
  entries: {
    pin: { ask: 'Enter your PIN.', prompt: 'PIN:' },
    newPin: { ask: 'Choose a new PIN, and enter it twice.', prompt: 'New PIN:' },
    puk: { ask: 'Enter your PUK.', prompt: 'PUK:' },
  },
  repeatPrompt: 'New PIN again:',
  repeatAsk: 'Enter the new PIN once more.',
  triesLeft: (count) => `Tries left: ${count}`,
  triesUnknown: 'The card does not tell how many tries are left: this may be the last.',
  lastTry: {
    pin: 'THIS IS THE LAST TRY. If the PIN is wrong, it is blocked.',
    puk: 'THIS IS THE LAST TRY. If the PUK is wrong, it is blocked for good.',
  },
  confirmLastTry: 'Cancel if you are not sure. Do you want to use it?',
  empty: 'Nothing was entered.',
  length: (min, max) => (min === max ? `It has ${min} characters.` : `It has ${min} to ${max} characters.`),
  mismatch: 'The two were not the same.',
  accept: '_OK',
  cancel: '_Cancel',
  useLastTry: '_Use the last try',
  refuseLastTry: '_Do not use it',
  keypadFollows: 'If you go on, type it on the keypad of the reader.',
  documents: (count, checksum) =>
    `To be signed: ${count} ${count === 1 ? 'document' : 'documents'}, checksum of the list ${checksum}`,
  moreDocuments: (count) => `… and ${count} more`,
  signQuestion: 'Do you want to sign all of them?',
  sign: '_Sign',
  code: 'Code:',
  wants: 'It asks to be allowed to:',
  reason: 'Reason, in its own words:',
  compareCode: 'Allow it only if you expected this, and see the same code there.',
  allow: '_Allow',
  deny: '_Deny',
};

const SWEDISH: PromptTexts = {
  language: 'sv',
  locale: 'sv_SE.UTF-8',
  origin: 'Webbsida:',
  program: 'Program:',
  card: 'Kort:',
  task: 'Vad som görs:',
  pin: 'Vilken PIN-kod:',
  statement: 'Du undertecknar:',
  purpose: 'Ändamål, med dess egna ord:',
  quote: (value) => `”${value}”`,
  entries: {
    pin: { ask: 'Ange din PIN-kod.', prompt: 'PIN-kod:' },
    newPin: { ask: 'Välj en ny PIN-kod och ange den två gånger.', prompt: 'Ny PIN-kod:' },
    puk: { ask: 'Ange din PUK-kod.', prompt: 'PUK-kod:' },
  },
  repeatPrompt: 'Ny PIN-kod igen:',
  repeatAsk: 'Ange den nya PIN-koden en gång till.',
  triesLeft: (count) => `Försök kvar: ${count}`,
  triesUnknown: 'Kortet anger inte hur många försök som är kvar: detta kan vara det sista.',
  lastTry: {
    pin: 'DETTA ÄR SISTA FÖRSÖKET. Är PIN-koden fel så spärras den.',
    puk: 'DETTA ÄR SISTA FÖRSÖKET. Är PUK-koden fel så spärras den för gott.',
  },
  confirmLastTry: 'Avbryt om du inte är säker. Vill du använda det?',
  empty: 'Inget angavs.',
  length: (min, max) => (min === max ? `Den har ${min} tecken.` : `Den har ${min} till ${max} tecken.`),
  mismatch: 'De två var inte lika.',
  accept: '_OK',
  cancel: 'A_vbryt',
  useLastTry: 'Använd _sista försöket',
  refuseLastTry: 'Använd det _inte',
  keypadFollows: 'Om du går vidare anger du den på läsarens knappsats.',
  documents: (count, checksum) => `Ska signeras: ${count} dokument, listans kontrollsumma ${checksum}`,
  moreDocuments: (count) => `… och ${count} till`,
  signQuestion: 'Vill du signera alla?',
  sign: '_Signera',
  code: 'Kod:',
  wants: 'Den vill få:',
  reason: 'Skäl, med dess egna ord:',
  compareCode: 'Tillåt bara om du väntade dig detta och ser samma kod där.',
  allow: '_Tillåt',
  deny: '_Neka',
};

export const PROMPT_TEXTS: Readonly<Record<PromptLanguage, PromptTexts>> = { en: ENGLISH, sv: SWEDISH };
