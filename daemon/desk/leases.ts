/**
 * A lease keeps a card for the calls of one caller while nothing is held at the reader itself. It lives by being extended, as by a heartbeat, and not for
 * ever. It ends by release, by time, with its connection, and with the card. Its number (fence) grows, so that a late call of an earlier holder can be
 * told apart.
 */
import { randomUUID } from 'node:crypto';
import { ApiError } from '../errors.ts';
import type { CardRecord, Lease } from './records.ts';

export const DEFAULT_LEASE_MS = 15_000;
export const MAX_LEASE_MS = 60_000;
/** However often it is extended: others must get their turn. */
export const MAX_LEASE_LIFE_MS = 10 * 60_000;

export interface LeaseRequest {
  readonly caller: string;
  readonly holder: string;
  readonly purpose?: string;
  readonly durationMs?: number;
  /** The lease to extend. */
  readonly lease?: string;
}

export class Leases {
  readonly #cards = new Map<string, CardRecord>();
  /** Those who wait for a card's lease to end. */
  readonly #waiting = new Map<CardRecord, Set<(value: undefined) => void>>();
  readonly #changed: (card: CardRecord) => void;

  /** `changed` hears of every card whose lease began or ended. */
  constructor(changed: (card: CardRecord) => void) {
    this.#changed = changed;
  }

  /** Throws card_busy when another holds the card, lease_invalid for a lease that has ended, or has lived as long as one may. */
  grant(card: CardRecord, request: LeaseRequest): Lease {
    this.check(card, request.lease);
    const now = Date.now();
    const grantedAt = card.lease?.grantedAt ?? now;
    const durationMs = Math.min(request.durationMs ?? DEFAULT_LEASE_MS, MAX_LEASE_MS, grantedAt + MAX_LEASE_LIFE_MS - now);
    const id = request.lease ?? randomUUID();
    if (card.lease) clearTimeout(card.lease.timer);
    else card.fence++;
    const timer = setTimeout(() => this.#end(card, id), durationMs);
    timer.unref();
    const { caller, holder, purpose } = request;
    const expiresAt = new Date(now + durationMs);
    card.lease = { id, fence: card.fence, caller, holder, purpose, grantedAt, expiresAt, timer };
    this.#cards.set(id, card);
    this.#changed(card);
    return card.lease;
  }

  /** Lets a call pass that names the card's lease, or a card without one. */
  check(card: CardRecord, lease: string | undefined): void {
    if (lease !== undefined && card.lease?.id !== lease) {
      throw new ApiError('lease_invalid', `using card ${card.id}: the lease is not in force for it`);
    }
    if (card.lease && card.lease.id !== lease) {
      const { holder, purpose } = card.lease;
      throw new ApiError('card_busy', `using card ${card.id}: it is leased`, {
        holder: purpose === undefined ? holder : `${holder} (${purpose})`,
      });
    }
  }

  /** Resolves when nobody has a lease of the card: at once, or when it ends. Rejects with the signal's reason when that fires first. */
  async free(card: CardRecord, signal: AbortSignal): Promise<void> {
    while (card.lease) {
      signal.throwIfAborted();
      const { promise, resolve, reject } = Promise.withResolvers<undefined>();
      const giveUp = (): void => reject(signal.reason);
      const waiting = this.#waiting.get(card) ?? new Set();
      this.#waiting.set(card, waiting.add(resolve));
      signal.addEventListener('abort', giveUp, { once: true });
      try {
        await promise;
      } finally {
        signal.removeEventListener('abort', giveUp);
        waiting.delete(resolve);
        if (waiting.size === 0) this.#waiting.delete(card);
      }
    }
  }

  release(lease: string): void {
    const card = this.#cards.get(lease);
    if (!card) throw new ApiError('lease_invalid', 'releasing a lease: there is none with this id');
    this.#end(card, lease);
  }

  /** Ends every lease of a caller that went away. */
  releaseAll(caller: string): void {
    for (const [id, card] of this.#cards) if (card.lease?.caller === caller) this.#end(card, id);
  }

  /** Ends the lease of a card that went away. */
  drop(card: CardRecord): void {
    if (!card.lease) return;
    clearTimeout(card.lease.timer);
    this.#cards.delete(card.lease.id);
    card.lease = undefined;
    for (const resolve of this.#waiting.get(card) ?? []) resolve(undefined);
  }

  #end(card: CardRecord, lease: string): void {
    if (card.lease?.id !== lease) return;
    this.drop(card);
    this.#changed(card);
  }
}
