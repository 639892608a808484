/**
 * Asks a person for PINs in a dialog of the pinentry program (The PIN-Entry Manual, "pinentry's Assuan Protocol"). One program is run
 * for one request and is gone when the request ends, however it ends. What is typed goes from the program's pipe into a Secret, and
 * through no string. Whether a PIN is right is for the card to say, and how often to ask for the caller.
 */
import type { Secret } from '../../../apdu/secret.ts';
import { openAssuanSession, type AssuanSession } from './assuan-session.ts';
import { PromptCancelledError, PromptEntryError, PromptProtocolError, PromptTimedOutError } from '../errors.ts';
import { checkProgram, type Environment } from './find-program.ts';
import { EnteredPins, type EntryName } from '../entered-pins.ts';
import type { PinLength, PinPrompt } from '../prompt.ts';
import { sanitise } from './sanitise.ts';
import { PROMPT_TEXTS, type PromptLanguage, type PromptTexts } from './texts.ts';

/** libgpg-error, err-codes.h.in: the lower 16 bits of a code. */
const GPG_ERR_TIMEOUT = 62;
const GPG_ERR_CANCELED = 99;
const GPG_ERR_NOT_CONFIRMED = 114;
const GPG_ERR_UNKNOWN_OPTION = 174;
const GPG_ERR_FULLY_CANCELED = 198;
const CANCELLED: ReadonlySet<number> = new Set([GPG_ERR_CANCELED, GPG_ERR_NOT_CONFIRMED, GPG_ERR_FULLY_CANCELED]);

/** After an entry that cannot be right: empty, of the wrong length, or not the same twice. */
const ASKED_AGAIN_AT_MOST = 3;
/** setTimeout has no longer one. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** A prompt for PINs, as this program shows it. */
export type PinRequest = Omit<PinPrompt, 'kind'> & {
  /** Of the dialog's window. */
  readonly title: string;
  readonly language: PromptLanguage;
};

export interface AskForPinsOptions {
  /** The dialog dies with its caller: when this fires, the program is gone before the promise rejects with the signal's reason. */
  readonly signal: AbortSignal;
  /** Absolute path, as `findProgram` gives it. */
  readonly program: string;
  /** The person's session. What is not needed to show a dialog is not passed on. */
  readonly environment: Environment;
  /** For the whole request. */
  readonly timeoutMs: number;
}

/**
 * Throws PromptCancelledError, PromptTimedOutError, PromptProgramMissingError, PromptEntryError (asked in vain too often), PromptProtocolError,
 * or the signal's reason. The last try, and one that may be it, needs a confirmation before anything can be typed.
 */
export async function askForPins(request: PinRequest, options: AskForPinsOptions): Promise<EnteredPins> {
  checkRequest(request, options.timeoutMs);
  options.signal.throwIfAborted();
  await checkProgram(options.program);
  const deadline = new AbortController();
  const late = new PromptTimedOutError(`asking for a PIN: nobody answered within ${options.timeoutMs} ms`, options.timeoutMs);
  const timer = setTimeout(() => deadline.abort(late), options.timeoutMs);
  const pins = new EnteredPins();
  try {
    const signal = AbortSignal.any([options.signal, deadline.signal]);
    await converse(request, { ...options, signal }, pins);
    signal.throwIfAborted();
    return pins;
  } catch (error) {
    pins[Symbol.dispose]();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function converse(request: PinRequest, options: AskForPinsOptions, pins: EnteredPins): Promise<void> {
  const { program, signal, environment } = options;
  await using session = await openAssuanSession({ program, signal, environment: environmentOfProgram(environment) });
  const dialogs = new Dialogs(session, request, options.timeoutMs);
  await dialogs.setUp(environment);
  const guarded = request.action === 'unblock' ? 'puk' : 'pin';
  if (request.triesLeft === undefined || request.triesLeft <= 1) await dialogs.confirmLastTry(guarded);
  pins.add(guarded, await dialogs.askFor(guarded));
  if (request.action !== 'verify') pins.add('newPin', await dialogs.askFor('newPin'));
}

/** The dialogs of one request, all in one program. */
class Dialogs {
  readonly #session: AssuanSession;
  readonly #request: PinRequest;
  readonly #texts: PromptTexts;
  readonly #timeoutMs: number;

  constructor(session: AssuanSession, request: PinRequest, timeoutMs: number) {
    this.#session = session;
    this.#request = request;
    this.#texts = PROMPT_TEXTS[request.language];
    this.#timeoutMs = timeoutMs;
  }

  /** The program's own time limit is longer than ours: it is for the day when this process hangs. */
  async setUp(environment: Environment): Promise<void> {
    for (const [name, value] of optionsOf(environment, this.#texts)) await this.#tell('OPTION', `${name}=${value}`);
    await this.#tell('OPTION', 'grab');
    await this.#tell('SETTITLE', sanitise(this.#request.title));
    await this.#tell('SETTIMEOUT', String(Math.ceil(this.#timeoutMs / 1000) + 1));
    await this.#tell('SETCANCEL', this.#texts.cancel);
  }

  async confirmLastTry(name: 'pin' | 'puk'): Promise<void> {
    await this.#tell('SETDESC', this.#describe([this.#triesLine(name), this.#texts.confirmLastTry]));
    await this.#tell('SETOK', this.#texts.useLastTry);
    const { code } = await this.#session.ask('CONFIRM');
    if (code !== 0) throw this.#refusal(code);
  }

  async askFor(name: EntryName): Promise<Secret> {
    const range = name === 'puk' ? (this.#request.pukLength ?? this.#request.pinLength) : this.#request.pinLength;
    let problem: string | undefined;
    for (let asked = 0; asked <= ASKED_AGAIN_AT_MOST; asked++) {
      if (problem !== undefined) await this.#tell('SETERROR', problem);
      const outcome = name === 'newPin' ? await this.#askTwice(range) : await this.#askOnce(name, range);
      if (typeof outcome !== 'string') return outcome;
      problem = outcome;
    }
    throw new PromptEntryError(`asking for a PIN: no usable entry in ${1 + ASKED_AGAIN_AT_MOST} dialogs`);
  }

  /** The entry, or what is wrong with it. */
  async #askOnce(name: 'pin' | 'puk', range: PinLength): Promise<Secret | string> {
    const { ask, prompt } = this.#texts.entries[name];
    const answer = await this.#getPin(this.#describe([ask, this.#triesLine(name)]), prompt);
    return this.#judge(answer.entry, range);
  }

  /** Programs that cannot ask twice in one dialog do not say PIN_REPEATED: they are asked a second time. */
  async #askTwice(range: PinLength): Promise<Secret | string> {
    const { ask, prompt } = this.#texts.entries.newPin;
    await this.#tell('SETREPEAT', this.#texts.repeatPrompt);
    await this.#tell('SETREPEATERROR', this.#texts.mismatch);
    const first = await this.#getPin(this.#describe([ask, this.#texts.length(range.min, range.max)]), prompt);
    const entry = this.#judge(first.entry, range);
    if (typeof entry === 'string' || first.repeated) return entry;
    try {
      const second = await this.#getPin(this.#describe([this.#texts.repeatAsk]), this.#texts.repeatPrompt);
      using repeated = second.entry;
      if (repeated?.equals(entry)) return entry;
    } catch (error) {
      entry[Symbol.dispose]();
      throw error;
    }
    entry[Symbol.dispose]();
    return this.#texts.mismatch;
  }

  async #getPin(
    description: string,
    prompt: string,
  ): Promise<{ readonly entry: Secret | undefined; readonly repeated: boolean }> {
    await this.#tell('SETDESC', description);
    await this.#tell('SETPROMPT', prompt);
    await this.#tell('SETOK', this.#texts.accept);
    const { code, data, statuses } = await this.#session.askForData('GETPIN');
    if (code !== 0) throw this.#refusal(code);
    if (statuses.has('PASSWORD_FROM_CACHE')) {
      data?.[Symbol.dispose]();
      throw new PromptProtocolError('asking for a PIN: the program gave one that it had kept');
    }
    return { entry: data, repeated: statuses.has('PIN_REPEATED') };
  }

  /** An entry of no use is wiped at once. */
  #judge(entry: Secret | undefined, { min, max }: PinLength): Secret | string {
    if (!entry) return this.#texts.empty;
    if (entry.lengthBytes >= min && entry.lengthBytes <= max) return entry;
    entry[Symbol.dispose]();
    return this.#texts.length(min, max);
  }

  /** Who asks comes first; what others say is quoted, a line each. */
  #describe(lines: readonly string[]): string {
    const { asker, card, purpose } = this.#request;
    const { quote, ...texts } = this.#texts;
    return [
      `${asker.kind === 'origin' ? texts.origin : texts.program} ${quote(sanitise(asker.name, { cut: 'start' }))}`,
      `${texts.card} ${quote(sanitise(card))}`,
      `${texts.purpose} ${quote(sanitise(purpose))}`,
      '',
      ...lines,
    ].join('\n');
  }

  #triesLine(name: 'pin' | 'puk'): string {
    const { triesLeft } = this.#request;
    if (triesLeft === undefined) return this.#texts.triesUnknown;
    return triesLeft <= 1 ? this.#texts.lastTry[name] : this.#texts.triesLeft(triesLeft);
  }

  /** A program that lacks an option does without it. */
  async #tell(command: string, text: string): Promise<void> {
    const { code } = await this.#session.tell(command, text);
    if (code === 0 || (command === 'OPTION' && errorOf(code) === GPG_ERR_UNKNOWN_OPTION)) return;
    throw new PromptProtocolError(`asking for a PIN: the program answered ${command} with error ${errorOf(code)}`);
  }

  #refusal(code: number): Error {
    const error = errorOf(code);
    if (CANCELLED.has(error)) return new PromptCancelledError('asking for a PIN: the person cancelled');
    if (error === GPG_ERR_TIMEOUT) return new PromptTimedOutError('asking for a PIN: nobody answered in time', this.#timeoutMs);
    return new PromptProtocolError(`asking for a PIN: the program could not show its dialog (error ${error})`);
  }
}

function errorOf(code: number): number {
  return code & 0xffff;
}

/** Passed to a program as they are. LD_PRELOAD, GTK_MODULES, QT_PLUGIN_PATH and the like would put others' code into the dialog. */
const PASSED_ON = [
  'DBUS_SESSION_BUS_ADDRESS',
  'DISPLAY',
  'HOME',
  'LANG',
  'LC_ALL',
  'LC_CTYPE',
  'TERM',
  'WAYLAND_DISPLAY',
  'XAUTHORITY',
  'XDG_CURRENT_DESKTOP',
  'XDG_RUNTIME_DIR',
  'XDG_SESSION_TYPE',
] as const;

function environmentOfProgram(environment: Environment): Readonly<Record<string, string>> {
  const passed = PASSED_ON.flatMap((name) => {
    const value = environment[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(passed), PATH: '/usr/bin:/bin' };
}

/** There is no option for WAYLAND_DISPLAY and XDG_RUNTIME_DIR: programs read those from their environment. */
function optionsOf(environment: Environment, texts: PromptTexts): readonly (readonly [string, string])[] {
  const locale = [environment['LC_ALL'], environment['LC_CTYPE'], environment['LANG']].find(Boolean);
  const options = [
    ['display', environment['DISPLAY']],
    ['ttyname', environment['GPG_TTY']],
    ['ttytype', environment['TERM']],
    ['lc-ctype', locale ?? 'C.UTF-8'],
    ['lc-messages', texts.locale],
  ] as const;
  return options.flatMap(([name, value]) => (value !== undefined && isPlain(value) ? [[name, value] as const] : []));
}

/** Values of options are not unescaped: only what needs no escape can be sent. */
function isPlain(value: string): boolean {
  return value.length <= 255 && /^[!-$&-[\]-~]+$/.test(value);
}

/** A request that no dialog should be opened for is a defect of the caller. */
function checkRequest(request: PinRequest, timeoutMs: number): void {
  const lengths = [request.pinLength, ...(request.action === 'unblock' ? [request.pukLength] : [])];
  const isLength = (length: PinLength | undefined): boolean =>
    length !== undefined &&
    Number.isInteger(length.min) &&
    length.min >= 1 &&
    Number.isInteger(length.max) &&
    length.max >= length.min;
  if (!lengths.every(isLength)) throw new RangeError('asking for a PIN: no lengths that an entry could have');
  const { triesLeft } = request;
  if (triesLeft !== undefined && !(Number.isInteger(triesLeft) && triesLeft >= 1))
    throw new RangeError('asking for a PIN: no tries are left');
  if (!(timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS))
    throw new RangeError('asking for a PIN: no time limit that a timer could keep');
}
