/**
 * One run of a vendor's program: the handshake, requests by number, and its end. It speaks JSON lines over its standard input and output (README.md, "A driver of
 * your own"); whatever it does against the protocol ends it. It is ended by its own process id.
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { DeviceProtocolError, ServiceUnavailableError } from '../../errors.ts';
import { JsonLines, type Message } from './lines.ts';
import type { HelperOptions } from './options.ts';

export const PROTOCOL = 1;
export const HANDSHAKE_MS = 10_000;
/** From asking it to end until it is ended. */
const END_MS = 1_000;
/** What may wait for it to read. */
const UNREAD_BYTES = 1_048_576;
const NOTE_CHARACTERS = 300;
const MAX_NOTES = 100;
const PASSED_ON = ['PATH', 'HOME', 'LANG', 'SystemRoot', 'TEMP', 'TMPDIR', 'ProgramData', 'ProgramFiles'];

export interface HelperEvents {
  /** Every message after the handshake. */
  readonly onMessage: (message: Message) => void;
  /** Once, when it is over, with why. */
  readonly onEnd: (error: Error) => void;
  /** What it wrote to its standard error, in lines. */
  readonly note: (line: string) => void;
}

export interface Ready {
  readonly name: string;
  readonly version: string;
}

export class HelperProcess {
  readonly ready: Promise<Ready>;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #events: HelperEvents;
  readonly #handshake = Promise.withResolvers<Ready>();
  readonly #timer: NodeJS.Timeout;
  readonly #ended = Promise.withResolvers<undefined>();
  #isReady = false;
  #failure: Error | undefined;
  #notes = 0;

  /** Starts it, and greets it. */
  constructor({ command: [program = '', ...parameters], environment = {} }: HelperOptions, folder: string, events: HelperEvents) {
    this.#events = events;
    this.ready = this.#handshake.promise;
    this.ready.catch(() => undefined); // whoever waits is told
    const passedOn = PASSED_ON.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]] as const]));
    this.#child = spawn(program, parameters, {
      cwd: folder,
      env: { ...Object.fromEntries(passedOn), ...environment },
      stdio: 'pipe',
      windowsHide: true,
    });
    this.#timer = setTimeout(() => this.fail(`it said nothing within ${HANDSHAKE_MS} ms`), HANDSHAKE_MS).unref();
    const lines = new JsonLines(
      (message) => this.#receive(message),
      (problem) => this.fail(problem),
    );
    this.#child.stdout.on('data', (chunk: Buffer) => lines.write(chunk));
    this.#child.stderr.on('data', (chunk: Buffer) => this.#note(chunk));
    this.#child.stdin.on('error', () => undefined); // its end is told by 'exit'
    this.#child.once('error', (error) =>
      this.#end(new ServiceUnavailableError(`starting ${program}: ${error.message}`, {}, { cause: error })),
    );
    this.#child.once('exit', (code, signal) => this.#end(this.#failure ?? exited(code, signal)));
    this.send({ type: 'hello', protocol: PROTOCOL, folder });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  send(message: object): void {
    if (this.#child.stdin.writableLength > UNREAD_BYTES) this.fail('it does not read what it is told');
    else if (this.#child.stdin.writable) this.#child.stdin.write(`${JSON.stringify(message)}\n`);
  }

  /** It broke the protocol: it is ended at once. */
  fail(problem: string): void {
    this.#failure ??= new DeviceProtocolError(`the vendor's program was ended: ${problem}`);
    this.#child.kill('SIGKILL');
  }

  /** Asks it to end, and ends it when it does not. */
  async end(): Promise<void> {
    this.send({ type: 'bye' });
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), END_MS);
    await this.#ended.promise;
    clearTimeout(timer);
  }

  #receive(message: Message): void {
    if (this.#isReady) {
      this.#events.onMessage(message);
      return;
    }
    const { type, protocol, name, version } = message;
    if (type !== 'ready') this.fail('its first message is not "ready"');
    else if (protocol !== PROTOCOL) this.fail(`it speaks another version of the protocol than ${PROTOCOL}`);
    else if (typeof name !== 'string' || typeof version !== 'string') this.fail('"ready" has no name or no version');
    else {
      this.#isReady = true;
      clearTimeout(this.#timer);
      this.#handshake.resolve({ name: name.slice(0, 100), version: version.slice(0, 64) });
    }
  }

  /** A program that writes without end fills no log. */
  #note(chunk: Buffer): void {
    for (const line of chunk.toString('utf8').split('\n')) {
      if (line.trim() === '' || this.#notes >= MAX_NOTES) continue;
      this.#notes++;
      this.#events.note(line.slice(0, NOTE_CHARACTERS));
    }
  }

  #end(error: Error): void {
    clearTimeout(this.#timer);
    this.#child.stdout.destroy();
    this.#child.stderr.destroy();
    this.#handshake.reject(error);
    this.#ended.resolve(undefined);
    this.#events.onEnd(error);
  }
}

function exited(code: number | null, signal: string | null): Error {
  return new ServiceUnavailableError(`the vendor's program ended: ${signal ?? `exit status ${code ?? 'unknown'}`}`);
}
