/** The dialogs that ask for PINs, and the one before a last try. What is typed goes from the program's pipe into a Secret, and through no string. */
import type { Secret } from '../../../apdu/secret.ts';
import type { EnteredPins, EntryName } from '../entered-pins.ts';
import { PromptEntryError } from '../errors.ts';
import type { DocumentsPrompt, LastTryPrompt, PinLength, PinPrompt } from '../prompt.ts';
import type { Dialog } from './dialog.ts';
import { describe, triesLine } from './card-description.ts';

/** After an entry that cannot be right: empty, of the wrong length, or not the same twice. */
const ASKED_AGAIN_AT_MOST = 3;
/** One byte tells how long an entry is (station-messages.ts). */
const MAX_ENTRY_BYTES = 255;

/** Adds what was typed to `pins`. The last try, and one that may be it, needs a confirmation before anything can be typed. */
export async function askForPins(dialog: Dialog, prompt: PinPrompt, pins: EnteredPins): Promise<void> {
  const dialogs = new PinDialogs(dialog, prompt);
  const guarded = prompt.action === 'unblock' ? 'puk' : 'pin';
  if (prompt.triesLeft === undefined || prompt.triesLeft <= 1) await confirmLastTry(dialog, prompt, { name: guarded });
  pins.add(guarded, await dialogs.askFor(guarded));
  if (prompt.action !== 'verify') pins.add('newPin', await dialogs.askFor('newPin'));
}

/** Before a PIN is typed on a reader's keypad. Resolves when the person agreed. */
export function askForLastTry(dialog: Dialog, prompt: LastTryPrompt): Promise<void> {
  return confirmLastTry(dialog, prompt, { name: prompt.entry, andThen: dialog.texts.keypadFollows });
}

/** Resolves when the person agreed to have all of it signed. */
export async function askForDocuments(dialog: Dialog, prompt: DocumentsPrompt): Promise<void> {
  const { signQuestion, keypadFollows, sign: yes, cancel: no } = dialog.texts;
  const lines = [signQuestion, ...(prompt.keypadFollows ? [keypadFollows] : [])];
  await dialog.confirm({ description: describe(dialog, prompt, lines), yes, no });
}

async function confirmLastTry(
  dialog: Dialog,
  prompt: PinPrompt | LastTryPrompt,
  { name, andThen }: { readonly name: 'pin' | 'puk'; readonly andThen?: string },
): Promise<void> {
  const { confirmLastTry: question, useLastTry: yes, refuseLastTry: no } = dialog.texts;
  const lines = [triesLine(dialog, prompt, name), ...(andThen === undefined ? [] : [andThen]), question];
  await dialog.confirm({ description: describe(dialog, prompt, lines), yes, no });
}

/** The dialogs of one prompt, all in one program. */
class PinDialogs {
  readonly #dialog: Dialog;
  readonly #prompt: PinPrompt;

  constructor(dialog: Dialog, prompt: PinPrompt) {
    this.#dialog = dialog;
    this.#prompt = prompt;
  }

  async askFor(name: EntryName): Promise<Secret> {
    const { pinLength, pukLength = pinLength } = this.#prompt;
    const range = name === 'puk' ? pukLength : pinLength;
    let problem: string | undefined;
    for (let asked = 0; asked <= ASKED_AGAIN_AT_MOST; asked++) {
      if (problem !== undefined) await this.#dialog.tell('SETERROR', problem);
      const outcome = name === 'newPin' ? await this.#askTwice(range) : await this.#askOnce(name, range);
      if (typeof outcome !== 'string') return outcome;
      problem = outcome;
    }
    throw new PromptEntryError(`asking for a PIN: no usable entry in ${1 + ASKED_AGAIN_AT_MOST} dialogs`);
  }

  /** The entry, or what is wrong with it. */
  async #askOnce(name: 'pin' | 'puk', range: PinLength): Promise<Secret | string> {
    const { ask, prompt } = this.#dialog.texts.entries[name];
    const lines = [ask, triesLine(this.#dialog, this.#prompt, name)];
    const answer = await this.#dialog.getPin(this.#describe(lines), prompt);
    return this.#judge(answer.entry, range);
  }

  /** Programs that cannot ask twice in one dialog do not say PIN_REPEATED: they are asked a second time. */
  async #askTwice(range: PinLength): Promise<Secret | string> {
    const { entries, length, mismatch, repeatAsk, repeatPrompt } = this.#dialog.texts;
    const { ask, prompt } = entries.newPin;
    await this.#dialog.tell('SETREPEAT', repeatPrompt);
    await this.#dialog.tell('SETREPEATERROR', mismatch);
    const first = await this.#dialog.getPin(this.#describe([ask, length(range.min, range.max)]), prompt);
    const entry = this.#judge(first.entry, range);
    if (typeof entry === 'string' || first.repeated) return entry;
    try {
      const second = await this.#dialog.getPin(this.#describe([repeatAsk]), repeatPrompt);
      using repeated = second.entry;
      if (repeated?.equals(entry)) return entry;
    } catch (error) {
      entry[Symbol.dispose]();
      throw error;
    }
    entry[Symbol.dispose]();
    return mismatch;
  }

  /** An entry of no use is wiped at once. */
  #judge(entry: Secret | undefined, { min, max }: PinLength): Secret | string {
    if (!entry) return this.#dialog.texts.empty;
    if (entry.lengthBytes >= min && entry.lengthBytes <= Math.min(max, MAX_ENTRY_BYTES)) return entry;
    entry[Symbol.dispose]();
    return this.#dialog.texts.length(min, max);
  }

  #describe(lines: readonly string[]): string {
    return describe(this.#dialog, this.#prompt, lines);
  }
}
