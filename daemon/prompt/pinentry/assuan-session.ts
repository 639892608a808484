/**
 * A conversation with one prompt program over its standard input and output. The program lives as long as the session and no longer:
 * it is ended by its own process id when the signal fires, when it breaks the protocol, when the session is closed, and by the kernel
 * when this process dies.
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { accessSync, constants, realpathSync } from 'node:fs';
import { basename } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { Secret } from '../../../apdu/secret.ts';
import { PromptError, PromptProtocolError } from '../errors.ts';
import { offHeapBytes } from '../off-heap.ts';
import { decodeLine, encodeCommand, LineReader, unescapeData } from './assuan.ts';

type Program = ChildProcessByStdio<Writable, Readable, null>;

/** For whatever needs no person. */
const ANSWER_TIMEOUT_MS = 5_000;
/** What a program has to end by itself, after each stronger request. */
const END_TIMEOUT_MS = 500;
const MAX_LINES_PER_ANSWER = 100;
/** pinentry 1.2.1 takes entries of up to 2048 bytes. */
const MAX_DATA_BYTES = 4096;
/**
 * What ends an open dialog and gives the terminal its echo back (measured, pinentry 1.2.1): pinentry-tty does it on SIGALRM, as at its own time limit, and not on
 * SIGTERM. pinentry-curses does it on SIGTERM; once a key was pressed, SIGALRM does not end it.
 */
const END_DIALOG_SIGNALS: ReadonlyMap<string, NodeJS.Signals> = new Map([['pinentry-tty', 'SIGALRM']]);
/** util-linux. Makes the kernel end the program with its parent, also when that is killed; the process id stays the program's. */
const SETPRIV = '/usr/bin/setpriv';

export interface AssuanSessionOptions {
  /** Absolute path. */
  readonly program: string;
  /** The program's whole environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** When it fires, the program is ended and everything rejects with its reason. */
  readonly signal: AbortSignal;
}

export interface AssuanAnswer {
  /** 0 for OK, else the code of libgpg-error with its source. */
  readonly code: number;
  readonly statuses: ReadonlySet<string>;
  /** Whoever asked for it wipes it. Absent when nothing came. */
  readonly data?: Secret;
}

interface Waiting {
  readonly data: Buffer | undefined;
  readonly statuses: Set<string>;
  readonly settle: (outcome: AssuanAnswer | Error) => void;
  dataLength: number;
  lines: number;
}

/** Starts the program and waits for its greeting. Close the session in any case. */
export async function openAssuanSession(options: AssuanSessionOptions): Promise<AssuanSession> {
  options.signal.throwIfAborted();
  const session = new AssuanSession(start(options), options.signal);
  try {
    const greeting = await session.greeting();
    if (greeting.code !== 0) throw new PromptProtocolError('starting the prompt: the program greeted with an error');
    return session;
  } catch (error) {
    await session.close();
    throw error;
  }
}

export class AssuanSession implements AsyncDisposable {
  readonly #program: Program;
  readonly #endDialogSignal: NodeJS.Signals;
  readonly #signal: AbortSignal;
  readonly #reader = new LineReader();
  readonly #ended: Promise<void>;
  #waiting: Waiting | undefined;
  #failure: Error | undefined;
  #closing: Promise<void> | undefined;
  #hasEnded = false;
  readonly #onAbort = (): void => this.#fail(reasonOf(this.#signal));

  constructor({ program, endDialogSignal }: Started, signal: AbortSignal) {
    this.#program = program;
    this.#endDialogSignal = endDialogSignal;
    this.#signal = signal;
    this.#ended = new Promise((resolve) => {
      program.once('exit', () => resolve());
      program.once('error', () => resolve());
    });
    program.once('exit', () => this.#noteEnd());
    program.once('error', (cause) => {
      this.#noteEnd();
      this.#fail(new PromptProtocolError('starting the prompt: the program could not be run', { cause }));
    });
    program.once('close', (status, name) =>
      this.#fail(
        new PromptProtocolError(`waiting for the prompt: the program ended (${name ?? `exit status ${status ?? 'unknown'}`})`),
      ),
    );
    // A write to a program that has ended: 'close' tells how it ended.
    program.stdin.on('error', () => undefined);
    program.stdout.on('error', (cause) =>
      this.#fail(new PromptProtocolError('reading what the program said: no more came', { cause })),
    );
    program.stdout.on('data', (chunk: Buffer) => this.#onChunk(chunk));
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  greeting(): Promise<AssuanAnswer> {
    return this.#answer(undefined, ANSWER_TIMEOUT_MS);
  }

  /** A command that no person answers. */
  tell(command: string, text?: string): Promise<AssuanAnswer> {
    return this.#send(encodeCommand(command, text), undefined, ANSWER_TIMEOUT_MS);
  }

  /** A question to the program about itself; empty when it has no answer. */
  async askProgram(what: 'flavor'): Promise<string> {
    const { data } = await this.#send(encodeCommand('GETINFO', what), Buffer.alloc(MAX_DATA_BYTES), ANSWER_TIMEOUT_MS);
    using answer = data;
    return answer?.use((bytes) => Buffer.from(bytes).toString('latin1')) ?? '';
  }

  /** A command that waits for the person: its end is the signal's. */
  ask(command: 'CONFIRM', option: string): Promise<AssuanAnswer> {
    return this.#send(encodeCommand(command, option), undefined);
  }

  /** As `ask`, with an entry that comes back. */
  askForData(command: 'GETPIN'): Promise<AssuanAnswer> {
    return this.#send(encodeCommand(command), Buffer.allocUnsafeSlow(MAX_DATA_BYTES));
  }

  /** Resolves when the program is gone. */
  close(): Promise<void> {
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#fail(new PromptProtocolError('waiting for the prompt: the session was closed'));
    this.#closing ??= this.#end();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #send(line: Uint8Array, data: Buffer | undefined, timeoutMs?: number): Promise<AssuanAnswer> {
    const answer = this.#answer(data, timeoutMs);
    if (!this.#failure) this.#program.stdin.write(line);
    return answer;
  }

  async #answer(data: Buffer | undefined, timeoutMs?: number): Promise<AssuanAnswer> {
    if (this.#failure) throw this.#failure;
    if (this.#waiting) throw new Error('an Assuan command was sent before the last one was answered');
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<AssuanAnswer>((resolve, reject) => {
        const settle = (outcome: AssuanAnswer | Error): void => (outcome instanceof Error ? reject(outcome) : resolve(outcome));
        this.#waiting = { data, statuses: new Set(), settle, dataLength: 0, lines: 0 };
        if (timeoutMs === undefined) return;
        const late = new PromptProtocolError(`waiting for the prompt: the program did not answer within ${timeoutMs} ms`);
        timer = setTimeout(() => this.#fail(late), timeoutMs);
      });
    } finally {
      clearTimeout(timer);
      data?.fill(0);
    }
  }

  #onChunk(chunk: Buffer): void {
    if (this.#failure) {
      chunk.fill(0);
      return;
    }
    try {
      this.#reader.push(chunk, (line) => this.#onLine(line));
    } catch (error) {
      this.#fail(
        error instanceof PromptError ? error : new PromptProtocolError('reading what the program said', { cause: error }),
      );
    }
  }

  #onLine(bytes: Uint8Array): void {
    const line = decodeLine(bytes);
    const waiting = this.#waiting;
    if (line.kind === 'comment' && !waiting) return;
    if (!waiting) throw new PromptProtocolError('reading what the program said: an answer that nothing asked for');
    if (++waiting.lines > MAX_LINES_PER_ANSWER)
      throw new PromptProtocolError(`reading what the program said: more than ${MAX_LINES_PER_ANSWER} lines in one answer`);
    switch (line.kind) {
      case 'comment':
        return;
      case 'inquire':
        // Whatever it wants to know, this side has nothing to tell.
        this.#program.stdin.write(encodeCommand('CAN'));
        return;
      case 'status':
        waiting.statuses.add(line.keyword);
        return;
      case 'data':
        if (!waiting.data) throw new PromptProtocolError('reading what the program said: data that nothing asked for');
        waiting.dataLength = unescapeData(line.escaped, waiting.data, waiting.dataLength);
        return;
      case 'ok':
        this.#settle(waiting, 0);
        return;
      case 'error':
        this.#settle(waiting, line.code);
        return;
    }
  }

  #settle(waiting: Waiting, code: number): void {
    this.#waiting = undefined;
    const { statuses, data, dataLength } = waiting;
    if (!data || dataLength === 0 || code !== 0) {
      waiting.settle({ code, statuses });
      return;
    }
    const own = offHeapBytes(dataLength);
    own.set(data.subarray(0, dataLength));
    data.fill(0);
    waiting.settle({ code, statuses, data: Secret.take(own) });
  }

  /** The first failure is the one that is told; the program is ended with it. */
  #fail(failure: Error): void {
    if (this.#failure) return;
    this.#failure = failure;
    this.#reader.wipe();
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.data?.fill(0);
    waiting?.settle(failure);
    this.#closing ??= this.#end(waiting && this.#endDialogSignal);
  }

  #noteEnd(): void {
    this.#hasEnded = true;
    LIVE_PROGRAMS.delete(this.#program);
  }

  /** Closing its input ends a program that shows no dialog. */
  async #end(first?: NodeJS.Signals): Promise<void> {
    this.#program.stdin.end();
    if (first) this.#program.kill(first);
    for (const stronger of ['SIGTERM', 'SIGKILL', undefined] as const) {
      if (await this.#endsWithin(END_TIMEOUT_MS)) return;
      if (stronger) this.#program.kill(stronger);
    }
  }

  async #endsWithin(timeoutMs: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, timeoutMs)));
    await Promise.race([this.#ended, late]);
    clearTimeout(timer);
    return this.#hasEnded;
  }
}

/** Ended when this process exits in order. Where there is no setpriv, a program outlives a parent that is killed until its time limit. */
const LIVE_PROGRAMS = new Map<Program, NodeJS.Signals>();
let endsAtExit = false;

interface Started {
  readonly program: Program;
  readonly endDialogSignal: NodeJS.Signals;
}

function start(options: AssuanSessionOptions): Started {
  const endDialogSignal = END_DIALOG_SIGNALS.get(nameOf(options.program)) ?? 'SIGTERM';
  const guard = ['--pdeathsig', endDialogSignal.slice('SIG'.length), '--', options.program];
  const [command, parameters] = canSetPriv() ? [SETPRIV, guard] : [options.program, []];
  const program = spawn(command, parameters, { stdio: ['pipe', 'pipe', 'ignore'], env: { ...options.environment }, cwd: '/' });
  LIVE_PROGRAMS.set(program, endDialogSignal);
  if (!endsAtExit) {
    endsAtExit = true;
    process.once('exit', () => LIVE_PROGRAMS.forEach((signal, live) => live.kill(signal)));
  }
  return { program, endDialogSignal };
}

/** Of the program itself: /usr/bin/pinentry is a link to the one that the administrator chose. */
function nameOf(program: string): string {
  try {
    return basename(realpathSync(program));
  } catch {
    return basename(program);
  }
}

function canSetPriv(): boolean {
  try {
    accessSync(SETPRIV, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function reasonOf(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('the caller gave up', { cause: signal.reason });
}
