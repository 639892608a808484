/**
 * One at a time: for a reader, for a person. Those who wait take turns: whoever asks for much waits behind whoever asks for little, and each caller's own jobs are done in
 * their order. Who waits is given up by the signal; who has the turn ends by itself, and is asked by `isWanted` whether it should.
 */
import { ApiError } from './errors.ts';

/** For whom, and what for. */
export interface TurnTaker {
  /** Jobs of one caller have the same; without one, each job is a caller of its own. */
  readonly caller: string;
  /** For those who wait, and the log: "sign.batch of https://portal.example". */
  readonly name: string;
}

export interface CurrentTurn {
  /** Undefined: work of the daemon itself. */
  readonly name: string | undefined;
  /** Milliseconds since 1970. */
  readonly since: number;
}

interface Job {
  readonly caller: string | symbol;
  readonly name: string | undefined;
  start(): void;
  refuse(error: Error): void;
}

export class Turns {
  readonly #of: string;
  readonly #limit: number;
  /** By caller, in the order of their next turns. */
  readonly #waiting = new Map<string | symbol, Set<Job>>();
  readonly #watchers = new Set<() => void>();
  readonly #now: () => number;
  #current: CurrentTurn | undefined;
  #waitingCount = 0;

  /** `of`: what is waited for, in the words of an error. `limit`: how many may wait. */
  constructor(of: string, limit: number, now: () => number = Date.now) {
    this.#of = of;
    this.#limit = limit;
    this.#now = now;
  }

  get length(): number {
    return this.#waitingCount + (this.#current ? 1 : 0);
  }

  /** Whose turn it is. */
  get current(): CurrentTurn | undefined {
    return this.#current;
  }

  /** Somebody waits. */
  get isWanted(): boolean {
    return this.#waitingCount > 0;
  }

  /** Told when somebody begins to wait. */
  watch(onWait: () => void): Disposable {
    this.#watchers.add(onWait);
    return { [Symbol.dispose]: () => void this.#watchers.delete(onWait) };
  }

  /**
   * Runs `work` when it is its turn. Rejects with the signal's reason when that fires first. When the queue is full, too_many_calls is for whoever has most in
   * it: for this job, or for the last one of a caller who has more.
   */
  async run<R>(signal: AbortSignal, work: () => Promise<R>, taker?: TurnTaker): Promise<R> {
    await this.#turn(signal, taker);
    try {
      return await work();
    } finally {
      this.#next();
    }
  }

  #turn(signal: AbortSignal, taker: TurnTaker | undefined): Promise<void> | void {
    signal.throwIfAborted();
    const { caller = Symbol('own'), name } = taker ?? {};
    if (!this.#current) {
      this.#begin(name);
      return;
    }
    if (this.#waitingCount >= this.#limit) this.#makeRoom(caller);
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        this.#remove(job);
        reject(signal.reason as Error);
      };
      const job: Job = {
        caller,
        name,
        start: () => {
          signal.removeEventListener('abort', giveUp);
          resolve();
        },
        refuse: (error) => {
          signal.removeEventListener('abort', giveUp);
          reject(error);
        },
      };
      signal.addEventListener('abort', giveUp, { once: true });
      this.#add(job);
      for (const tell of this.#watchers) tell();
    });
  }

  #begin(name: string | undefined): void {
    this.#current = { name, since: this.#now() };
  }

  #add(job: Job): void {
    const jobs = this.#waiting.get(job.caller) ?? new Set();
    this.#waiting.set(job.caller, jobs.add(job));
    this.#waitingCount++;
  }

  #remove(job: Job): void {
    const jobs = this.#waiting.get(job.caller);
    if (!jobs?.delete(job)) return;
    this.#waitingCount--;
    if (jobs.size === 0) this.#waiting.delete(job.caller);
  }

  /** Throws too_many_calls when nobody else has more waiting than this caller. */
  #makeRoom(caller: string | symbol): void {
    const full = new ApiError('too_many_calls', `waiting for ${this.#of}: ${this.#limit} wait already`, { limit: this.#limit });
    const longest = [...this.#waiting.values()].reduce((most, jobs) => (jobs.size > most.size ? jobs : most));
    const last = [...longest].at(-1);
    if (!last || longest.size <= (this.#waiting.get(caller)?.size ?? 0) + 1) throw full;
    this.#remove(last);
    last.refuse(full);
  }

  #next(): void {
    const [first] = this.#waiting;
    const [job] = first?.[1] ?? [];
    if (!first || !job) {
      this.#current = undefined;
      return;
    }
    const [caller, jobs] = first;
    this.#remove(job);
    this.#waiting.delete(caller);
    if (jobs.size > 0) this.#waiting.set(caller, jobs); // behind all others
    this.#begin(job.name);
    job.start();
  }
}
