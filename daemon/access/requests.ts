/**
 * Requests of origins that want access and wait for a person's answer. A page cannot wear a person down: one request at a time for each
 * origin, few in all, and three refusals silence the origin for a while.
 */
import { randomInt } from 'node:crypto';
import type { Scope } from '../../api-spec/scopes.ts';
import { ApiError } from '../errors.ts';

export const REFUSALS_TO_SILENCE = 3;
export const SILENCE_MS = 10 * 60_000;
const MAX_PENDING = 16;
/** Letters and digits that are not mistaken for each other. */
const CODE_ALPHABET = 'ABCDEFGHJKMNPQRSTUVWXYZ23456789';
const CODE_LENGTH = 6;

export interface AccessRequest {
  /** Shown to the person and on the page, so that both know which request is meant. */
  readonly code: string;
  readonly origin: string;
  readonly scopes: readonly Scope[];
  readonly reason: string | undefined;
  readonly requestedAt: number;
}

interface Pending {
  readonly request: AccessRequest;
  readonly decide: (approved: boolean) => void;
}

interface Refusals {
  readonly count: number;
  readonly silentUntil: number;
}

export class AccessRequests {
  readonly #pending = new Map<string, Pending>();
  readonly #refusals = new Map<string, Refusals>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  list(): readonly AccessRequest[] {
    return [...this.#pending.values()].map(({ request }) => request);
  }

  /**
   * Waits for the person; resolves with the answer. Rejects with access_silenced, too_many_calls, or the signal's reason: a request dies with
   * its caller. `onRequest` hears of the request as soon as it stands.
   */
  async ask(
    wanted: { readonly origin: string; readonly scopes: readonly Scope[]; readonly reason: string | undefined },
    options: { readonly signal: AbortSignal; readonly onRequest: (request: AccessRequest) => void },
  ): Promise<boolean> {
    const { origin } = wanted;
    const silentUntil = this.#refusals.get(origin)?.silentUntil ?? 0;
    if (silentUntil > this.#now()) {
      throw new ApiError('access_silenced', `requesting access for ${origin}: it was refused ${REFUSALS_TO_SILENCE} times`, {
        waitMs: silentUntil - this.#now(),
      });
    }
    const isWaiting = this.list().some((request) => request.origin === origin);
    if (isWaiting || this.#pending.size >= MAX_PENDING) {
      throw new ApiError('too_many_calls', `requesting access for ${origin}: a request waits already`, {
        limit: isWaiting ? 1 : MAX_PENDING,
      });
    }
    options.signal.throwIfAborted();
    const request: AccessRequest = { ...wanted, code: this.#newCode(), requestedAt: this.#now() };
    const approved = await this.#wait(request, options);
    if (approved) this.#refusals.delete(origin);
    else this.#noteRefusal(origin);
    return approved;
  }

  /** Throws not_found for a code that nobody waits under. */
  decide(code: string, approved: boolean): AccessRequest {
    const pending = this.#pending.get(code.toUpperCase());
    if (!pending)
      throw new ApiError('not_found', 'deciding on a request for access: none waits under this code', { what: 'access request' });
    pending.decide(approved);
    return pending.request;
  }

  async #wait(
    request: AccessRequest,
    { signal, onRequest }: { readonly signal: AbortSignal; readonly onRequest: (request: AccessRequest) => void },
  ): Promise<boolean> {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    const giveUp = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', giveUp, { once: true });
    this.#pending.set(request.code, { request, decide: resolve });
    try {
      onRequest(request);
      return await promise;
    } finally {
      this.#pending.delete(request.code);
      signal.removeEventListener('abort', giveUp);
    }
  }

  #noteRefusal(origin: string): void {
    const count = (this.#refusals.get(origin)?.count ?? 0) + 1;
    const isSilenced = count >= REFUSALS_TO_SILENCE;
    this.#refusals.set(origin, { count: isSilenced ? 0 : count, silentUntil: isSilenced ? this.#now() + SILENCE_MS : 0 });
  }

  #newCode(): string {
    for (;;) {
      const code = Array.from({ length: CODE_LENGTH }, () => CODE_ALPHABET[randomInt(CODE_ALPHABET.length)]).join('');
      if (!this.#pending.has(code)) return code;
    }
  }
}
