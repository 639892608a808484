/**
 * The connection to kortd: opened with the published client, opened again when it was lost, and calls over it. A page holds no token and no key; it asks for its scopes,
 * and a policy of the administrator or a person at the desk gives them.
 */
import { ConnectionError, connect, type Client, type EventHandlers } from '../../../api-spec/client/client.ts';
import type { MethodName, Params, Result } from '../../../api-spec/methods/index.ts';
import type { Scope } from '../../../api-spec/scopes.ts';

/** Told apart by its name. */
export type DeskEvent = Parameters<EventHandlers['onEvent']>[0];

export type Link =
  | { readonly state: 'connecting'; readonly code?: string }
  | { readonly state: 'connected' }
  /** `isFinal`: trying again by itself would not help. */
  | { readonly state: 'lost'; readonly error: ConnectionError; readonly isFinal: boolean };

export interface KortdOptions {
  readonly url: string;
  readonly scopes: readonly Scope[];
  /** Shown to the person who is asked for consent. */
  readonly reason: string;
  readonly onLink: (link: Link) => void;
  readonly onEvent: (event: DeskEvent) => void;
}

/** These pass by themselves: kortd is started again, or was busy. */
const PASSING = new Set(['closed', 'not-running', 'timeout']);
const RETRY_MS = 2_000;

export class Kortd {
  readonly #options: KortdOptions;
  #client: Client | undefined;

  constructor(options: KortdOptions) {
    this.#options = options;
  }

  /** Resolves when connected, or when only a person can help. */
  async open(): Promise<void> {
    const { url, scopes, reason, onLink, onEvent } = this.#options;
    onLink({ state: 'connecting' });
    try {
      const client = await connect({ url, scopes, reason, onCode: (code) => onLink({ state: 'connecting', code }) });
      // Whatever came before is read anew, so nothing needs to be replayed.
      await client.subscribe({ onEvent, onGap: () => onLink({ state: 'connected' }) });
      this.#client = client;
      onLink({ state: 'connected' });
      void client.closed.then((error) => this.#lost(error));
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      this.#lost(error);
    }
  }

  /** Rejects with CallError, ConnectionError, or the signal's reason. */
  async call<N extends MethodName>(method: N, params: Params<N>, signal?: AbortSignal): Promise<Result<N>> {
    if (!this.#client) throw new ConnectionError('closed', `calling ${method}: not connected`);
    const result: unknown = await this.#client.callByName(method, params, signal ? { signal } : {});
    return result as Result<N>;
  }

  #lost(error: ConnectionError): void {
    const isFinal = !PASSING.has(error.reason);
    this.#options.onLink({ state: 'lost', error, isFinal });
    if (!isFinal) setTimeout(() => void this.open(), RETRY_MS);
  }
}
