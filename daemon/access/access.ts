/** Access of web origins, put together: policy and consent, tokens, requests that wait, and the connections that end when a grant does. */
import { join } from 'node:path';
import type { Publish } from '../desk/desk.ts';
import type { Scope } from '../../api-spec/scopes.ts';
import { ApiError } from '../errors.ts';
import type { Log } from '../log.ts';
import { PromptCancelledError } from '../prompt/errors.ts';
import type { PromptDesk } from '../prompt/prompt-desk.ts';
import { ACCESS_FILE, Grants, type Grant } from './grants.ts';
import { parseOrigin } from './origin.ts';
import { readPolicy, type Policy } from './policy.ts';
import { AccessRequests, type AccessRequest, type WantedAccess } from './requests.ts';
import { AccessTokens } from './tokens.ts';
import type { WebHolder } from './web-holder.ts';

/** How often connections are closed whose grant ended by time. */
const SWEEP_MS = 30_000;

export interface AccessOptions {
  readonly dataFolder: string;
  readonly policyFolder: string;
  readonly log: Log;
  readonly publish: Publish;
  readonly prompts: PromptDesk;
  /** How long consent lasts, as the configuration has it at this moment. */
  readonly consentDays?: () => number;
  readonly now?: () => number;
}

interface Connection {
  readonly holder: WebHolder;
  readonly close: () => void;
}

export class Access implements Disposable {
  #policy: Policy;
  readonly #options: AccessOptions;
  readonly #grants: Grants;
  readonly #tokens: AccessTokens;
  readonly #requests: AccessRequests;
  readonly #connections = new Set<Connection>();
  readonly #sweep: NodeJS.Timeout;

  constructor(options: AccessOptions) {
    const now = options.now ?? Date.now;
    this.#options = options;
    this.#policy = this.#readPolicy();
    this.#grants = new Grants(join(options.dataFolder, ACCESS_FILE), () => this.#policy, {
      now,
      consentDays: options.consentDays,
    });
    this.#tokens = new AccessTokens(now);
    this.#requests = new AccessRequests(now);
    this.#sweep = setInterval(() => this.#closeUngranted(), SWEEP_MS).unref();
  }

  get policy(): Policy {
    return this.#policy;
  }

  /** Reads the policy files anew and changes nothing. */
  prepare(): Policy {
    return readPolicy(this.#options.policyFolder);
  }

  /** What `prepare` gave. Connections of origins that lost their grant are closed. */
  apply(policy: Policy): void {
    this.#policy = policy;
    this.#closeUngranted();
    this.#options.publish('access.changed', {});
  }

  /** The origin as it can hold a grant. Throws origin_refused with the reason: the same for all that is plugged in. */
  parse(text: string): string {
    const parsed = parseOrigin(text, this.#policy.rules);
    if ('refusal' in parsed) throw new ApiError('origin_refused', `checking the Origin header: ${parsed.refusal}`);
    return parsed.origin;
  }

  /** Some user has granted the origin something. */
  knows(origin: string): boolean {
    return this.#grants.knows(origin);
  }

  scopesOf(holder: WebHolder): ReadonlySet<Scope> {
    return this.#grants.scopesOf(holder);
  }

  acceptsToken(token: string, holder: WebHolder): boolean {
    return this.#tokens.accepts(token, holder);
  }

  /** For a WebSocket: each token opens one. */
  claimToken(token: string, holder: WebHolder): boolean {
    return this.#tokens.claim(token, holder);
  }

  /** Resolves with a token once the origin may do all that it wants: at once when it has a grant, else when a person consents. */
  async request(
    wanted: WantedAccess,
    signal: AbortSignal,
  ): Promise<{ readonly token: string; readonly expiresInMs: number; readonly scopes: readonly Scope[] }> {
    const { origin, scopes } = wanted;
    const held = this.#grants.scopesOf(wanted);
    if (!scopes.every((scope) => held.has(scope))) {
      const approved = await this.#requests.ask(wanted, {
        signal,
        onRequest: (request, settled) => {
          this.#announce(request);
          void this.#askPerson(request, settled);
        },
        onSettled: ({ code }, outcome) => this.#options.publish('access.settled', { code, origin, outcome }),
      });
      if (!approved) throw new ApiError('access_denied', `requesting access for ${origin}: the person refused`);
      this.#grants.consent(wanted, scopes);
      this.#options.publish('access.changed', { origin });
    }
    this.#grants.noteUse(wanted);
    return { ...this.#tokens.issue(wanted), scopes: [...this.#grants.scopesOf(wanted)].sort() };
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
    for (const connection of this.#connections) if (connection.holder.origin === origin) connection.close();
    if (revoked) {
      this.#options.publish('access.changed', { origin });
      return;
    }
    const byPolicy = this.#grants.list().find((grant) => grant.origin === origin);
    if (!byPolicy) throw new ApiError('not_found', `revoking access: ${origin} holds no grant`, { what: 'grant' });
    throw new ApiError('policy_grant', `revoking access: a policy file grants it to ${origin}`, { origin });
  }

  /** `close` is called when the holder's grant ends; dispose of the result when the connection is gone. */
  addConnection(holder: WebHolder, close: () => void): Disposable {
    const connection: Connection = { holder, close };
    this.#connections.add(connection);
    return { [Symbol.dispose]: () => void this.#connections.delete(connection) };
  }

  [Symbol.dispose](): void {
    clearInterval(this.#sweep);
    this.#grants[Symbol.dispose]();
  }

  #readPolicy(): Policy {
    const policy = readPolicy(this.#options.policyFolder);
    for (const { file, problem } of policy.problems)
      this.#options.log.error({ file, problem }, 'a policy file was refused whole');
    return policy;
  }

  #closeUngranted(): void {
    for (const { holder, close } of this.#connections) if (this.#grants.scopesOf(holder).size === 0) close();
  }

  #announce({ code, origin, scopes, reason }: AccessRequest): void {
    const because = reason === undefined ? {} : { reason };
    this.#options.publish('access.requested', { code, origin, scopes: [...scopes], ...because });
  }

  /** In the trusted prompt, as soon as there is a place for one. What goes wrong with it leaves the request to the command line. */
  async #askPerson(request: AccessRequest, settled: AbortSignal): Promise<void> {
    const { prompts, log } = this.#options;
    const { code, origin, user, scopes, reason } = request;
    const because = reason === undefined ? {} : { reason };
    const prompt = { kind: 'consent', asker: { kind: 'origin', name: origin }, scopes, code, ...because } as const;
    try {
      await prompts.whenPlace(user, settled);
      const nothingTyped = await prompts.ask(prompt, { user, signal: settled });
      nothingTyped[Symbol.dispose]();
      this.#requests.decide(code, true);
    } catch (error) {
      if (settled.aborted) return;
      if (error instanceof PromptCancelledError) this.#requests.decide(code, false);
      else
        log.info({ problem: error instanceof Error ? error.message : String(error) }, 'a person could not be asked for consent');
    }
  }
}
