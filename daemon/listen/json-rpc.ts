/** JSON-RPC 2.0 over one message: parsing, batches, notifications, and answers in the specification's shape. */
import { ERRORS, type ErrorDefinition, type WireError } from '../../api-spec/errors.ts';
import type { Call, Caller } from '../api/call.ts';
import type { CallOutcome, Dispatcher } from '../api/dispatcher.ts';
import { BATCH_CALLS } from '../api/limits.ts';
import { ApiError } from '../errors.ts';

export type RpcId = string | number;

export interface RpcOptions {
  readonly dispatcher: Dispatcher;
  readonly caller: Caller;
  readonly onStart: (id: RpcId, call: Call) => void;
  readonly onEnd: (id: RpcId) => void;
  /** Counts one call in; the error when it is one too many, which is then its answer. */
  readonly begin: () => ApiError | undefined | Promise<ApiError | undefined>;
  /** Counts out again what was counted in. */
  readonly end: () => void;
}

interface RpcRequest {
  readonly id: RpcId | undefined;
  readonly method: string;
  readonly params: unknown;
  readonly timeoutMs: number | undefined;
  readonly idempotencyKey: string | undefined;
}

/** -32000: an error of the application (JSON-RPC 2.0, section 5.1, "Server error"). */
const SERVER_ERROR = -32_000;
/** Most characters of an id or an idempotency key. */
const MAX_ID = 128;

/** Resolves with the answer's JSON text; undefined when there is nothing to answer (notifications). Never rejects. */
export async function answerMessage(text: string, options: RpcOptions): Promise<string | undefined> {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch (error) {
    return encode(null, {
      error: options.dispatcher.wireError(new ApiError('invalid_json', 'parsing a message: not JSON', {}, { cause: error })),
    });
  }
  if (!Array.isArray(message)) return await answerOne(message, options);
  if (message.length === 0 || message.length > BATCH_CALLS)
    return encode(null, { error: options.dispatcher.wireError(invalid(`a batch holds 1 to ${BATCH_CALLS} calls`)) });
  const answers = await Promise.all(message.map((one) => answerOne(one, options)));
  const given = answers.filter((answer) => answer !== undefined);
  return given.length > 0 ? `[${given.join(',')}]` : undefined;
}

async function answerOne(message: unknown, options: RpcOptions): Promise<string | undefined> {
  let request: RpcRequest;
  try {
    request = readRequest(message);
  } catch (error) {
    return encode(idOf(message) ?? null, { error: options.dispatcher.wireError(error) });
  }
  const { id } = request;
  const begun = options.begin();
  const refusal = begun instanceof Promise ? await begun : begun;
  if (refusal) return id === undefined ? undefined : encode(id, { error: options.dispatcher.wireError(refusal) });
  const outcome = await callOne(request, options);
  options.end();
  if (id === undefined) return undefined;
  options.onEnd(id);
  return encode(id, outcome);
}

function callOne(request: RpcRequest, options: RpcOptions): Promise<CallOutcome> {
  const { id } = request;
  return options.dispatcher.call({
    ...request,
    caller: options.caller,
    ...(id === undefined ? {} : { onStart: (call: Call) => options.onStart(id, call) }),
  });
}

function readRequest(message: unknown): RpcRequest {
  if (typeof message !== 'object' || message === null || Array.isArray(message)) throw invalid('a call is a JSON object');
  const { jsonrpc, id, method, params, timeoutMs, idempotencyKey, ...others } = message as Record<string, unknown>;
  if (jsonrpc !== '2.0') throw invalid('jsonrpc must be "2.0"');
  if (typeof method !== 'string') throw invalid('method must be a string');
  if (id !== undefined && idOf(message) === undefined)
    throw invalid(`id must be a number, or a string of at most ${MAX_ID} characters`);
  if (params !== undefined && (typeof params !== 'object' || params === null || Array.isArray(params)))
    throw invalid('params must be an object: parameters go by name');
  if (timeoutMs !== undefined && typeof timeoutMs !== 'number') throw invalid('timeoutMs must be a number');
  if (idempotencyKey !== undefined && !isKey(idempotencyKey))
    throw invalid(`idempotencyKey must be a string of 1 to ${MAX_ID} characters`);
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw invalid(`unknown member ${unknown.slice(0, 64)}`);
  return { id: idOf(message), method, params, timeoutMs, idempotencyKey };
}

export function isKey(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= MAX_ID;
}

function idOf(message: unknown): RpcId | undefined {
  const id = typeof message === 'object' && message !== null && 'id' in message ? message.id : undefined;
  if (typeof id === 'number') return Number.isFinite(id) ? id : undefined;
  return typeof id === 'string' && id.length <= MAX_ID ? id : undefined;
}

function invalid(problem: string): ApiError {
  return new ApiError('invalid_request', `reading a call: ${problem}`, { problem });
}

function encode(id: RpcId | null, outcome: CallOutcome): string {
  if (!('error' in outcome)) return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${encodeResult(outcome.result)}}`;
  return JSON.stringify({ jsonrpc: '2.0', id, error: rpcError(outcome.error) });
}

/** Of results that say by being frozen that they never change. */
const encodedOnce = new WeakMap<object, string>();

function encodeResult(result: unknown): string {
  if (typeof result !== 'object' || result === null || !Object.isFrozen(result)) return JSON.stringify(result);
  let text = encodedOnce.get(result);
  if (text === undefined) {
    text = JSON.stringify(result);
    encodedOnce.set(result, text);
  }
  return text;
}

function rpcError(error: WireError): { code: number; message: string; data: WireError } {
  const { rpcCode }: ErrorDefinition = ERRORS[error.code];
  return { code: rpcCode ?? SERVER_ERROR, message: error.message, data: error };
}
