/**
 * Runs a script in a process of its own on a testbed: node-hid and serialport in it are the real ones, and see the simulated devices alone. Script and test speak by
 * messages; whatever the script prints is part of the error when it fails.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Testbed } from '../../drivers/simulated/testbed/testbed.ts';

const PROGRAMS = join(import.meta.dirname, 'programs');
const DEADLINE_MS = 20_000;

export class DeviceProgram implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #messages: unknown[] = [];
  #wake: () => void = () => undefined;
  #output = '';

  constructor(testbed: Testbed, script: string, parameters: readonly string[] = []) {
    this.#child = fork(join(PROGRAMS, script), parameters, {
      env: testbed.environment(process.env),
      execArgv: ['--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        this.#output += chunk.toString();
      });
    this.#child.on('message', (message) => {
      this.#messages.push(message);
      this.#wake();
    });
    this.#ended = once(this.#child, 'close').then(() => {
      this.#wake();
    });
  }

  /** A command to the script. */
  send(command: Readonly<Record<string, unknown>>): void {
    this.#child.send(command);
  }

  /** The next message of the script. Rejects when it ended, or says nothing. */
  async next<T>(deadlineMs = DEADLINE_MS): Promise<T> {
    const deadline = AbortSignal.timeout(deadlineMs);
    deadline.addEventListener('abort', () => {
      this.#wake();
    });
    for (;;) {
      if (this.#messages.length > 0) return this.#messages.shift() as T;
      if (deadline.aborted) throw new Error(`the script said nothing for ${deadlineMs} ms: ${this.#output}`);
      if (this.#isOver) throw new Error(`the script ended (${this.#child.exitCode ?? this.#child.signalCode}): ${this.#output}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Asks, and gives the answer. */
  async ask<T>(command: Readonly<Record<string, unknown>>): Promise<T> {
    this.send(command);
    return await this.next<T>();
  }

  /** Its exit status once it ended by itself. */
  async end(): Promise<number | null> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), DEADLINE_MS);
    await this.#ended;
    clearTimeout(timer);
    return this.#child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isOver) this.#child.kill('SIGKILL');
    await this.#ended;
  }

  get #isOver(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }
}
