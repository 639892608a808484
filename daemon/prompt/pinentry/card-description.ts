/** What stands in a dialog about a card before the question: who asks, which card, what is done and what for, and what is signed. */
import type { DocumentList, DocumentsPrompt, LastTryPrompt, PinPrompt } from '../prompt.ts';
import { MAX_LINE_BYTES, escapeText } from './assuan.ts';
import type { Dialog } from './dialog.ts';
import { MAX_VALUE_LENGTH, sanitise } from './sanitise.ts';

type Describing = Pick<Dialog, 'texts' | 'askerLine'>;
type CardPrompt = PinPrompt | LastTryPrompt | DocumentsPrompt;

const COMMAND = 'SETDESC ';
/** More make the dialog taller than a terminal of 24 lines. */
const MAX_NAMES = 4;
/** Characters, and bytes as they are sent: names, and values beside a list of them. */
const NAME_LENGTH = 60;
const SHORT_VALUE_LENGTH = 80;
/** By so much a statement that does not fit is cut at a time. */
const STATEMENT_STEP = 20;

/** Who asks comes first; what others say is quoted, a line each. All of it goes into one line of the protocol: where that is short, fewer names are shown. */
export function describe(dialog: Describing, prompt: CardPrompt, lines: readonly string[]): string {
  const { documents } = prompt;
  const compose = (list: readonly string[]): string => [...aboutCard(dialog, prompt), ...list, '', ...lines].join('\n');
  if (prompt.statement !== undefined) return withStatement(dialog.texts, prompt.statement, compose);
  if (!documents) return compose([]);
  for (let shown = Math.min(MAX_NAMES, documents.names.length); shown > 0; shown--) {
    const text = compose(listOf(dialog, documents, shown));
    if (COMMAND.length + escapeText(text).length <= MAX_LINE_BYTES) return text;
  }
  return compose(listOf(dialog, documents, 0));
}

/** Word for word, where one line of the protocol holds it; else its beginning, and that it goes on: the whole is what the application shows. */
function withStatement(
  { statement: title, quote }: Describing['texts'],
  statement: string,
  compose: (list: readonly string[]) => string,
): string {
  for (let length = statement.length; length > 0; length -= STATEMENT_STEP) {
    const text = compose(['', title, quote(sanitise(statement, { maxLength: length }))]);
    if (COMMAND.length + escapeText(text).length <= MAX_LINE_BYTES) return text;
  }
  return compose([]);
}

export function triesLine({ texts }: Describing, { triesLeft }: CardPrompt, name: 'pin' | 'puk'): string {
  if (triesLeft === undefined) return texts.triesUnknown;
  return triesLeft <= 1 ? texts.lastTry[name] : texts.triesLeft(triesLeft);
}

function aboutCard(dialog: Describing, prompt: CardPrompt): readonly string[] {
  const { asker, card, task, purpose, documents, pinLabel } = prompt;
  const { quote, ...texts } = dialog.texts;
  const maxLength = documents ? SHORT_VALUE_LENGTH : MAX_VALUE_LENGTH;
  return [
    dialog.askerLine(asker),
    `${texts.card} ${quote(sanitise(card, { maxLength }))}`,
    ...(task ? [`${texts.task} ${sanitise(task[texts.language])}`] : []),
    ...(pinLabel === undefined ? [] : [`${texts.pin} ${quote(sanitise(pinLabel, { maxLength }))}`]),
    ...(purpose === undefined ? [] : [`${texts.purpose} ${quote(sanitise(purpose, { maxLength }))}`]),
  ];
}

function listOf({ texts }: Describing, { names, checksum }: DocumentList, shown: number): readonly string[] {
  const more = names.length - shown;
  return [
    '',
    texts.documents(names.length, sanitise(checksum)),
    ...names.slice(0, shown).map((name) => `– ${texts.quote(sanitise(name, { maxLength: NAME_LENGTH }))}`),
    ...(more > 0 && shown > 0 ? [texts.moreDocuments(more)] : []),
  ];
}
