/**
 * A call with an idempotency key is done once: its repetition, also one that comes while the first runs, gets the first one's outcome,
 * unless that did not reach the card at all.
 */
import { createHmac, randomBytes } from 'node:crypto';
import type { ErrorCode } from '../../api-spec/errors.ts';
import { ApiError } from '../errors.ts';

const KEEP_MS = 10 * 60_000;
const MAX_KEYS = 1_000;
/** The call did not reach the card: its repetition is a first time. */
const NOTHING_DONE: ReadonlySet<ErrorCode> = new Set([
  'card_busy',
  'no_card',
  'pin_last_try',
  'pin_limit_reached',
  'pin_required',
  'prompt_failed',
  'reader_unavailable',
  'too_many_calls',
]);

interface Entry {
  readonly fingerprint: string;
  readonly outcome: Promise<unknown>;
  readonly expiresAt: number;
}

export interface IdentifiedCall {
  readonly name: string;
  readonly params: unknown;
}

export class IdempotencyKeys {
  readonly #entries = new Map<string, Entry>();
  readonly #now: () => number;
  /** Parameters can hold a PIN: what is kept of them is keyed with bytes that die with the process. */
  readonly #hmacKey = randomBytes(32);

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** The outcome of the first call with this key; undefined when this is the first. Throws idempotency_conflict when it was another call. */
  find(key: string, call: IdentifiedCall): Promise<unknown> | undefined {
    this.#forgetOld();
    const known = this.#entries.get(key);
    if (known && known.fingerprint !== this.#fingerprintOf(call)) {
      throw new ApiError('idempotency_conflict', `calling ${call.name}: the idempotency key belongs to another call`);
    }
    return known?.outcome;
  }

  keep(key: string, call: IdentifiedCall, outcome: Promise<unknown>): void {
    const entry = { fingerprint: this.#fingerprintOf(call), outcome, expiresAt: this.#now() + KEEP_MS };
    this.#entries.set(key, entry);
    outcome.catch((error: unknown) => {
      const isUndone = error instanceof ApiError && NOTHING_DONE.has(error.code);
      if (isUndone && this.#entries.get(key) === entry) this.#entries.delete(key);
    });
  }

  #fingerprintOf(call: IdentifiedCall): string {
    return createHmac('sha256', this.#hmacKey).update(JSON.stringify(call)).digest('base64');
  }

  #forgetOld(): void {
    const now = this.#now();
    for (const [key, entry] of this.#entries) {
      if (entry.expiresAt > now && this.#entries.size < MAX_KEYS) return;
      this.#entries.delete(key);
    }
  }
}
