/** One call, as data. REST, WebSocket, documents and types all come from it. */
import type { Static, TSchema } from 'typebox';
import type { ErrorCode } from './errors.ts';
import type { Scope } from './scopes.ts';

/** Parameters that are secrets: strings on the wire, wiped bytes inside, and only with the scope `pin.direct`. */
export const SECRET_PARAMS = ['managementKey', 'newPin', 'newPuk', 'pin', 'puk'] as const;
export type SecretParam = (typeof SECRET_PARAMS)[number];

export interface ApiMethod<P extends TSchema = TSchema, R extends TSchema = TSchema> {
  readonly summary: string;
  /** Phrases that begin an error's text: "Verifying the PIN" failed. */
  readonly attempt: { readonly en: string; readonly sv: string };
  /** API version that brought it. */
  readonly since: number;
  /** Right required. Absent: everybody who is let in may, for it concerns their own connection alone. */
  readonly scope?: Scope;
  /** Absent: a call that has a meaning only on a WebSocket. */
  readonly rest?: { readonly verb: 'GET' | 'POST' | 'DELETE'; readonly path: string };
  /** Deadline when the caller names none. */
  readonly timeoutMs?: number;
  /** What each item of this parameter, a list, adds to that deadline, and to the longest one that a caller may name. */
  readonly timeoutPerItem?: { readonly param: string; readonly timeoutMs: number };
  readonly params: P;
  readonly result: R;
  /** Beyond COMMON_ERRORS. */
  readonly errors: readonly ErrorCode[];
}

export const DEFAULT_TIMEOUT_MS = 30_000;
/** Of calls that may have to ask a person for a PIN: a minute for the prompt, and the card's own time. */
export const PERSON_TIMEOUT_MS = 90_000;
export const MAX_TIMEOUT_MS = 300_000;

/** Keeps the schemas' types. */
export function defineMethod<const P extends TSchema, const R extends TSchema>(method: ApiMethod<P, R>): ApiMethod<P, R> {
  return method;
}

export type ParamsOf<M extends ApiMethod> = Static<M['params']>;
export type ResultOf<M extends ApiMethod> = Static<M['result']>;
