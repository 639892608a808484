/** What the person is asked when a program uses a card: for the PIN, or whether its last try may be used. The program's name is the one that the kernel tells. */
import { PinBlockedError } from '../../apdu/errors.ts';
import type { PinReference } from '../../apdu/token.ts';
import type { Secret } from '../../apdu/secret.ts';
import { DeviceCancelledError, DeviceTimeoutError } from '../../drivers/errors.ts';
import * as ck from '../../pkcs11-module/constants.ts';
import { CkError } from '../../pkcs11-module/errors.ts';
import { cardTitle } from '../desk/card-title.ts';
import type { CardRecord } from '../desk/records.ts';
import { fullNameOf } from '../full-name.ts';
import { labelled } from '../pin/entry.ts';
import type { PromptDesk } from '../prompt/prompt-desk.ts';
import type { EnteredPins } from '../prompt/entered-pins.ts';
import type { LastTryPrompt, PinLength, PinPrompt } from '../prompt/prompt.ts';

export interface Program {
  readonly user: string;
  readonly name: string;
  /** With its file: for the person who is asked and for the audit log. */
  readonly fullName?: string;
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
  const { card, pin } = question;
  requireTries(card, pin);
  const prompt = { kind: 'pin', action: 'verify', ...about(question), pinLength: lengthOf(card, pin) } as const;
  using entered = await ask(prompts, question, prompt);
  const typed = entered.release().get('pin');
  if (typed) return typed;
  throw nothingTyped();
}

/** While it is typed on the reader, it is told that somebody is asked. Throws CKR_FUNCTION_CANCELED when the person does not want it, or does nothing. */
export async function atKeypad<R>(prompts: PromptDesk, question: PinQuestion, work: () => Promise<R>): Promise<R> {
  const { card, program, signal } = question;
  const asked = { kind: 'pin', action: 'verify', ...about(question), reader: card.reader.name } as const;
  try {
    return await prompts.open.during({ about: asked, user: program.user, signal }, (shown) => {
      shown('keypad');
      return work();
    });
  } catch (error) {
    if (!(error instanceof DeviceCancelledError || error instanceof DeviceTimeoutError)) throw error;
    throw new CkError(ck.CKR_FUNCTION_CANCELED, 'asking for the PIN on the reader: none was typed', { cause: error });
  }
}

/** The PIN and a new one; or the PUK and a new PIN. The caller disposes of both. */
export async function askNewPin(
  prompts: PromptDesk,
  { action, ...question }: PinQuestion & { readonly action: 'change' | 'unblock' },
): Promise<{ readonly current: Secret; readonly next: Secret }> {
  const { card, pin } = question;
  const puk = card.pins?.find(({ reference }) => reference === pin)?.unblockedBy ?? pukOf(card);
  const guarded = action === 'change' ? pin : puk;
  if (guarded !== undefined) requireTries(card, guarded);
  const prompt: PinPrompt = {
    kind: 'pin',
    action,
    ...about({ ...question, pin: guarded }),
    pinLength: lengthOf(card, pin),
    ...(action === 'unblock' ? { pukLength: lengthOf(card, puk) } : {}),
  };
  using entered = await ask(prompts, question, prompt);
  const typed = entered.release();
  const current = typed.get(action === 'change' ? 'pin' : 'puk');
  const next = typed.get('newPin');
  if (current && next) return { current, next };
  for (const secret of typed.values()) secret[Symbol.dispose]();
  throw nothingTyped();
}

async function ask(prompts: PromptDesk, question: PinQuestion, prompt: PinPrompt): Promise<EnteredPins> {
  return await prompts.ask(prompt, { user: question.program.user, signal: signalOf(question) });
}

function requireTries({ tries }: CardRecord, reference: PinReference): void {
  if (tries.last(reference) === 0) throw new PinBlockedError('asking for the PIN: no tries are left', { attemptsRemaining: 0 });
}

function pukOf({ pins }: CardRecord): PinReference | undefined {
  return pins?.find(({ kind }) => kind === 'puk')?.reference;
}

function lengthOf({ pins }: CardRecord, reference: PinReference | undefined): PinLength {
  const status = pins?.find((pin) => pin.reference === reference);
  return status ? { min: status.minLength, max: status.maxLength } : ANY_LENGTH;
}

function nothingTyped(): CkError {
  return new CkError(ck.CKR_FUNCTION_CANCELED, 'asking for the PIN: none was typed');
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

function about({
  program,
  card,
  pin,
}: Pick<PinQuestion, 'card' | 'program'> & { readonly pin: PinReference | undefined }): Omit<LastTryPrompt, 'kind' | 'entry'> {
  const triesLeft = pin === undefined ? undefined : card.tries.last(pin);
  const status = card.pins?.find(({ reference }) => reference === pin);
  return {
    asker: { kind: 'program', name: fullNameOf(program) },
    task: TASK,
    card: cardTitle(card),
    ...(status ? labelled({ card }, status) : {}),
    ...(triesLeft === undefined ? {} : { triesLeft }),
  };
}
