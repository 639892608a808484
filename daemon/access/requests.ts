/**
 * Requests of origins that want access and wait for a person's answer. A page cannot wear a person down: one request at a time for each
 * origin, few in a minute, few in all, and three refusals silence the origin for a while.
 */
import { randomInt } from 'node:crypto';
import type { Scope } from '../../api-spec/scopes.ts';
import { ACCESS_CODE } from '../../api-spec/wire.ts';
import { ApiError } from '../errors.ts';
import { keyOf, type WebHolder } from './web-holder.ts';

export const REFUSALS_TO_SILENCE = 3;
export const SILENCE_MS = 10 * 60_000;
/** Requests of one origin within a minute, those that it gave up itself included. */
export const REQUESTS_PER_MINUTE = 6;
const MINUTE_MS = 60_000;
const MAX_PENDING = 16;
/** Origins whose past is remembered; the one that asked longest ago is forgotten first. */
const MAX_REMEMBERED = 1_024;

export interface WantedAccess extends WebHolder {
  readonly scopes: readonly Scope[];
  readonly reason: string | undefined;
  /** The page's own, which it shows; made up unless it is given. */
  readonly code?: string | undefined;
}

export interface AccessRequest extends Omit<WantedAccess, 'code'> {
  /** Shown to the person and on the page, so that both know which request is meant. */
  readonly code: string;
  readonly requestedAt: number;
}

export type RequestOutcome = 'approved' | 'denied' | 'withdrawn';

export interface RequestOptions {
  readonly signal: AbortSignal;
  /** Hears of the request as soon as it stands; `settled` fires when it does no longer, whatever became of it. */
  readonly onRequest: (request: AccessRequest, settled: AbortSignal) => void;
  /** What became of it. */
  readonly onSettled?: (request: AccessRequest, outcome: RequestOutcome) => void;
}

interface Pending {
  readonly request: AccessRequest;
  readonly decide: (approved: boolean) => void;
}

interface Past {
  refusals: number;
  silentUntil: number;
  /** Times of the latest requests. */
  requests: readonly number[];
}

export class AccessRequests {
  readonly #pending = new Map<string, Pending>();
  readonly #pasts = new Map<string, Past>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  list(): readonly AccessRequest[] {
    return [...this.#pending.values()].map(({ request }) => request);
  }

  /**
   * Waits for the person; resolves with the answer. Rejects with access_silenced, too_many_calls, or the signal's reason: a request dies with
   * its caller.
   */
  async ask(wanted: WantedAccess, options: RequestOptions): Promise<boolean> {
    const past = this.#pastOf(wanted);
    this.#requireQuiet(wanted, past);
    const isWaiting = this.list().some((request) => keyOf(request) === keyOf(wanted));
    if (isWaiting || this.#pending.size >= MAX_PENDING) {
      throw new ApiError('too_many_calls', `requesting access for ${wanted.origin}: a request waits already`, {
        limit: isWaiting ? 1 : MAX_PENDING,
      });
    }
    options.signal.throwIfAborted();
    past.requests = [...past.requests, this.#now()];
    const { origin, user, scopes, reason, code = this.#newCode() } = wanted;
    if (this.#pending.has(code))
      throw new ApiError('invalid_params', `requesting access for ${origin}: the code is taken`, { problem: 'code is taken' });
    const request: AccessRequest = { origin, user, scopes, reason, code, requestedAt: this.#now() };
    const approved = await this.#wait(request, options);
    if (approved) this.#pasts.delete(keyOf(wanted));
    else this.#noteRefusal(past);
    return approved;
  }

  /** Throws not_found for a code that nobody waits under. */
  decide(code: string, approved: boolean): AccessRequest {
    const pending = this.#pending.get(code.toUpperCase());
    if (!pending) throw new ApiError('not_found', 'deciding on access: none waits under this code', { what: 'access request' });
    pending.decide(approved);
    return pending.request;
  }

  async #wait(request: AccessRequest, { signal, onRequest, onSettled }: RequestOptions): Promise<boolean> {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    const settled = new AbortController();
    const giveUp = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', giveUp, { once: true });
    this.#pending.set(request.code, { request, decide: resolve });
    let outcome: RequestOutcome = 'withdrawn';
    try {
      onRequest(request, settled.signal);
      const approved = await promise;
      outcome = approved ? 'approved' : 'denied';
      return approved;
    } finally {
      this.#pending.delete(request.code);
      signal.removeEventListener('abort', giveUp);
      settled.abort(new ApiError('call_cancelled', 'asking for consent: the request is settled'));
      onSettled?.(request, outcome);
    }
  }

  #requireQuiet({ origin }: WantedAccess, past: Past): void {
    const now = this.#now();
    past.requests = past.requests.filter((time) => time > now - MINUTE_MS);
    const [oldest = now] = past.requests;
    const tooMany = past.requests.length >= REQUESTS_PER_MINUTE ? oldest + MINUTE_MS : 0;
    const until = Math.max(past.silentUntil, tooMany);
    if (until <= now) return;
    const why = past.silentUntil > now ? `it was refused ${REFUSALS_TO_SILENCE} times` : 'it asked too often';
    throw new ApiError('access_silenced', `requesting access for ${origin}: ${why}`, { waitMs: until - now });
  }

  #noteRefusal(past: Past): void {
    past.refusals++;
    if (past.refusals < REFUSALS_TO_SILENCE) return;
    past.refusals = 0;
    past.silentUntil = this.#now() + SILENCE_MS;
  }

  #pastOf(holder: WebHolder): Past {
    const key = keyOf(holder);
    const past = this.#pasts.get(key) ?? { refusals: 0, silentUntil: 0, requests: [] };
    this.#pasts.delete(key);
    this.#pasts.set(key, past);
    const [oldest] = this.#pasts.keys();
    if (this.#pasts.size > MAX_REMEMBERED && oldest !== undefined) this.#pasts.delete(oldest);
    return past;
  }

  #newCode(): string {
    for (;;) {
      const { alphabet, length } = ACCESS_CODE;
      const code = Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('');
      if (!this.#pending.has(code)) return code;
    }
  }
}
