/**
 * What each web origin of each user has in use at the moment, and the bounds of that. Origins without a grant share one quota, for they can be made up without
 * end. Programs of the user have none: they hold the user's own rights.
 */
import { keyOf, type WebHolder } from '../access/web-holder.ts';
import {
  BACKLOG_BYTES_PER_ORIGIN,
  BYTES_PER_TOKEN,
  CALLS_PER_ORIGIN,
  CALLS_WITHOUT_GRANT,
  CONNECTIONS_PER_ORIGIN,
  CONNECTIONS_WITHOUT_GRANT,
  ERRORS_PER_ORIGIN,
  MESSAGES_PER_ORIGIN,
  MESSAGES_WITHOUT_GRANT,
  WEB_CONNECTIONS,
} from '../api/limits.ts';
import { ApiError } from '../errors.ts';
import { TokenBucket, type Rate } from './token-bucket.ts';

export interface Bounds {
  readonly connections: number;
  readonly calls: number;
  readonly messages: Rate;
  /** Messages beyond the rate that are answered all the same, with an error. */
  readonly errors: Rate;
  readonly backlogBytes: number;
}

export const ORIGIN_BOUNDS: Bounds = {
  connections: CONNECTIONS_PER_ORIGIN,
  calls: CALLS_PER_ORIGIN,
  messages: MESSAGES_PER_ORIGIN,
  errors: ERRORS_PER_ORIGIN,
  backlogBytes: BACKLOG_BYTES_PER_ORIGIN,
};

const UNGRANTED_BOUNDS: Bounds = {
  connections: CONNECTIONS_WITHOUT_GRANT,
  calls: CALLS_WITHOUT_GRANT,
  messages: MESSAGES_WITHOUT_GRANT,
  errors: MESSAGES_WITHOUT_GRANT,
  backlogBytes: BACKLOG_BYTES_PER_ORIGIN,
};

/** `flood`: it went on although it was told. */
export type Verdict = 'ok' | 'over' | 'flood';

/** What one origin of one user has in use. */
export class Quota {
  readonly bounds: Bounds;
  connections = 0;
  backlogBytes = 0;
  #calls = 0;
  readonly #messages: TokenBucket;
  readonly #errors: TokenBucket;

  constructor(bounds: Bounds, now?: () => number) {
    this.bounds = bounds;
    this.#messages = new TokenBucket(bounds.messages, now);
    this.#errors = new TokenBucket(bounds.errors, now);
  }

  /** A message came. Long ones count for several. */
  takeMessage(lengthBytes: number): Verdict {
    if (this.#messages.take(1 + Math.floor(lengthBytes / BYTES_PER_TOKEN))) return 'ok';
    return this.#errors.take(1) ? 'over' : 'flood';
  }

  /** Counts one call in; false when it is one too many, and then it is not counted. */
  beginCall(): boolean {
    if (this.#calls >= this.bounds.calls) return false;
    this.#calls++;
    return true;
  }

  endCall(): void {
    this.#calls--;
  }

  get isIdle(): boolean {
    return this.connections === 0 && this.#calls === 0 && this.#messages.isFull && this.#errors.isFull;
  }
}

export class Quotas {
  readonly #quotas = new Map<string, Quota>();
  readonly #now: (() => number) | undefined;
  #connections = 0;

  constructor(now?: () => number) {
    this.#now = now;
  }

  /** Kept for as long as it makes a difference. Its user must be known for certain: the key is what nobody can take from another. */
  of(holder: WebHolder, hasGrant: boolean): Quota {
    const key = hasGrant ? keyOf(holder) : holder.user;
    let quota = this.#quotas.get(key);
    if (!quota) {
      quota = new Quota(hasGrant ? ORIGIN_BOUNDS : UNGRANTED_BOUNDS, this.#now);
      this.#quotas.set(key, quota);
    }
    return quota;
  }

  /** Counts a connection in. Throws too_many_calls. */
  connect(quota: Quota): void {
    const { connections } = quota.bounds;
    if (quota.connections >= connections) throw tooMany('connections of this origin are open', connections);
    if (this.#connections >= WEB_CONNECTIONS) throw tooMany('connections of web pages are open', WEB_CONNECTIONS);
    quota.connections++;
    this.#connections++;
  }

  disconnect(quota: Quota): void {
    quota.connections--;
    this.#connections--;
  }

  /** To be called now and then. */
  forgetIdle(): void {
    for (const [key, quota] of this.#quotas) if (quota.isIdle) this.#quotas.delete(key);
  }

  get size(): number {
    return this.#quotas.size;
  }
}

export function tooMany(what: string, limit: number): ApiError {
  return new ApiError('too_many_calls', `calling: ${limit} ${what}`, { limit });
}

export function tooManyMessages({ bounds }: Quota): ApiError {
  return tooMany('messages a second are what this origin may send', bounds.messages.perSecond);
}

export function tooManyCalls({ bounds }: Quota): ApiError {
  return tooMany('calls of this origin are under way', bounds.calls);
}
