/**
 * What came over WebSockets, taken in turn. One read of the network holds hundreds of messages of one client; while they are answered everybody else waits, and
 * new connections too. So each round of the event loop gives messages a few milliseconds; what is left over waits, one message of each client in turn, and nothing
 * more is read of a client that has some waiting. Nor is of one that does not read its answers.
 */

/** Time for messages in one round, before and after the network is looked at. A client alone meets it with hundreds of calls under way. */
const ROUND_MS = 4;

export interface InboxOptions {
  /** Handles one message. */
  readonly handle: (message: Buffer) => void;
  /** Stops reading, and goes on. */
  readonly pause: () => void;
  readonly resume: () => void;
}

export class Inbox {
  readonly #rounds: Rounds;
  readonly #options: InboxOptions;
  readonly #waiting: Buffer[] = [];
  #isHeld = false;
  #isPaused = false;

  constructor(rounds: Rounds, options: InboxOptions) {
    this.#rounds = rounds;
    this.#options = options;
  }

  /** A message came: it is handled now or later. */
  add(message: Buffer): void {
    if (this.#waiting.length === 0 && !this.#isHeld && this.#rounds.hasTime()) {
      this.#options.handle(message);
      return;
    }
    this.#waiting.push(message);
    this.#settle();
  }

  /** Its client does not read: nothing more is handled, or read of it. */
  hold(): void {
    if (this.#isHeld) return;
    this.#isHeld = true;
    this.#settle();
  }

  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#settle();
  }

  /** The connection is gone. */
  close(): void {
    this.#waiting.length = 0;
    this.#rounds.remove(this);
  }

  /** Handles the first that waits. For its turn. */
  handleNext(): void {
    const message = this.#waiting.shift();
    if (message) this.#options.handle(message);
    this.#settle();
  }

  #settle(): void {
    const isWaiting = this.#waiting.length > 0;
    if (isWaiting && !this.#isHeld) this.#rounds.add(this);
    else this.#rounds.remove(this);
    const isPaused = isWaiting || this.#isHeld;
    if (isPaused === this.#isPaused) return;
    this.#isPaused = isPaused;
    if (isPaused) this.#options.pause();
    else this.#options.resume();
  }
}

export interface RoundsOptions {
  readonly now?: () => number;
  /** Calls back in the next round of the event loop. */
  readonly nextRound?: (callback: () => void) => void;
}

export class Rounds {
  readonly #now: () => number;
  readonly #nextRound: (callback: () => void) => void;
  /** In the order of their turns. */
  readonly #inboxes = new Set<Inbox>();
  #isExpected = false;
  #beganAt = 0;

  constructor({ now = () => performance.now(), nextRound = setImmediate }: RoundsOptions = {}) {
    this.#now = now;
    this.#nextRound = nextRound;
  }

  /** False when this round has had its time, or others wait. */
  hasTime(): boolean {
    if (this.#inboxes.size > 0) return false;
    if (!this.#isExpected) this.#begin();
    return this.#now() - this.#beganAt < ROUND_MS;
  }

  add(inbox: Inbox): void {
    this.#inboxes.add(inbox);
    if (!this.#isExpected) this.#begin();
  }

  remove(inbox: Inbox): void {
    this.#inboxes.delete(inbox);
  }

  #begin(): void {
    this.#beganAt = this.#now();
    this.#isExpected = true;
    this.#nextRound(this.#onRound);
  }

  readonly #onRound = (): void => {
    this.#isExpected = false;
    if (this.#inboxes.size === 0) return;
    this.#begin();
    while (this.#now() - this.#beganAt < ROUND_MS) {
      const [inbox] = this.#inboxes;
      if (!inbox) return;
      this.#inboxes.delete(inbox); // to the end of the row, when it has more
      inbox.handleNext();
    }
  };
}
