/** The child from its parent's side: what it is asked, and its death. A dead one is replaced when it is next needed. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Order, Reply } from './worker.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const ANSWER_MS = 30_000;

/** The child is gone. */
export class WorkerGoneError extends Error {
  override readonly name = 'WorkerGoneError';
}

export class WorkerProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  /** Resolves with the signal that ended it, or "exit". */
  readonly ended: Promise<string>;
  #hasEnded = false;
  #nextId = 1;

  constructor() {
    this.#child = fork(join(import.meta.dirname, 'worker.ts'), [], {
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      // What Node makes of a module is kept between starts: most of the time of one.
      env: { ...process.env, NODE_COMPILE_CACHE: join(ROOT, 'build', 'compile-cache') },
    });
    this.#child.on('message', (message) => this.#take(message as Reply));
    this.ended = once(this.#child, 'exit').then(([, signal]: unknown[]) =>
      this.#end(typeof signal === 'string' ? signal : 'exit'),
    );
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Rejects with WorkerGoneError when it is gone, or goes meanwhile. */
  async ask(order: Order): Promise<unknown> {
    if (this.#hasEnded) throw new WorkerGoneError(`${order.do}: the process is gone`);
    const id = this.#nextId++;
    const answer = Promise.withResolvers<unknown>();
    this.#waiting.set(id, answer);
    this.#child.send({ id, order });
    const timer = setTimeout(() => answer.reject(new Error(`${order.do}: no answer within ${ANSWER_MS} ms`)), ANSWER_MS);
    try {
      return await answer.promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }

  /** Resolves when it is dead. */
  async kill(): Promise<void> {
    if (!this.#hasEnded) this.#child.kill('SIGKILL');
    await this.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  #take(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    if ('problem' in reply) waiting?.reject(new Error(reply.problem));
    else waiting?.resolve(reply.result);
  }

  #end(how: string): string {
    this.#hasEnded = true;
    for (const waiting of this.#waiting.values()) waiting.reject(new WorkerGoneError(`the process is gone: ${how}`));
    return how;
  }
}
