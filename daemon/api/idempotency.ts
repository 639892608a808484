/** A call with an idempotency key is done once: its repetition, also one that comes while the first runs, gets the first one's outcome. */
import { createHmac, randomBytes } from 'node:crypto';
import { ApiError } from '../errors.ts';

const KEEP_MS = 10 * 60_000;
const MAX_KEYS = 1_000;

interface Entry {
  readonly fingerprint: string;
  readonly outcome: Promise<unknown>;
  readonly expiresAt: number;
}

export class IdempotencyKeys {
  readonly #entries = new Map<string, Entry>();
  /** Parameters can hold a PIN: what is kept of them is keyed with bytes that die with the process. */
  readonly #hmacKey = randomBytes(32);

  /** Throws idempotency_conflict when the key was used with other parameters. */
  async once(
    key: string,
    call: { readonly name: string; readonly params: unknown },
    run: () => Promise<unknown>,
  ): Promise<unknown> {
    const fingerprint = createHmac('sha256', this.#hmacKey).update(JSON.stringify(call)).digest('base64');
    this.#forgetOld();
    const known = this.#entries.get(key);
    if (known && known.fingerprint !== fingerprint) {
      throw new ApiError('idempotency_conflict', `calling ${call.name}: the idempotency key belongs to another call`);
    }
    if (known) return await known.outcome;
    const outcome = run();
    this.#entries.set(key, { fingerprint, outcome, expiresAt: Date.now() + KEEP_MS });
    return await outcome;
  }

  #forgetOld(): void {
    const now = Date.now();
    for (const [key, entry] of this.#entries) {
      if (entry.expiresAt > now && this.#entries.size < MAX_KEYS) return;
      this.#entries.delete(key);
    }
  }
}
