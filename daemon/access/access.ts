/** Access of web origins, put together: policy and consent, tokens, requests that wait, and the connections that end when a grant does. */
import { join } from 'node:path';
import type { Publish } from '../desk/desk.ts';
import type { Scope } from '../../api-spec/scopes.ts';
import { ApiError } from '../errors.ts';
import type { Log } from '../log.ts';
import { Grants, type Grant } from './grants.ts';
import { parseOrigin } from './origin.ts';
import { readPolicy, type Policy } from './policy.ts';
import { AccessRequests, type AccessRequest } from './requests.ts';
import { AccessTokens } from './tokens.ts';

const DATABASE_FILE = 'access.sqlite';

export interface AccessOptions {
  readonly dataFolder: string;
  readonly policyFolder: string;
  readonly log: Log;
  readonly publish: Publish;
  readonly now?: () => number;
}

export class Access implements Disposable {
  readonly #policy: Policy;
  readonly #grants: Grants;
  readonly #tokens: AccessTokens;
  readonly #requests: AccessRequests;
  readonly #publish: Publish;
  readonly #connections = new Map<string, Set<() => void>>();

  constructor(options: AccessOptions) {
    const now = options.now ?? Date.now;
    this.#policy = readPolicy(options.policyFolder);
    for (const { file, problem } of this.#policy.problems)
      options.log.error({ file, problem }, 'a policy file was refused whole');
    this.#grants = new Grants(join(options.dataFolder, DATABASE_FILE), this.#policy, now);
    this.#tokens = new AccessTokens(now);
    this.#requests = new AccessRequests(now);
    this.#publish = options.publish;
  }

  /** The origin as it can hold a grant. Throws origin_refused with the reason: the same for all that is plugged in. */
  parse(text: string): string {
    const parsed = parseOrigin(text, this.#policy.rules);
    if ('refusal' in parsed) throw new ApiError('origin_refused', `checking the Origin header: ${parsed.refusal}`);
    return parsed.origin;
  }

  scopesOf(origin: string): ReadonlySet<Scope> {
    return this.#grants.scopesOf(origin);
  }

  acceptsToken(token: string, origin: string): boolean {
    return this.#tokens.accepts(token, origin);
  }

  /** Resolves with a token once the origin may do all that it wants: at once when it has a grant, else when a person consents. */
  async request(
    wanted: { readonly origin: string; readonly scopes: readonly Scope[]; readonly reason: string | undefined },
    signal: AbortSignal,
  ): Promise<{ readonly token: string; readonly expiresInMs: number; readonly scopes: readonly Scope[] }> {
    const { origin, scopes } = wanted;
    const held = this.#grants.scopesOf(origin);
    if (!scopes.every((scope) => held.has(scope))) {
      const approved = await this.#requests.ask(wanted, { signal, onRequest: (request) => this.#announce(request) });
      if (!approved) throw new ApiError('access_denied', `requesting access for ${origin}: the person refused`);
      this.#grants.consent(origin, scopes);
    }
    this.#grants.noteUse(origin);
    return { ...this.#tokens.issue(origin), scopes: [...this.#grants.scopesOf(origin)].sort() };
  }

  list(): { readonly grants: readonly Grant[]; readonly requests: readonly AccessRequest[] } {
    return { grants: this.#grants.list(), requests: this.#requests.list() };
  }

  /** Throws not_found for a code that nobody waits under. */
  decide(code: string, approved: boolean): AccessRequest {
    return this.#requests.decide(code, approved);
  }

  /** Takes consent back and ends the origin's connections at once. Throws not_found, and policy_grant for what only a file can take back. */
  revoke(origin: string): void {
    const revoked = this.#grants.revoke(origin);
    this.#tokens.revoke(origin);
    for (const close of this.#connections.get(origin) ?? []) close();
    if (revoked) return;
    const byPolicy = this.#grants.list().find((grant) => grant.origin === origin);
    if (!byPolicy) throw new ApiError('not_found', `revoking access: ${origin} holds no grant`, { what: 'grant' });
    throw new ApiError('policy_grant', `revoking access: a policy file grants it to ${origin}`, { origin });
  }

  /** `close` is called when the origin's grant is revoked; dispose of the result when the connection is gone. */
  addConnection(origin: string, close: () => void): Disposable {
    const closers = this.#connections.get(origin) ?? new Set();
    this.#connections.set(origin, closers.add(close));
    return {
      [Symbol.dispose]: () => {
        closers.delete(close);
        if (closers.size === 0) this.#connections.delete(origin);
      },
    };
  }

  [Symbol.dispose](): void {
    this.#grants[Symbol.dispose]();
  }

  #announce({ code, origin, scopes, reason }: AccessRequest): void {
    this.#publish('access.requested', { code, origin, scopes: [...scopes], ...(reason === undefined ? {} : { reason }) });
  }
}
