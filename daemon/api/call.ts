/** One call on its way: who asks, until when, and with which secrets. */
import type { ErrorCode } from '../../api-spec/errors.ts';
import type { MethodName, Params, Result } from '../../api-spec/methods/index.ts';
import type { SecretParam } from '../../api-spec/method.ts';
import type { Scope } from '../../api-spec/scopes.ts';
import type { Secret } from '../../apdu/secret.ts';
import { ApiError } from '../errors.ts';

/** Whoever a listener let in. */
export interface Caller {
  /** One for each WebSocket, one for each REST call. */
  readonly id: string;
  /** In plain words, for others who find a card busy. */
  readonly name: string;
  /** Of a program, with its file: for the person who is asked and for the audit log. */
  readonly fullName?: string;
  /** As they stand: a grant can end while its holder is connected. */
  readonly scopes: ReadonlySet<Scope>;
  /** Of those that need a scope, the only ones it may call; all when absent. */
  readonly methods?: ReadonlySet<MethodName>;
  /** Whose program or browser it is: user id of the operating system. */
  readonly user: string;
  /** Of a web page; absent for native programs. */
  readonly origin?: string;
  /** Present on a WebSocket: what concerns the connection itself. */
  readonly connection?: CallerConnection;
}

export interface CallerConnection {
  subscribe(options: { readonly events?: readonly string[]; readonly since?: number; readonly stream?: string }): {
    readonly stream: string;
    readonly sequence: number;
  };
  unsubscribe(): void;
  cancel(id: string | number): boolean;
  /** From now on it gets what pens write on this pad, which not every caller does unasked. */
  lookOn(pad: string): void;
  lookAway(pad: string): void;
  /** The range was checked before. */
  selectVersion(version: number): void;
}

/** What a call is about, for the audit log. What is known of a card may still grow while the call runs. */
export interface CallSubject {
  readonly card?: {
    readonly serialNumber?: string;
    readonly kind?: { readonly id: string };
    readonly reader: { readonly name: string };
  };
  readonly purpose?: string;
}

export class Call {
  /** Set as soon as it is known. */
  subject: CallSubject | undefined;
  readonly method: MethodName;
  readonly caller: Caller;
  readonly timeoutMs: number;
  readonly #secrets: Map<SecretParam, Secret>;
  /** Of which PIN or PUK the person let the last try be used. */
  #lastTryOf: string | undefined;
  #wasAsked = false;
  readonly #controller = new AbortController();

  constructor(method: MethodName, caller: Caller, timeoutMs: number, secrets: ReadonlyMap<SecretParam, Secret>) {
    this.method = method;
    this.caller = caller;
    this.timeoutMs = timeoutMs;
    this.#secrets = new Map(secrets);
  }

  /** Fires at the deadline, when the caller cancels, and when the caller goes away. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  secret(name: SecretParam): Secret | undefined {
    return this.#secrets.get(name);
  }

  /** A person was asked for this call. */
  get wasAsked(): boolean {
    return this.#wasAsked;
  }

  /** What the person typed is the call's own from now on. `lastTryOf`: the PIN or PUK whose last try they let be used. */
  answer(secrets: ReadonlyMap<SecretParam, Secret>, lastTryOf: string | undefined): void {
    this.#wasAsked = true;
    this.#lastTryOf = lastTryOf;
    for (const [name, secret] of secrets) this.#secrets.set(name, secret);
    if (this.signal.aborted) this.dispose();
  }

  allowsLastTry(reference: string): boolean {
    return this.#lastTryOf === reference;
  }

  requireSecret(name: SecretParam): Secret {
    const secret = this.#secrets.get(name);
    if (!secret)
      throw new ApiError('invalid_params', `calling ${this.method}: ${name} is missing`, { problem: `${name} is missing` });
    return secret;
  }

  abort(code: Extract<ErrorCode, 'call_cancelled' | 'deadline_exceeded'>, message: string): void {
    this.#controller.abort(new ApiError(code, message, code === 'deadline_exceeded' ? { timeoutMs: this.timeoutMs } : {}));
  }

  dispose(): void {
    for (const secret of this.#secrets.values()) secret[Symbol.dispose]();
  }
}

export type PublicParams<N extends MethodName> = Omit<Params<N>, SecretParam>;
export type Handler<N extends MethodName> = (params: PublicParams<N>, call: Call) => Promise<Result<N>> | Result<N>;
/** A missing or stale handler does not compile. */
export type Handlers = { readonly [N in MethodName]: Handler<N> };
