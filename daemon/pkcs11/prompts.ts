/** What the person is asked when a program uses a card: for the PIN, or whether its last try may be used. The program's name is the one that the kernel tells. */
import { PinBlockedError } from '../../apdu/errors.ts';
import type { PinReference } from '../../apdu/token.ts';
import type { Secret } from '../../apdu/secret.ts';
import * as ck from '../../pkcs11-module/constants.ts';
import { CkError } from '../../pkcs11-module/errors.ts';
import type { CardRecord } from '../desk/records.ts';
import type { PromptDesk } from '../prompt/prompt-desk.ts';
import type { LastTryPrompt, PinLength } from '../prompt/prompt.ts';

export interface Program {
  readonly user: string;
  readonly name: string;
}

/** Whose tries are at stake, and who has them tried. */
export interface PinQuestion {
  readonly program: Program;
  readonly card: CardRecord;
  readonly pin: PinReference;
  readonly signal: AbortSignal;
}

/** Where the card does not tell. */
const ANY_LENGTH: PinLength = { min: 4, max: 16 };
const TASK = { en: 'Using the card', sv: 'Att använda kortet' };

/** The caller disposes of it. */
export async function askPin(prompts: PromptDesk, question: PinQuestion): Promise<Secret> {
  const { card, pin, program } = question;
  const status = card.pins?.find(({ reference }) => reference === pin);
  if (card.tries.last(pin) === 0) throw new PinBlockedError('asking for the PIN: no tries are left', { attemptsRemaining: 0 });
  const pinLength = status ? { min: status.minLength, max: status.maxLength } : ANY_LENGTH;
  const prompt = { kind: 'pin', action: 'verify', ...about(question), pinLength } as const;
  using entered = await prompts.ask(prompt, { user: program.user, signal: signalOf(question) });
  const typed = entered.release().get('pin');
  if (typed) return typed;
  throw new CkError(ck.CKR_FUNCTION_CANCELED, 'asking for the PIN: none was typed');
}

/** Rejects when the person does not want it, and with pin_required when there is no place to ask. */
export async function askForLastTry(prompts: PromptDesk, question: PinQuestion): Promise<void> {
  const prompt = { kind: 'lastTry', entry: 'pin', ...about(question) } as const;
  const entered = await prompts.ask(prompt, { user: question.program.user, signal: signalOf(question) });
  entered[Symbol.dispose]();
}

function signalOf({ card, signal }: PinQuestion): AbortSignal {
  return AbortSignal.any([signal, card.removal.signal]);
}

function about({ program, card, pin }: PinQuestion): Omit<LastTryPrompt, 'kind' | 'entry'> {
  const triesLeft = card.tries.last(pin);
  const serial = card.serialNumber === undefined ? '' : ` ${card.serialNumber}`;
  return {
    asker: { kind: 'program', name: program.name },
    task: TASK,
    card: `${card.kind?.id ?? 'card'}${serial}, ${card.reader.name}`,
    ...(triesLeft === undefined ? {} : { triesLeft }),
  };
}
