/**
 * The child process of one module, seen from kortd: requests go out one at a time, each with a deadline. Whatever the module does, this side waits no longer:
 * on an overrun, or when an answer cannot be right, the process is killed, and everything that waits ends with an error.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { DeviceProtocolError, DeviceTimeoutError, ServiceUnavailableError } from '../errors.ts';
import type { ModuleConfiguration } from './configuration.ts';
import { ReturnedError } from './faults.ts';
import { FrameReader, decodeFrame, encodeFrame } from './frames.ts';
import {
  MessageError,
  parseAnswer,
  parseResult,
  type Arguments,
  type ModuleCall,
  type Operation,
  type Results,
} from './messages.ts';

/** As the daemon itself is started (daemon/hardening), and little memory: a card holds little. */
const NODE_FLAGS = ['--disable-sigusr1', '--disable-proto=throw', '--max-semi-space-size=2', '--max-old-space-size=128'];
const PIPE = 3;
/** Requests that wait for the module; more is a client gone wild. */
const MAX_WAITING = 256;
/** One that the module works at, and the next in its pipe: it has not to wait for kortd between the two. Only where one does not depend on the other. */
const MAX_UNDER_WAY = 2;

export type OnRequest = (operation: Operation, pid: number) => void;

export interface RequestOptions {
  readonly timeoutMs: number;
  readonly blobs?: readonly Uint8Array[];
  /** Ends the wait for the request's turn. */
  readonly signal?: AbortSignal;
  /** Told of progress; the deadline then begins anew. */
  readonly onDone?: (done: number) => void;
  /** It may be sent while another such one is being done: whatever becomes of that, this one is to be done as well. */
  readonly isIndependent?: boolean;
  /** Told of the calls that it took, before it resolves or rejects; for an answer that came. */
  readonly onCalls?: (calls: readonly ModuleCall[]) => void;
}

export interface Reply<O extends Operation> {
  readonly result: Results<O>;
  readonly blobs: readonly Uint8Array[];
}

interface Pending {
  readonly id: number;
  readonly operation: Operation;
  readonly options: RequestOptions;
  readonly resolve: (reply: Reply<Operation>) => void;
  readonly reject: (error: Error) => void;
  timer: NodeJS.Timeout | undefined;
}

/** Waits for its turn. */
interface Waiting {
  readonly isIndependent: boolean;
  start(): void;
}

export class ModuleProcess {
  readonly module: ModuleConfiguration;
  /** Resolves when the process is no more, with why. */
  readonly ended: Promise<string>;
  readonly #onRequest: OnRequest;
  readonly #child: ChildProcess;
  readonly #pipe: Duplex;
  readonly #frames = new FrameReader();
  readonly #waiting = new Set<Waiting>();
  /** In the order in which they were sent, which is that of the answers. */
  readonly #pending: Pending[] = [];
  /** Those that have their turn; `#isAlone`: one of them is to have it for itself. */
  #underWay = 0;
  #isAlone = false;
  #lastId = 0;
  #end: string | undefined;
  #killedFor: Error | undefined;
  #isKilled = false;

  constructor(module: ModuleConfiguration, onRequest: OnRequest) {
    this.module = module;
    this.#onRequest = onRequest;
    this.#child = spawn(process.execPath, [...NODE_FLAGS, programPath()], {
      cwd: '/',
      env: cleanEnvironment(module.environment),
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
      // Ctrl+C in a terminal is for kortd, which ends its modules when the last call has ended.
      detached: process.platform !== 'win32',
      windowsHide: true,
    });
    this.#pipe = this.#child.stdio[PIPE] as Duplex;
    this.#pipe.on('data', (chunk: Buffer) => this.#onData(chunk));
    // The end of the process tells the same, and why.
    this.#pipe.on('error', () => undefined);
    this.ended = new Promise((resolve) => {
      const onEnd = (why: string): void => {
        this.#onEnd(why);
        resolve(why);
      };
      this.#child.once('exit', (status, signal) => onEnd(signal ?? `status ${status ?? 'unknown'}`));
      this.#child.once('error', (error) => onEnd(error.message));
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get hasEnded(): boolean {
    return this.#end !== undefined;
  }

  /**
   * Throws ReturnedError when the module answers with one of its own errors, DeviceTimeoutError, DeviceProtocolError, ServiceUnavailableError when the process
   * ends, and the signal's reason when that fires before it is the request's turn.
   */
  async request<O extends Operation>(operation: O, args: Arguments<O>, options: RequestOptions): Promise<Reply<O>> {
    await this.#turn(options);
    try {
      return await this.#exchange(operation, args, options);
    } finally {
      this.#underWay--;
      this.#startWaiting();
    }
  }

  /** It takes no more requests: it has ended, or is about to. */
  get isEnding(): boolean {
    return this.#end !== undefined || this.#isKilled;
  }

  /** Why kortd ended it, if it did. */
  get endedFor(): Error | undefined {
    return this.#killedFor;
  }

  /** At once, whatever it does. Resolves when it is no more. */
  async kill(why?: Error): Promise<void> {
    this.#killedFor ??= why;
    this.#isKilled = true;
    this.#child.kill('SIGKILL');
    await this.ended;
  }

  async #exchange<O extends Operation>(operation: O, args: Arguments<O>, options: RequestOptions): Promise<Reply<Operation>> {
    if (this.isEnding) throw this.#gone(operation);
    const id = ++this.#lastId;
    const traced = options.onCalls ? { isTraced: true } : {};
    const frame = encodeFrame({ id, operation, arguments: args, ...traced }, options.blobs);
    return await new Promise((resolve, reject) => {
      const pending: Pending = { id, operation, options, resolve, reject, timer: undefined };
      this.#pending.push(pending);
      if (this.#pending.length === 1) this.#startTimer(pending);
      // May hold a PIN: wiped when the system has it.
      this.#pipe.write(frame, () => frame.fill(0));
      if (this.pid !== undefined) this.#onRequest(operation, this.pid);
    });
  }

  #startTimer(pending: Pending): void {
    clearTimeout(pending.timer);
    const { timeoutMs } = pending.options;
    pending.timer = setTimeout(() => {
      const problem = `waiting for module ${this.module.name}: nothing in ${timeoutMs} ms`;
      this.#fail(new DeviceTimeoutError(problem, { timeoutMs }));
    }, timeoutMs);
  }

  #onData(chunk: Buffer): void {
    try {
      for (const body of this.#frames.push(chunk)) this.#onFrame(body);
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
      this.#fail(new DeviceProtocolError(`listening to module ${this.module.name}: ${error.message}`, {}, { cause: error }));
    }
  }

  #onFrame(body: Buffer): void {
    const { content, blobs } = decodeFrame(body);
    const answer = parseAnswer(content);
    const [pending, next] = this.#pending;
    if (pending?.id !== answer.id) throw new MessageError('reading an answer: nothing was asked');
    if (answer.kind === 'progress') {
      this.#startTimer(pending);
      pending.options.onDone?.(answer.done);
      return;
    }
    if (answer.calls) pending.options.onCalls?.(answer.calls);
    if (answer.kind === 'fault') {
      this.#fail(this.#faultOf(pending.operation, answer.problem));
      return;
    }
    // While it is among those that wait: one whose answer does not fit ends with the process.
    const reply = answer.kind === 'result' ? { result: parseResult(pending.operation, answer.result), blobs } : undefined;
    this.#pending.shift();
    clearTimeout(pending.timer);
    if (next) this.#startTimer(next); // it is being done from now on
    if (reply) pending.resolve(reply);
    else if (answer.kind === 'returned') pending.reject(new ReturnedError(answer.call, answer.value));
  }

  /** A module that cannot be started is away; one that breaks the standard later may have damaged its process. */
  #faultOf(operation: Operation, problem: string): Error {
    const message = `using module ${this.module.name}: ${problem}`;
    return operation === 'start' ? new ServiceUnavailableError(message) : new DeviceProtocolError(message);
  }

  #fail(error: Error): void {
    const [pending, ...others] = this.#takePending();
    void this.kill(error);
    pending?.reject(error);
    for (const { operation, reject } of others) reject(this.#gone(operation));
  }

  #onEnd(why: string): void {
    this.#end = why;
    this.#pipe.destroy();
    for (const { operation, reject } of this.#takePending()) reject(this.#gone(operation));
  }

  #takePending(): readonly Pending[] {
    const pending = this.#pending.splice(0);
    clearTimeout(pending[0]?.timer);
    return pending;
  }

  #gone(operation: Operation): Error {
    const why = this.#killedFor ? `it was ended (${this.#killedFor.message})` : `its process ended (${this.#end ?? 'unknown'})`;
    return new ServiceUnavailableError(`using module ${this.module.name} for "${operation}": ${why}`);
  }

  #turn({ signal, isIndependent = false }: RequestOptions): Promise<void> | void {
    signal?.throwIfAborted();
    if (this.#waiting.size === 0 && this.#hasRoom(isIndependent)) {
      this.#begin(isIndependent);
      return;
    }
    if (this.#waiting.size >= MAX_WAITING)
      throw new ServiceUnavailableError(`waiting for module ${this.module.name}: ${MAX_WAITING} requests wait already`);
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        isIndependent,
        start: () => {
          signal?.removeEventListener('abort', giveUp);
          resolve();
        },
      };
      const giveUp = (): void => {
        this.#waiting.delete(waiting);
        reject(signal?.reason as Error);
        this.#startWaiting(); // it may have kept those behind it
      };
      signal?.addEventListener('abort', giveUp, { once: true });
      this.#waiting.add(waiting);
    });
  }

  #hasRoom(isIndependent: boolean): boolean {
    return this.#underWay === 0 || (isIndependent && !this.#isAlone && this.#underWay < MAX_UNDER_WAY);
  }

  #begin(isIndependent: boolean): void {
    this.#underWay++;
    this.#isAlone = !isIndependent;
  }

  /** In the order in which they came. */
  #startWaiting(): void {
    for (const waiting of this.#waiting) {
      if (!this.#hasRoom(waiting.isIndependent)) return;
      this.#waiting.delete(waiting);
      this.#begin(waiting.isIndependent);
      waiting.start();
    }
  }
}

/** Beside this file: as source, or as the bundle has it. */
function programPath(): string {
  const source = join(import.meta.dirname, 'child.ts');
  return existsSync(source) ? source : join(import.meta.dirname, 'pkcs11-child.js');
}

/** Nothing of kortd's own: tokens, paths of sockets, settings of Node. */
function cleanEnvironment(own: Readonly<Record<string, string>> = {}): Record<string, string> {
  const kept = process.platform === 'win32' ? ['SystemRoot', 'PATH', 'TEMP'] : [];
  const inherited = kept.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  const basic = process.platform === 'win32' ? {} : { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8' };
  return { ...basic, ...Object.fromEntries(inherited), ...own };
}
