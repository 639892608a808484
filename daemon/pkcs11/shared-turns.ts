/**
 * Turns on a card that programs share while they sign one thing after the other. A turn costs a card behind a module a login, which takes longer than ten
 * signatures; so it is kept for a moment after the last one, while nobody else waits for the card, and whoever brings the PIN that was verified in it comes in.
 * Another PIN has a turn of its own, and so has everything but signing.
 */
import type { Secret } from '../../apdu/secret.ts';
import { SecurityStatusError } from '../../apdu/errors.ts';
import type { PinReference, SignatureAlgorithm, SigningKey, Token } from '../../apdu/token.ts';
import type { TokenInUse } from '../../pkcs11-module/desk.ts';
import type { CardRecord } from '../desk/records.ts';

/** A program that signs again does so within this, on a busy machine too. */
const LINGER_MS = 25;
/** A turn has a deadline; who still comes then begins another. */
const LONGEST_MS = 10_000;
/** Digests that go to the card at once: what comes meanwhile is next. */
const MAX_BATCH = 16;
/** While one is being signed, the next waits at the card already. */
const BATCHES_UNDER_WAY = 2;

/** What is done with the card cannot be done in this turn: it has one of its own, from its beginning. */
class OwnTurnNeeded extends Error {
  override readonly name = 'OwnTurnNeeded';
}

/** A transaction as a turn lasts: `work` has the token until it resolves. */
export type OpenTurn = (work: (token: Token & TokenInUse) => Promise<void>) => Promise<void>;

export interface SharedUse<R> {
  readonly card: CardRecord;
  readonly open: OpenTurn;
  readonly work: (token: TokenInUse) => Promise<R>;
}

export class SharedTurns {
  readonly #turns = new Map<CardRecord, Turn>();

  /** Undefined when the work needs a turn of its own. */
  async use<R>({ card, open, work }: SharedUse<R>): Promise<{ readonly value: R } | undefined> {
    const turn = this.#turnOf(card, open);
    try {
      return { value: await turn.run(work) };
    } catch (error) {
      if (error instanceof OwnTurnNeeded) return undefined;
      throw error;
    }
  }

  #turnOf(card: CardRecord, open: OpenTurn): Turn {
    const known = this.#turns.get(card);
    if (known?.isOpen) return known;
    const turn = new Turn(card);
    this.#turns.set(card, turn);
    void turn.last(open).finally(() => {
      if (this.#turns.get(card) === turn) this.#turns.delete(card);
    });
    return turn;
  }
}

class Turn {
  readonly #card: CardRecord;
  readonly #token = Promise.withResolvers<Token & TokenInUse>();
  #wake: () => void = () => undefined;
  #running = 0;
  #until = Infinity;
  #hasBegun = false;
  #isEnding = false;
  #verified: { readonly reference: PinReference; readonly pin: Secret } | undefined;
  #verifying: Promise<void> = Promise.resolve();
  readonly #waiting: Digest[] = [];
  #batchesUnderWay = 0;

  constructor(card: CardRecord) {
    this.#card = card;
    this.#token.promise.catch(() => undefined); // whoever waits for it is told
  }

  /** Until it is its turn everybody may come in; from then on, others have the card next when they wait for it. */
  get isOpen(): boolean {
    return !this.#isEnding && (!this.#hasBegun || (!this.#card.reader.queue.isWanted && performance.now() < this.#until));
  }

  /** Never rejects: who is in the turn is told what became of it. */
  async last(open: OpenTurn): Promise<void> {
    try {
      await open(async (token) => {
        this.#hasBegun = true;
        this.#until = performance.now() + LONGEST_MS;
        this.#token.resolve(token);
        await this.#untilIdle();
      });
    } catch (error) {
      this.#token.reject(error);
    } finally {
      this.#isEnding = true;
      this.#verified?.pin[Symbol.dispose]();
      this.#verified = undefined;
    }
  }

  async run<R>(work: (token: TokenInUse) => Promise<R>): Promise<R> {
    this.#running++;
    this.#wake();
    try {
      return await work(this.#inUse(await this.#token.promise));
    } catch (error) {
      if (error instanceof OwnTurnNeeded) throw error;
      this.#isEnding = true; // the next one begins anew
      throw error instanceof SecurityStatusError ? new OwnTurnNeeded() : error;
    } finally {
      this.#running--;
      this.#wake();
    }
  }

  async #untilIdle(): Promise<void> {
    const watch = this.#card.reader.queue.watch(() => this.#wake());
    try {
      while (this.#running > 0 || this.isOpen) {
        const isLate = await this.#woken(this.#running > 0 ? undefined : LINGER_MS);
        if (isLate && this.#running === 0) this.#isEnding = true;
      }
      this.#isEnding = true;
    } finally {
      watch[Symbol.dispose]();
    }
  }

  /** True when nothing happened in that time. */
  async #woken(withinMs: number | undefined): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#wake = () => resolve(false);
    const timer = withinMs === undefined ? undefined : setTimeout(() => resolve(true), withinMs);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  #inUse(token: Token & TokenInUse): TokenInUse {
    return {
      ...token,
      verifyPin: async (reference, entry) => {
        if (entry === 'keypad') throw new OwnTurnNeeded();
        const before = this.#verifying;
        const { promise, resolve } = Promise.withResolvers<undefined>();
        this.#verifying = promise;
        await before;
        try {
          await this.#verify(token, reference, entry);
        } finally {
          resolve(undefined);
        }
      },
      sign: (key, algorithm, digest) => this.#sign(token, { key, algorithm, digest }),
    };
  }

  async #verify(token: TokenInUse, reference: PinReference, pin: Secret): Promise<void> {
    if (this.#verified) {
      if (this.#verified.reference === reference && this.#verified.pin.equals(pin)) return;
      throw new OwnTurnNeeded();
    }
    if (this.#isEnding) throw new OwnTurnNeeded();
    await token.verifyPin(reference, pin);
    this.#verified = { reference, pin: pin.copy() };
  }

  #sign(token: Token & TokenInUse, wanted: Pick<Digest, 'key' | 'algorithm' | 'digest'>): Promise<Uint8Array> {
    const done = Promise.withResolvers<Uint8Array>();
    this.#waiting.push({ ...wanted, done });
    if (this.#batchesUnderWay < BATCHES_UNDER_WAY) void this.#signWaiting(token);
    return done.promise;
  }

  /** Never rejects: whoever waits for a signature is told. */
  async #signWaiting(token: Token & TokenInUse): Promise<void> {
    this.#batchesUnderWay++;
    for (let first = this.#waiting[0]; first; first = this.#waiting[0]) {
      const batch = takeAlike(this.#waiting, first, token.signAll ? MAX_BATCH : 1);
      try {
        const signatures = await signBatch(token, first, batch);
        for (const [index, { done }] of batch.entries()) done.resolve(signatures[index] ?? new Uint8Array());
      } catch (error) {
        for (const { done } of batch) done.reject(error);
      }
    }
    this.#batchesUnderWay--;
  }
}

interface Digest {
  readonly key: SigningKey;
  readonly algorithm: SignatureAlgorithm;
  readonly digest: Uint8Array;
  readonly done: PromiseWithResolvers<Uint8Array>;
}

/** Those that the same key signs in the same way, out of the list. */
function takeAlike(waiting: Digest[], first: Digest, most: number): readonly Digest[] {
  const isAlike = ({ key, algorithm }: Digest): boolean =>
    key.keyReference === first.key.keyReference && key.algorithm === first.key.algorithm && algorithm === first.algorithm;
  const batch = waiting.filter(isAlike).slice(0, most);
  waiting.splice(0, waiting.length, ...waiting.filter((one) => !batch.includes(one)));
  return batch;
}

const NEVER = new AbortController().signal;

async function signBatch(token: Token, first: Digest, batch: readonly Digest[]): Promise<readonly Uint8Array[]> {
  const { key, algorithm, digest } = first;
  if (batch.length === 1 || !token.signAll) return [await token.sign(key, algorithm, digest)];
  const digests = batch.map((one) => one.digest);
  return await token.signAll(key, algorithm, digests, { signal: NEVER, onSigned: () => undefined });
}
