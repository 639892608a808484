/**
 * From a method's name and JSON parameters to its result: name, scope, parameters, secrets, deadline, handler, in that order.
 * Whoever calls it has checked Host, Origin and access token. A handler can forget none of this.
 */
import { Compile, type Validator } from 'typebox/compile';
import type { ErrorCode, WireError } from '../../api-spec/errors.ts';
import { METHODS, isMethodName, type MethodName } from '../../api-spec/methods/index.ts';
import { DEFAULT_TIMEOUT_MS, MAX_TIMEOUT_MS, SECRET_PARAMS, type ApiMethod, type SecretParam } from '../../api-spec/method.ts';
import type { Scope } from '../../api-spec/scopes.ts';
import { Secret } from '../../apdu/secret.ts';
import { isAct } from '../audit/acts.ts';
import { traced, type Audit } from '../audit/trace.ts';
import { ApiError } from '../errors.ts';
import type { Log } from '../log.ts';
import { Telemetry } from '../telemetry/telemetry.ts';
import { Call, type Caller, type Handlers } from './call.ts';
import { IdempotencyKeys } from './idempotency.ts';
import { toWireError } from './wire-error.ts';

export interface CallRequest {
  readonly method: string;
  readonly params: unknown;
  readonly caller: Caller;
  readonly timeoutMs?: number | undefined;
  readonly idempotencyKey?: string | undefined;
  /** Told of the call as soon as it runs, so that it can be cancelled. */
  readonly onStart?: (call: Call) => void;
}

/** Both optional: for tests. */
export interface DispatcherOptions {
  readonly audit?: Audit;
  readonly telemetry?: Telemetry;
}

export type CallOutcome = { readonly result: unknown } | { readonly error: WireError };

type AnyHandler = (params: never, call: Call) => unknown;

export class Dispatcher {
  readonly #handlers: Readonly<Record<string, AnyHandler>>;
  readonly #log: Log;
  readonly #audit: Audit | undefined;
  readonly #telemetry: Telemetry;
  readonly #validators = new Map<MethodName, Validator>();
  readonly #idempotency = new IdempotencyKeys();
  #underWay = 0;

  constructor(handlers: Handlers, log: Log, { audit, telemetry = new Telemetry() }: DispatcherOptions = {}) {
    this.#handlers = handlers;
    this.#log = log;
    this.#audit = audit;
    this.#telemetry = telemetry;
  }

  get callsUnderWay(): number {
    return this.#underWay;
  }

  /** Never rejects. */
  call(request: CallRequest): Promise<CallOutcome> {
    const method = isMethodName(request.method) ? request.method : undefined;
    const caller = request.caller.origin === undefined ? 'program' : 'page';
    const what = { kind: 'call', name: method ?? 'unknown', caller } as const;
    return this.#telemetry.watch(what, () => this.#answer(method, request), codeOfOutcome);
  }

  async #answer(method: MethodName | undefined, request: CallRequest): Promise<CallOutcome> {
    this.#underWay++;
    try {
      return { result: await this.#checked(method, request) };
    } catch (error) {
      return { error: this.wireError(error, method) };
    } finally {
      this.#underWay--;
    }
  }

  wireError(error: unknown, method?: MethodName): WireError {
    return toWireError(error, method, (cause, incidentId) =>
      this.#log.error({ err: cause, incidentId, method }, 'a call failed unexpectedly'),
    );
  }

  async #checked(name: MethodName | undefined, request: CallRequest): Promise<unknown> {
    if (!name) throw new ApiError('method_not_found', 'looking up the method: there is none of this name');
    const method: ApiMethod = METHODS[name];
    if (method.scope) requireRight(request.caller, method.scope, name);
    if (!method.rest && !request.caller.connection)
      throw new ApiError('method_not_found', `calling ${name}: it exists only on a WebSocket`);
    const params = request.params ?? {};
    this.#requireParams(name, method, params);
    const timeoutMs = readTimeout(request.timeoutMs, method, params as Record<string, unknown>);
    const key = scopedKey(request);
    const identified = { name, params };
    const earlier = key === undefined ? undefined : this.#idempotency.find(key, identified);
    const { rest, secrets } = takeSecrets(params as Record<string, unknown>);
    if (secrets.size > 0) requireScope(request.caller, 'pin.direct', name);
    const call = new Call(name, request.caller, timeoutMs, secrets);
    const work = (): unknown => this.#handlers[name]?.(rest as never, call);
    const outcome = earlier ? this.#run(call, request, () => earlier) : this.#traced(call, request, work);
    if (key !== undefined && !earlier) this.#idempotency.keep(key, identified, outcome);
    return await outcome;
  }

  #requireParams(name: MethodName, method: ApiMethod, params: unknown): void {
    let validator = this.#validators.get(name);
    if (!validator) {
      validator = Compile(method.params);
      this.#validators.set(name, validator);
    }
    if (validator.Check(params)) return;
    const problem = firstProblem(validator, params);
    throw new ApiError('invalid_params', `checking the parameters of ${name}: ${problem}`, { problem });
  }

  /** An act is answered when its record is on the disk. */
  #traced(call: Call, request: CallRequest, work: () => unknown): Promise<unknown> {
    const run = (watched: () => unknown): Promise<unknown> => this.#run(call, request, watched);
    return this.#audit && isAct(call.method) ? traced(this.#audit, { call, work, run }) : run(work);
  }

  /** Also a repetition that waits for another call's outcome has its own deadline, and can be cancelled. */
  async #run(call: Call, request: CallRequest, work: () => unknown): Promise<unknown> {
    const timer = setTimeout(
      () => call.abort('deadline_exceeded', `calling ${call.method}: not done within ${call.timeoutMs} ms`),
      call.timeoutMs,
    );
    try {
      request.onStart?.(call);
      const done = work();
      return done instanceof Promise ? await orAborted(done, call.signal) : done;
    } finally {
      clearTimeout(timer);
      call.dispose();
    }
  }
}

function codeOfOutcome(outcome: CallOutcome): ErrorCode | undefined {
  return 'error' in outcome ? outcome.error.code : undefined;
}

/**
 * The caller is answered at once when the call is given up; what is under way with the card ends by itself, between two exchanges. A handler that
 * knows better why it ended (another program holds the card) has one turn of the event loop to say so.
 */
function orAborted<R>(done: Promise<R>, signal: AbortSignal): Promise<R> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => void setImmediate(() => reject(signal.reason as Error));
    signal.addEventListener('abort', giveUp, { once: true });
    done.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp));
  });
}

/** A key belongs to its user and origin: no page can meet another's, nor a native program's. */
function scopedKey({ idempotencyKey, caller }: CallRequest): string | undefined {
  return idempotencyKey === undefined ? undefined : `${caller.user} ${caller.origin ?? ''} ${idempotencyKey}`;
}

function requireScope(caller: Caller, scope: Scope, name: MethodName): void {
  if (!caller.scopes.has(scope))
    throw new ApiError('scope_missing', `calling ${name}: the caller lacks the scope ${scope}`, { scope });
}

function requireRight(caller: Caller, scope: Scope, name: MethodName): void {
  requireScope(caller, scope, name);
  if (caller.methods?.has(name) === false)
    throw new ApiError('scope_missing', `calling ${name}: it is not among what this caller may call`, { scope });
}

function readTimeout(timeoutMs: number | undefined, method: ApiMethod, params: Record<string, unknown>): number {
  const { param, timeoutMs: eachMs } = method.timeoutPerItem ?? { param: '', timeoutMs: 0 };
  const items = params[param];
  const moreMs = Array.isArray(items) ? items.length * eachMs : 0;
  if (timeoutMs === undefined) return (method.timeoutMs ?? DEFAULT_TIMEOUT_MS) + moreMs;
  const longestMs = MAX_TIMEOUT_MS + moreMs;
  if (Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= longestMs) return timeoutMs;
  const problem = `timeoutMs must be a whole number from 1 to ${longestMs}`;
  throw new ApiError('invalid_request', `reading the deadline: ${problem}`, { problem });
}

const secretNames: readonly SecretParam[] = SECRET_PARAMS;

/** Takes the secrets out, so that no handler, log or error can carry them by accident. */
function takeSecrets(params: Record<string, unknown>): {
  rest: Record<string, unknown>;
  secrets: ReadonlyMap<SecretParam, Secret>;
} {
  const secrets = new Map<SecretParam, Secret>();
  for (const name of secretNames) {
    const text = params[name];
    if (typeof text === 'string') secrets.set(name, Secret.fromText(text));
  }
  if (secrets.size === 0) return { rest: params, secrets };
  return {
    rest: Object.fromEntries(Object.entries(params).filter(([name]) => !secretNames.includes(name as SecretParam))),
    secrets,
  };
}

/** The field and what is wrong with it, never its value. */
function firstProblem(validator: Validator, params: unknown): string {
  const errors = validator.Errors(params);
  const error = errors.find((candidate) => candidate.keyword !== 'boolean') ?? errors[0];
  if (!error) return 'they do not fit';
  const field = error.instancePath.slice(1).replaceAll('/', '.') || 'params';
  if (error.keyword === 'additionalProperties')
    return `${field}: unknown field ${error.params.additionalProperties.join(', ')}`.slice(0, 200);
  if (error.keyword === 'required') return `${field}: ${error.params.requiredProperties.join(', ')} is missing`;
  if (error.keyword === 'pattern') return `${field} has not the form that it must have`;
  return `${field} ${error.message}`;
}
