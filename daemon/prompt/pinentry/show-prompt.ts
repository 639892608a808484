/**
 * Shows a prompt in a dialog of the pinentry program (The PIN-Entry Manual, "pinentry's Assuan Protocol"). One program is run for one prompt and is gone when
 * the prompt ends, however it ends. Whether a PIN is right is for the card to say, and how often to ask for the caller.
 */
import { EnteredPins } from '../entered-pins.ts';
import { PromptTimedOutError } from '../errors.ts';
import type { PinLength, Prompt } from '../prompt.ts';
import { openAssuanSession } from './assuan-session.ts';
import { askForConsent } from './consent-dialog.ts';
import { Dialog } from './dialog.ts';
import { checkProgram, type Environment } from './find-program.ts';
import { askForDocuments, askForLastTry, askForPins } from './pin-dialogs.ts';
import { environmentOfProgram } from './program-environment.ts';
import type { PromptLanguage } from './texts.ts';

/** setTimeout has no longer one. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

export interface ShowPromptOptions {
  /** The dialog dies with its caller: when this fires, the program is gone before the promise rejects with the signal's reason. */
  readonly signal: AbortSignal;
  /** Absolute path, as `findProgram` gives it. */
  readonly program: string;
  /** The person's session. What is not needed to show a dialog is not passed on. */
  readonly environment: Environment;
  /** For the whole prompt. */
  readonly timeoutMs: number;
  readonly language: PromptLanguage;
}

/**
 * Resolves with what was typed, empty for a prompt that asks for nothing to be typed and was approved. Throws PromptCancelledError, PromptTimedOutError,
 * PromptProgramMissingError, PromptEntryError (asked in vain too often), PromptProtocolError, or the signal's reason.
 */
export async function showPrompt(prompt: Prompt, options: ShowPromptOptions): Promise<EnteredPins> {
  checkPrompt(prompt, options.timeoutMs);
  options.signal.throwIfAborted();
  await checkProgram(options.program);
  const deadline = new AbortController();
  const late = new PromptTimedOutError(`asking a person: nobody answered within ${options.timeoutMs} ms`, options.timeoutMs);
  const timer = setTimeout(() => deadline.abort(late), options.timeoutMs);
  const pins = new EnteredPins();
  try {
    const signal = AbortSignal.any([options.signal, deadline.signal]);
    await converse(prompt, { ...options, signal }, pins);
    signal.throwIfAborted();
    return pins;
  } catch (error) {
    pins[Symbol.dispose]();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function converse(prompt: Prompt, options: ShowPromptOptions, pins: EnteredPins): Promise<void> {
  const { program, signal, environment, language } = options;
  await using session = await openAssuanSession({ program, signal, environment: environmentOfProgram(environment) });
  const dialog = new Dialog(session, options);
  await dialog.setUp(environment);
  switch (prompt.kind) {
    case 'pin':
      await askForPins(dialog, prompt, pins);
      break;
    case 'lastTry':
      await askForLastTry(dialog, prompt);
      break;
    case 'documents':
      await askForDocuments(dialog, prompt);
      break;
    case 'consent':
      await askForConsent(dialog, prompt, language);
      break;
  }
}

/** A prompt that no dialog should be opened for is a defect of the caller. */
function checkPrompt(prompt: Prompt, timeoutMs: number): void {
  if (!(timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS))
    throw new RangeError('asking a person: no time limit that a timer could keep');
  if (prompt.kind === 'consent') {
    if (prompt.scopes.length === 0) throw new RangeError('asking a person: nothing to consent to');
    return;
  }
  const { triesLeft } = prompt;
  if (triesLeft !== undefined && !(Number.isInteger(triesLeft) && triesLeft >= 1))
    throw new RangeError('asking a person: no tries are left');
  if (prompt.kind !== 'pin') return;
  const lengths = [prompt.pinLength, ...(prompt.action === 'unblock' ? [prompt.pukLength] : [])];
  if (!lengths.every(isLength)) throw new RangeError('asking a person: no lengths that an entry could have');
}

function isLength(length: PinLength | undefined): boolean {
  if (length === undefined) return false;
  return Number.isInteger(length.min) && length.min >= 1 && Number.isInteger(length.max) && length.max >= length.min;
}
