/**
 * What is on a card, as programs are told: they ask before everything they do, and most of their questions cost the card nothing. Tries are what the card last
 * said to anyone of the daemon; keys and certificates are as they were read, for a while, and until the daemon itself changes them.
 */
import type { PinStatus, TokenContents } from '../../apdu/token.ts';
import type { CardReading } from '../desk/card-session.ts';
import type { CardRecord } from '../desk/records.ts';
import { hasUntoldKeys } from './untold-keys.ts';

/** What another program writes to the card past the daemon is seen after so long, at the latest. */
const READING_MS = 60_000;

export class Readings {
  /** When the contents were first seen here: right after they were read. */
  readonly #since = new WeakMap<TokenContents, number>();
  readonly #underWay = new WeakMap<CardRecord, Promise<CardReading>>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** To be called whenever a card may have been read. */
  note({ contents }: CardRecord): void {
    if (contents && !this.#since.has(contents)) this.#since.set(contents, this.#now());
  }

  /** `read` asks the card. Programs that ask at once wait for one answer. */
  async of(card: CardRecord, read: () => Promise<CardReading>): Promise<CardReading> {
    this.note(card);
    const known = this.#known(card);
    if (known) return withTries(card, known);
    return withTries(card, await (this.#underWay.get(card) ?? this.#read(card, read)));
  }

  /** Undefined when nobody knows what the card's tries are, or the contents are old: they must be asked for. */
  #known({ contents, pins, tries }: CardRecord): CardReading | undefined {
    if (!contents || !pins || hasUntoldKeys(contents)) return undefined;
    if (this.#now() - (this.#since.get(contents) ?? 0) >= READING_MS) return undefined;
    const isTold = pins.every((pin) => pin.attemptsRemaining === undefined || tries.last(pin.reference) !== undefined);
    return isTold ? { contents, pins } : undefined;
  }

  async #read(card: CardRecord, read: () => Promise<CardReading>): Promise<CardReading> {
    const reading = read();
    this.#underWay.set(card, reading);
    try {
      const done = await reading;
      this.#since.set(done.contents, this.#now());
      return done;
    } finally {
      this.#underWay.delete(card);
    }
  }
}

function withTries({ tries }: CardRecord, { pins, contents }: CardReading): CardReading {
  const told = pins.map((pin): PinStatus => {
    const attemptsRemaining = tries.last(pin.reference) ?? pin.attemptsRemaining;
    const attemptsTotal = pin.attemptsTotal ?? tries.most(pin.reference);
    return {
      ...pin,
      ...(attemptsRemaining === undefined ? {} : { attemptsRemaining }),
      ...(attemptsTotal === undefined ? {} : { attemptsTotal }),
    };
  });
  return { pins: told, contents };
}
