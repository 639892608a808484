/**
 * Guards the last try of a PIN. What a card last said about its tries is remembered for a minute: with three or more left then, the
 * card need not be asked again, since even two wrong tries elsewhere in between leave one. Whoever shows tries is told when they change.
 */
import { PinBlockedError } from '../../apdu/errors.ts';
import type { PinReference, PinStatus, Token } from '../../apdu/token.ts';
import { ApiError } from '../errors.ts';

const FRESH_MS = 60_000;
const PLENTY = 3;

interface Observation {
  readonly attemptsRemaining: number;
  readonly at: number;
}

export class TriesMemory {
  readonly #seen = new Map<PinReference, Observation>();
  readonly #most = new Map<PinReference, number>();
  /** What was known when it was last told; nothing where whoever was told will look. */
  readonly #told = new Map<PinReference, number>();
  readonly #now: () => number;
  readonly #tell: () => void;

  /** `tell`: called once whenever a PIN turned out to have another number of tries than was known, or may have. */
  constructor(now: () => number, tell: () => void = () => undefined) {
    this.#now = now;
    this.#tell = tell;
  }

  observe(status: Pick<PinStatus, 'reference' | 'attemptsRemaining'>): void {
    if (this.#note(status)) this.#tell();
  }

  /** The right PIN refills the counter: to the most that was ever seen. */
  observeSuccess(reference: PinReference): void {
    if (this.#refill(reference)) this.#tell();
  }

  /** A PIN was changed or unblocked: it is another one. `right`: what gave the right to it, itself or the PUK. How many tries one has that was blocked, the card is asked. */
  observeRenewal(reference: PinReference, right: PinReference): void {
    this.#refill(right);
    if (reference !== right) this.#seen.delete(reference);
    this.#told.delete(reference);
    this.#tell();
  }

  /** A try was spent; undefined: it may have been, and the card does not say. */
  observeSpent(reference: PinReference, attemptsRemaining: number | undefined): void {
    this.#seen.delete(reference);
    this.#told.delete(reference);
    if (attemptsRemaining !== undefined) this.#note({ reference, attemptsRemaining });
    this.#tell();
  }

  forget(reference: PinReference): void {
    this.#seen.delete(reference);
  }

  /** Raw commands went to the card: they may have used up any tries. */
  forgetAll(): void {
    this.#seen.clear();
    this.#told.clear();
  }

  /** What was last seen, however old. */
  last(reference: PinReference): number | undefined {
    return this.#seen.get(reference)?.attemptsRemaining;
  }

  /** The most that was ever seen: the PIN has as many after the right one, at least. */
  most(reference: PinReference): number | undefined {
    return this.#most.get(reference);
  }

  hasPlenty(reference: PinReference): boolean {
    const seen = this.#seen.get(reference);
    return seen !== undefined && seen.attemptsRemaining >= PLENTY && this.#now() - seen.at < FRESH_MS;
  }

  #refill(reference: PinReference): boolean {
    const most = this.#most.get(reference);
    return most !== undefined && this.#note({ reference, attemptsRemaining: most });
  }

  /** True when it is another number than was told of. A card that does not tell right now, as after the right PIN, tells nothing new. */
  #note({ reference, attemptsRemaining }: Pick<PinStatus, 'reference' | 'attemptsRemaining'>): boolean {
    if (attemptsRemaining === undefined) {
      this.#seen.delete(reference);
      return false;
    }
    const before = this.#told.get(reference);
    this.#told.set(reference, attemptsRemaining);
    this.#seen.set(reference, { attemptsRemaining, at: this.#now() });
    this.#most.set(reference, Math.max(attemptsRemaining, this.#most.get(reference) ?? 0));
    return before !== undefined && before !== attemptsRemaining;
  }
}

/**
 * Throws PinBlockedError when no tries are left and pin_last_try when one is left, or the card does not tell, unless the caller allows it.
 * Asks the card when nothing fresh is known.
 */
export async function guardLastTry(
  token: Token,
  memory: TriesMemory,
  reference: PinReference,
  allowLastTry: boolean,
): Promise<void> {
  if (allowLastTry || memory.hasPlenty(reference)) return;
  const status = await token.pin(reference);
  memory.observe(status);
  const remaining = status.attemptsRemaining;
  if (status.verified || (remaining !== undefined && remaining > 1)) return;
  if (remaining === 0) throw new PinBlockedError(`looking at ${status.label}: no tries are left`, { attemptsRemaining: 0 });
  throw new ApiError(
    'pin_last_try',
    remaining === undefined
      ? `looking at ${status.label}: the card does not tell how many tries are left`
      : `looking at ${status.label}: one try is left`,
  );
}
