/** One prompt program and the dialogs that it shows, one after the other: a question to be confirmed, an entry to be typed. */
import type { Secret } from '../../../apdu/secret.ts';
import { PromptCancelledError, PromptProtocolError, PromptTimedOutError } from '../errors.ts';
import type { Asker } from '../prompt.ts';
import type { AssuanSession } from './assuan-session.ts';
import type { Environment } from './find-program.ts';
import { optionsOf } from './program-environment.ts';
import { MAX_VALUE_LENGTH, sanitise } from './sanitise.ts';
import { PROMPT_TEXTS, type PromptLanguage, type PromptTexts } from './texts.ts';

/** Of the dialog's window. */
const TITLE = 'kortd';
/** libgpg-error, err-codes.h.in: the lower 16 bits of a code. */
const GPG_ERR_TIMEOUT = 62;
const GPG_ERR_CANCELED = 99;
const GPG_ERR_NOT_CONFIRMED = 114;
const GPG_ERR_UNKNOWN_OPTION = 174;
const GPG_ERR_FULLY_CANCELED = 198;
const GPG_ERR_WINDOW_TOO_SMALL = 301;
const CANCELLED: ReadonlySet<number> = new Set([GPG_ERR_CANCELED, GPG_ERR_NOT_CONFIRMED, GPG_ERR_FULLY_CANCELED]);

export interface DialogOptions {
  readonly language: PromptLanguage;
  readonly timeoutMs: number;
}

export interface Question {
  readonly description: string;
  /** Labels of buttons. */
  readonly yes: string;
  readonly no: string;
}

export class Dialog {
  readonly texts: PromptTexts;
  readonly #session: AssuanSession;
  readonly #timeoutMs: number;
  #isCurses = false;

  constructor(session: AssuanSession, { language, timeoutMs }: DialogOptions) {
    this.#session = session;
    this.texts = PROMPT_TEXTS[language];
    this.#timeoutMs = timeoutMs;
  }

  /** The program's own time limit is longer than ours: it is for the day when this process hangs. */
  async setUp(environment: Environment): Promise<void> {
    for (const [name, value] of optionsOf(environment, this.texts)) await this.tell('OPTION', `${name}=${value}`);
    await this.tell('OPTION', 'grab');
    await this.tell('SETTITLE', TITLE);
    await this.tell('SETTIMEOUT', String(Math.ceil(this.#timeoutMs / 1000) + 1));
    // "curses", and "gtk2:curses" for a graphical program that found no screen (pinentry.c, cmd_getinfo).
    this.#isCurses = /(^|:)curses$/.test(await this.#session.askProgram('flavor'));
  }

  /**
   * Resolves when the person said yes; rejects with PromptCancelledError otherwise. Enter never says yes: pinentry-tty takes letters alone; the graphical ones
   * have the focus on their Cancel button, 1.3 because it is asked for; pinentry-curses 1.2.1 has it on OK whatever it is asked (measured), so that no stands
   * there and yes on the button after it, whose answer is "not confirmed". No other program is taken at that word: where there is no third button, that is what
   * Cancel answers.
   */
  async confirm({ description, yes, no }: Question): Promise<void> {
    await this.tell('SETDESC', description);
    await this.tell('SETOK', this.#isCurses ? no : yes);
    if (this.#isCurses) await this.tell('SETNOTOK', yes);
    await this.tell('SETCANCEL', this.#isCurses ? this.texts.cancel : no);
    const { code } = await this.#session.ask('CONFIRM', '--focus=cancel');
    const isYes = this.#isCurses ? errorOf(code) === GPG_ERR_NOT_CONFIRMED : code === 0;
    if (!isYes) throw this.#refusal(code === 0 ? GPG_ERR_CANCELED : code);
  }

  /** `entry` is absent when nothing was typed; `repeated`: the program asked twice, and both were the same. */
  async getPin(description: string, prompt: string): Promise<{ readonly entry: Secret | undefined; readonly repeated: boolean }> {
    await this.tell('SETDESC', description);
    await this.tell('SETPROMPT', prompt);
    await this.tell('SETOK', this.texts.accept);
    await this.tell('SETCANCEL', this.texts.cancel);
    const { code, data, statuses } = await this.#session.askForData('GETPIN');
    if (code !== 0) throw this.#refusal(code);
    if (statuses.has('PASSWORD_FROM_CACHE')) {
      data?.[Symbol.dispose]();
      throw new PromptProtocolError('asking a person: the program gave an entry that it had kept');
    }
    return { entry: data, repeated: statuses.has('PIN_REPEATED') };
  }

  /** A program that lacks an option does without it. */
  async tell(command: string, text: string): Promise<void> {
    const { code } = await this.#session.tell(command, text);
    if (code === 0 || (command === 'OPTION' && errorOf(code) === GPG_ERR_UNKNOWN_OPTION)) return;
    throw new PromptProtocolError(`asking a person: the program answered ${command} with error ${errorOf(code)}`);
  }

  /** Of who asks, the end is what tells whose page it is. */
  askerLine({ kind, name }: Asker, maxLength = MAX_VALUE_LENGTH): string {
    const shown = sanitise(name, { cut: 'start', maxLength });
    return `${kind === 'origin' ? this.texts.origin : this.texts.program} ${this.texts.quote(shown)}`;
  }

  #refusal(code: number): Error {
    const error = errorOf(code);
    if (CANCELLED.has(error)) return new PromptCancelledError('asking a person: they cancelled');
    if (error === GPG_ERR_TIMEOUT) return new PromptTimedOutError('asking a person: nobody answered in time', this.#timeoutMs);
    const why = error === GPG_ERR_WINDOW_TOO_SMALL ? 'the window is too small' : `error ${error}`;
    return new PromptProtocolError(`asking a person: the program could not show its dialog (${why})`);
  }
}

function errorOf(code: number): number {
  return code & 0xffff;
}
