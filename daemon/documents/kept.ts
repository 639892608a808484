/**
 * What was found of a document, under an id and for whoever asked: bounded in number and time, and in memory alone, since it is about a person. Programs of one user
 * share; a page shares with nobody.
 */
import { randomUUID } from 'node:crypto';

export interface Owner {
  readonly user: string;
  readonly origin?: string;
}

export interface KeptOptions {
  /** Begins the ids. */
  readonly noun: string;
  readonly limit: number;
  /** Pages of one origin cannot push out what others keep. */
  readonly limitPerOwner: number;
  /** Milliseconds that never go back. */
  readonly now?: () => number;
}

interface Entry<T> {
  readonly value: T;
  readonly owner: string;
  readonly expiresAt: number;
}

const SWEEP_MS = 60_000;

export class Kept<T> implements Disposable {
  readonly #options: KeptOptions;
  readonly #now: () => number;
  readonly #entries = new Map<string, Entry<T>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: KeptOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  newId(): string {
    return `${this.#options.noun}-${randomUUID()}`;
  }

  /** The oldest make room. */
  put(owner: Owner, id: string, value: T, keepMs: number): void {
    const key = keyOf(owner);
    this.#forgetExpired();
    this.#entries.delete(id);
    this.#entries.set(id, { value, owner: key, expiresAt: this.#now() + keepMs });
    this.#makeRoom(
      [...this.#entries].filter(([, entry]) => entry.owner === key).map(([name]) => name),
      this.#options.limitPerOwner,
    );
    this.#makeRoom([...this.#entries.keys()], this.#options.limit);
    this.#timer ??= setInterval(() => this.#forgetExpired(), SWEEP_MS).unref();
  }

  /** In place of what it was, for as long. */
  replace(owner: Owner, id: string, value: T): void {
    const entry = this.#entryOf(owner, id);
    if (entry) this.#entries.set(id, { ...entry, value });
  }

  /** Undefined also for what is another's. */
  find(owner: Owner, id: string): T | undefined {
    return this.#entryOf(owner, id)?.value;
  }

  /** Of all pages and programs of this user, the latest first: for those who may review them. */
  ofUser(user: string): readonly T[] {
    const mine = [...this.#entries.values()].filter(
      ({ owner, expiresAt }) => owner.startsWith(`${user} `) && expiresAt > this.#now(),
    );
    return mine.map(({ value }) => value).reverse();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#entries.clear();
  }

  #entryOf(owner: Owner, id: string): Entry<T> | undefined {
    const entry = this.#entries.get(id);
    return entry?.owner === keyOf(owner) && entry.expiresAt > this.#now() ? entry : undefined;
  }

  #makeRoom(ids: readonly string[], limit: number): void {
    for (const id of ids.slice(0, Math.max(0, ids.length - limit))) this.#entries.delete(id);
  }

  #forgetExpired(): void {
    for (const [id, { expiresAt }] of this.#entries) if (expiresAt <= this.#now()) this.#entries.delete(id);
    if (this.#entries.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** No user id and no origin has a space. */
function keyOf({ user, origin = '' }: Owner): string {
  return `${user} ${origin}`;
}
