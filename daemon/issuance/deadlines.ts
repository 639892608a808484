/**
 * Watches over the times of open ceremonies, also over those that were begun before the daemon was started. What has run out is said in the journal, at once; what
 * is then to be taken off a card is taken off when somebody is at it.
 */
import type { Log } from '../log.ts';
import type { Ceremonies } from './ceremonies.ts';

/** So late a deadline is seen at most. */
const LOOK_MS = 1_000;
/** Open at once on one workstation: far fewer. */
const MAX_OPEN = 1_000_000;
/** So long calls wait at most while the ceremonies of an earlier run are read. */
const READ_MS = 5;

export interface DeadlineOptions {
  readonly ceremonies: Ceremonies;
  readonly log: Log;
}

/** By when the next step of each open ceremony must be taken. */
export class Deadlines implements Disposable {
  readonly #options: DeadlineOptions;
  readonly #due = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;
  /** Of an earlier run, to be read. Undefined before the first look. */
  #unread: string[] | undefined;
  #isClosed = false;

  constructor(options: DeadlineOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.look(), LOOK_MS).unref();
  }

  /** After each change of a ceremony. */
  note(id: string, due: number | undefined): void {
    if (due === undefined) this.#due.delete(id);
    else this.#due.set(id, due);
  }

  look(): void {
    const { ceremonies } = this.#options;
    if (!this.#unread) {
      const open = ceremonies.list({ state: 'open', includesProtected: true, limit: MAX_OPEN });
      // The earliest are the likeliest to have run out: they are taken from the end.
      this.#unread = open.map(({ id }) => id);
      this.#readSome();
    }
    for (const [id, due] of this.#due)
      if (ceremonies.timeById(id) > due)
        this.#try(id, () => {
          const expired = ceremonies.expire(ceremonies.get(id));
          this.note(id, ceremonies.deadlineOf(expired));
        });
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
  }

  /** A little at a time: nobody waits for thousands of ceremonies. */
  #readSome(): void {
    if (this.#isClosed) return;
    const { ceremonies } = this.#options;
    const end = performance.now() + READ_MS;
    while (performance.now() < end) {
      const id = this.#unread?.pop();
      if (id === undefined) return;
      this.#try(id, () => this.note(id, ceremonies.deadlineOf(ceremonies.get(id))));
    }
    setImmediate(() => this.#readSome()).unref();
  }

  /** One ceremony that cannot be read, or written, keeps nobody from the others: the log says it, and it is tried again. */
  #try(id: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#options.log.error({ err: error, ceremony: id }, 'looking after the time of a ceremony failed');
    }
  }
}
