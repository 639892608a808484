/** One connection of the agent with the daemon: its prompts are shown one at a time and answered; what was typed is wiped when it is on its way. */
import type { RawData, WebSocket } from 'ws';
import type { Log } from '../../log.ts';
import type { EnteredPins } from '../entered-pins.ts';
import { PromptCancelledError, PromptEntryError, PromptError, PromptProtocolError, PromptTimedOutError } from '../errors.ts';
import type { Prompt } from '../prompt.ts';
import { encodeAnswer, encodeEntries, type StationAnswer } from '../station-messages.ts';
import { parseToStation } from '../station-prompts.ts';

/** RFC 6455, section 7.4.1. */
const CLOSE_NORMAL = 1000;
const CLOSE_PROTOCOL_ERROR = 1002;
/** For the daemon to close as well. */
const CLOSE_TIMEOUT_MS = 500;
/** The daemon asks one thing at a time. A few more may be on their way; a flood is refused. */
export const MAX_WAITING = 16;

/** Shows a prompt to the person, as showPrompt of pinentry/ does. */
export type Show = (
  prompt: Prompt,
  options: { readonly signal: AbortSignal; readonly timeoutMs: number },
) => Promise<EnteredPins>;

export interface ConnectionOptions {
  readonly show: Show;
  readonly log: Log;
  /** Ends the connection, and the dialog before it. */
  readonly signal: AbortSignal;
  readonly heartbeatMs: number;
}

interface Shown {
  readonly id: number;
  readonly prompt: Prompt;
  /** Of performance.now(). */
  readonly deadline: number;
  readonly gone: AbortController;
}

/**
 * To be called as soon as the socket is open, before its first message is told. Resolves when the socket is closed and no dialog is open any more.
 */
export function answerPrompts(socket: WebSocket, options: ConnectionOptions): Promise<void> {
  return new DaemonConnection(socket, options).ended;
}

class DaemonConnection {
  readonly ended: Promise<void>;
  readonly #socket: WebSocket;
  readonly #options: ConnectionOptions;
  /** The first is on the screen. */
  readonly #prompts = new Map<number, Shown>();
  #showing: Promise<void> | undefined;

  constructor(socket: WebSocket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    const stopHeartbeat = startHeartbeat(socket, options);
    const leave = (): void => this.#close(CLOSE_NORMAL, 'the agent ends');
    socket.on('message', (data, isBinary) => this.#onMessage(data, isBinary));
    const closed = new Promise<void>((resolve) => {
      if (socket.readyState === socket.CLOSED) resolve();
      socket.once('close', () => resolve());
    });
    options.signal.addEventListener('abort', leave, { once: true });
    if (options.signal.aborted) leave();
    this.ended = closed.then(async () => {
      stopHeartbeat();
      options.signal.removeEventListener('abort', leave);
      this.#withdrawAll();
      await this.#showing;
    });
  }

  #onMessage(data: RawData, isBinary: boolean): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    try {
      if (isBinary) throw new PromptProtocolError('reading a message of kortd: it is no text');
      const message = parseToStation((data as Buffer).toString());
      if (message.type === 'prompt') this.#add(message);
      else this.#withdraw(message.id);
    } catch (error) {
      if (!(error instanceof PromptProtocolError)) throw error;
      this.#options.log.warn({ problem: error.message }, 'the daemon broke the protocol');
      this.#close(CLOSE_PROTOCOL_ERROR, error.message.slice(0, 100));
    }
  }

  #add({ id, prompt, timeoutMs }: { readonly id: number; readonly prompt: Prompt; readonly timeoutMs: number }): void {
    if (this.#prompts.has(id)) throw new PromptProtocolError('reading a message of kortd: a prompt with the number of another');
    if (this.#prompts.size >= MAX_WAITING) {
      this.#answer({ id, outcome: 'failed', problem: `${MAX_WAITING} prompts wait already` });
      return;
    }
    this.#prompts.set(id, { id, prompt, deadline: performance.now() + timeoutMs, gone: new AbortController() });
    this.#showing ??= this.#showAll();
  }

  #withdraw(id: number): void {
    const shown = this.#prompts.get(id);
    this.#prompts.delete(id);
    shown?.gone.abort(new PromptCancelledError('asking a person: whoever asked is gone'));
  }

  #withdrawAll(): void {
    for (const id of [...this.#prompts.keys()]) this.#withdraw(id);
  }

  async #showAll(): Promise<void> {
    for (let [next] = this.#prompts.values(); next; [next] = this.#prompts.values()) {
      await this.#showOne(next);
      // One that was withdrawn is gone already, and its number may be another's.
      if (this.#prompts.get(next.id) === next) this.#prompts.delete(next.id);
    }
    this.#showing = undefined;
  }

  /** Rejects never: whatever went wrong is an answer. */
  async #showOne({ id, prompt, deadline, gone }: Shown): Promise<void> {
    const { log, show } = this.#options;
    const timeoutMs = Math.ceil(deadline - performance.now());
    try {
      if (timeoutMs <= 0) throw new PromptTimedOutError('asking a person: the one before took all the time', 0);
      using pins = await show(prompt, { signal: gone.signal, timeoutMs });
      if (gone.signal.aborted) return;
      log.info({ kind: prompt.kind, outcome: 'answered' }, 'a prompt ended');
      if (prompt.kind === 'pin') await this.#answerEntries(id, pins);
      else this.#answer({ id, outcome: 'approved' });
    } catch (error) {
      if (gone.signal.aborted) {
        log.info({ kind: prompt.kind, outcome: 'withdrawn' }, 'a prompt ended');
        return;
      }
      const answer = answerFor(error);
      log.info({ kind: prompt.kind, ...answer }, 'a prompt ended');
      this.#answer({ id, ...answer });
    }
  }

  #answer(answer: Omit<StationAnswer, 'type'>): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(encodeAnswer(answer));
  }

  /** The message holds the secrets until the system has taken it. */
  async #answerEntries(id: number, pins: EnteredPins): Promise<void> {
    const message = encodeEntries(id, pins);
    pins[Symbol.dispose]();
    try {
      await new Promise<void>((resolve) => {
        // With an error the socket is closing: the daemon hears of it by that.
        this.#socket.send(message, { binary: true }, () => resolve());
      });
    } finally {
      message.fill(0);
    }
  }

  /** The dialog goes first, and the daemon may not keep the agent waiting. */
  #close(code: number, reason: string): void {
    this.#withdrawAll();
    this.#socket.close(code, reason);
    const timer = setTimeout(() => this.#socket.terminate(), CLOSE_TIMEOUT_MS);
    this.#socket.once('close', () => clearTimeout(timer));
  }
}

/** A daemon that hangs keeps its socket open: without an answer until the next ping it counts as gone. Returns what stops it. */
function startHeartbeat(socket: WebSocket, { heartbeatMs, log }: ConnectionOptions): () => void {
  let isAlive = true;
  const alive = (): void => void (isAlive = true);
  const timer = setInterval(() => {
    if (!isAlive) {
      log.warn({ heartbeatMs }, 'the daemon does not answer');
      socket.terminate();
      return;
    }
    isAlive = false;
    if (socket.readyState === socket.OPEN) socket.ping();
  }, heartbeatMs);
  socket.on('pong', alive);
  return () => clearInterval(timer);
}

/** No error of a prompt quotes what the program said, which could be the PIN; one that is none of ours is not quoted at all. */
function answerFor(error: unknown): Pick<StationAnswer, 'outcome' | 'problem'> {
  if (error instanceof PromptCancelledError) return { outcome: 'cancelled' };
  if (error instanceof PromptTimedOutError) return { outcome: 'timed_out' };
  if (error instanceof PromptEntryError) return { outcome: 'no_entry' };
  const problem = error instanceof PromptError || error instanceof RangeError ? error.message : 'a defect of the agent';
  return { outcome: 'failed', problem };
}
