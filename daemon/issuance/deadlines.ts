/**
 * Watches over the times of open ceremonies, also over those that were begun before the daemon was started. What has run out is said in the journal, at once; what
 * is then to be taken off a card is taken off when somebody is at it.
 */
import type { Log } from '../log.ts';
import type { Ceremonies } from './ceremonies.ts';

/** So late a deadline is seen at most. */
const LOOK_MS = 1_000;
/** Open at once on one workstation: far fewer. */
const MAX_OPEN = 10_000;

export interface DeadlineOptions {
  readonly ceremonies: Ceremonies;
  readonly log: Log;
}

/** By when the next step of each open ceremony must be taken. */
export class Deadlines implements Disposable {
  readonly #options: DeadlineOptions;
  readonly #due = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;
  #hasRead = false;

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
    if (!this.#hasRead) this.#readAll();
    const { ceremonies } = this.#options;
    for (const [id, due] of this.#due)
      if (ceremonies.clock().getTime() > due)
        this.#try(id, () => {
          const expired = ceremonies.expire(ceremonies.get(id));
          this.note(id, ceremonies.deadlineOf(expired));
        });
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #readAll(): void {
    this.#hasRead = true;
    const { ceremonies } = this.#options;
    for (const { id } of ceremonies.list({ state: 'open', includesProtected: true, limit: MAX_OPEN }))
      this.#try(id, () => this.note(id, ceremonies.deadlineOf(ceremonies.get(id))));
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
