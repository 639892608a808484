/**
 * Guards the last try of a PIN. What a card last said about its tries is remembered for a minute: with three or more left then, the
 * card need not be asked again, since even two wrong tries elsewhere in between leave one.
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
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  observe(status: Pick<PinStatus, 'reference' | 'attemptsRemaining'>): void {
    if (status.attemptsRemaining === undefined) {
      this.#seen.delete(status.reference);
      return;
    }
    this.#seen.set(status.reference, { attemptsRemaining: status.attemptsRemaining, at: this.#now() });
    this.#most.set(status.reference, Math.max(status.attemptsRemaining, this.#most.get(status.reference) ?? 0));
  }

  /** The right PIN refills the counter: to the most that was ever seen. */
  observeSuccess(reference: PinReference): void {
    const most = this.#most.get(reference);
    if (most !== undefined) this.observe({ reference, attemptsRemaining: most });
  }

  forget(reference: PinReference): void {
    this.#seen.delete(reference);
  }

  /** Raw commands went to the card: they may have used up any tries. */
  forgetAll(): void {
    this.#seen.clear();
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
