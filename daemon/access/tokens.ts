/**
 * Access tokens of web origins: random, short-lived, good for one origin alone. Only their hash is kept, and nothing of them survives the
 * process. A token opens connections and REST calls of its origin until it expires or its grant is revoked.
 */
import { createHash, randomBytes } from 'node:crypto';

export const TOKEN_LIFETIME_MS = 10 * 60_000;
/** Tokens that may live at once: more is a page gone wild, and its oldest one goes. */
const MAX_TOKENS_PER_ORIGIN = 32;

interface IssuedToken {
  readonly origin: string;
  readonly expiresAt: number;
}

export class AccessTokens {
  readonly #byHash = new Map<string, IssuedToken>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  issue(origin: string): { readonly token: string; readonly expiresInMs: number } {
    this.#forgetExpired();
    const held = [...this.#byHash].filter(([, issued]) => issued.origin === origin);
    for (const [hash] of held.slice(0, Math.max(0, held.length - MAX_TOKENS_PER_ORIGIN + 1))) this.#byHash.delete(hash);
    const token = randomBytes(32).toString('base64url');
    this.#byHash.set(hashOf(token), { origin, expiresAt: this.#now() + TOKEN_LIFETIME_MS });
    return { token, expiresInMs: TOKEN_LIFETIME_MS };
  }

  /** True for a token of this very origin that has not expired. */
  accepts(token: string, origin: string): boolean {
    const issued = this.#byHash.get(hashOf(token));
    return issued !== undefined && issued.origin === origin && issued.expiresAt > this.#now();
  }

  revoke(origin: string): void {
    for (const [hash, issued] of this.#byHash) if (issued.origin === origin) this.#byHash.delete(hash);
  }

  #forgetExpired(): void {
    for (const [hash, issued] of this.#byHash) if (issued.expiresAt <= this.#now()) this.#byHash.delete(hash);
  }
}

/** A look-up by hash takes the same time for every wrong token. */
function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}
