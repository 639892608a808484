/**
 * Access tokens of web origins: random, short-lived, good for one origin of one user alone, and for one WebSocket. Only their hash is kept, and nothing of
 * them survives the process. A token serves REST calls of its origin until it expires or its grant is revoked.
 */
import { createHash, randomBytes } from 'node:crypto';
import { keyOf, type WebHolder } from './web-holder.ts';

export const TOKEN_LIFETIME_MS = 10 * 60_000;
/** Tokens that may live at once: more is a page gone wild, and its oldest one goes. */
const MAX_TOKENS_PER_HOLDER = 32;

interface IssuedToken {
  readonly holder: string;
  readonly origin: string;
  readonly expiresAt: number;
  /** It has opened its WebSocket. */
  isClaimed: boolean;
}

export class AccessTokens {
  readonly #byHash = new Map<string, IssuedToken>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  issue(holder: WebHolder): { readonly token: string; readonly expiresInMs: number } {
    this.#forgetExpired();
    const key = keyOf(holder);
    const held = [...this.#byHash].filter(([, issued]) => issued.holder === key);
    for (const [hash] of held.slice(0, Math.max(0, held.length - MAX_TOKENS_PER_HOLDER + 1))) this.#byHash.delete(hash);
    const token = randomBytes(32).toString('base64url');
    const expiresAt = this.#now() + TOKEN_LIFETIME_MS;
    this.#byHash.set(hashOf(token), { holder: key, origin: holder.origin, expiresAt, isClaimed: false });
    return { token, expiresInMs: TOKEN_LIFETIME_MS };
  }

  /** True for a token of this very holder that has not expired. */
  accepts(token: string, holder: WebHolder): boolean {
    return this.#find(token, holder) !== undefined;
  }

  /** As `accepts`, for a WebSocket: true once for each token. */
  claim(token: string, holder: WebHolder): boolean {
    const issued = this.#find(token, holder);
    if (!issued || issued.isClaimed) return false;
    issued.isClaimed = true;
    return true;
  }

  revoke(origin: string): void {
    for (const [hash, issued] of this.#byHash) if (issued.origin === origin) this.#byHash.delete(hash);
  }

  #find(token: string, holder: WebHolder): IssuedToken | undefined {
    const issued = this.#byHash.get(hashOf(token));
    return issued !== undefined && issued.holder === keyOf(holder) && issued.expiresAt > this.#now() ? issued : undefined;
  }

  #forgetExpired(): void {
    for (const [hash, issued] of this.#byHash) if (issued.expiresAt <= this.#now()) this.#byHash.delete(hash);
  }
}

/** A look-up by hash takes the same time for every wrong token. */
function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}
