/** `/v1/ws`: JSON-RPC calls and events on one WebSocket. Its calls end and its leases are given back when it closes. */
import type { RawData, WebSocket } from 'ws';
import { EVENTS, type EventName, type Greeting } from '../../api-spec/events.ts';
import { HIGHEST_API_VERSION, LOWEST_API_VERSION } from '../../api-spec/versions.ts';
import type { Call, Caller, CallerConnection } from '../api/call.ts';
import type { Dispatcher } from '../api/dispatcher.ts';
import { encodeNotice, type EventLog, type Subscriber } from '../api/event-log.ts';
import { CALLS_PER_CLIENT, EVENT_BACKLOG_BYTES, MAX_BACKLOG_BYTES } from '../api/limits.ts';
import { ApiError } from '../errors.ts';
import type { Log } from '../log.ts';
import { PRODUCT, VERSION } from '../version.ts';
import { answerMessage, type RpcId } from './json-rpc.ts';
import { callerOf, type Admission } from './admission.ts';

/** RFC 6455, section 7.4.1. */
const CLOSE_UNSUPPORTED_DATA = 1003;
const CLOSE_POLICY_VIOLATION = 1008;
const CLOSE_TRY_AGAIN_LATER = 1013;

export interface ConnectionOptions {
  readonly dispatcher: Dispatcher;
  readonly events: EventLog;
  readonly log: Log;
  readonly admission: Admission;
  /** Told when the connection is gone: its leases end. */
  readonly onClose: (callerId: string) => void;
}

export class WebSocketConnection implements CallerConnection, Subscriber {
  readonly #socket: WebSocket;
  readonly #options: ConnectionOptions;
  readonly #calls = new Map<RpcId, Call>();
  readonly #caller: Caller;
  /** Settles when the connection is gone. */
  readonly closed: Promise<void>;
  #underWay = 0;
  #events: ReadonlySet<string> | undefined;
  apiVersion = HIGHEST_API_VERSION;

  constructor(socket: WebSocket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#caller = callerOf(options.admission, this);
    const { id } = this.#caller;
    socket.on('message', (data, isBinary) => this.#onMessage(data, isBinary));
    socket.on('error', (error) => options.log.info({ caller: id, problem: error.message }, 'a WebSocket failed'));
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#onClose();
        resolve();
      });
    });
    this.#greet();
  }

  wants(name: EventName): boolean {
    return (this.#events === undefined || this.#events.has(name)) && this.#caller.scopes.has(EVENTS[name].scope);
  }

  /** Events of a client that does not read are dropped; it hears of the gap when it reads again. */
  send(message: Buffer): boolean {
    if (this.#socket.readyState !== this.#socket.OPEN || this.#socket.bufferedAmount > EVENT_BACKLOG_BYTES) return false;
    this.#socket.send(message, { binary: false }, this.#onSent);
    return true;
  }

  subscribe(options: { readonly events?: readonly string[]; readonly since?: number; readonly stream?: string }): {
    stream: string;
    sequence: number;
  } {
    const { events } = this.#options;
    this.#events = options.events && new Set(options.events);
    events.subscribe(this, options.since === undefined ? undefined : { sequence: options.since, stream: options.stream });
    return { stream: events.stream, sequence: events.sequence };
  }

  unsubscribe(): void {
    this.#options.events.unsubscribe(this);
  }

  cancel(id: RpcId): boolean {
    const call = this.#calls.get(id);
    call?.abort('call_cancelled', `calling ${call.method}: the caller gave it up`);
    return call !== undefined;
  }

  selectVersion(version: number): void {
    this.apiVersion = version;
  }

  /** The origin's grant was taken back. */
  revoke(): void {
    this.#socket.close(CLOSE_POLICY_VIOLATION, 'access was revoked');
    for (const call of this.#calls.values()) call.abort('call_cancelled', `calling ${call.method}: access was revoked`);
  }

  readonly #onSent = (): void => {
    if (this.#socket.bufferedAmount === 0) this.#options.events.flush(this);
  };

  #greet(): void {
    const greeting: Greeting = {
      product: PRODUCT,
      version: VERSION,
      apiVersion: { lowest: LOWEST_API_VERSION, highest: HIGHEST_API_VERSION },
      stream: this.#options.events.stream,
      sequence: this.#options.events.sequence,
    };
    this.send(encodeNotice('greeting', greeting));
  }

  #onMessage(data: RawData, isBinary: boolean): void {
    if (isBinary) {
      this.#socket.close(CLOSE_UNSUPPORTED_DATA, 'kortd takes text messages only');
      return;
    }
    const text = Array.isArray(data) ? Buffer.concat(data).toString() : Buffer.from(data as Buffer).toString();
    void answerMessage(text, {
      dispatcher: this.#options.dispatcher,
      caller: this.#caller,
      onStart: (id, call) => this.#calls.set(id, call),
      onEnd: (id) => this.#calls.delete(id),
      begin: () => (++this.#underWay > CALLS_PER_CLIENT ? tooManyCalls() : undefined),
      end: () => this.#underWay--,
    }).then((answer) => {
      if (answer !== undefined) this.#answer(answer);
    });
  }

  #answer(text: string): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    if (this.#socket.bufferedAmount > MAX_BACKLOG_BYTES) {
      this.#socket.close(CLOSE_TRY_AGAIN_LATER, 'answers are not read');
      return;
    }
    this.#socket.send(text, this.#onSent);
  }

  #onClose(): void {
    this.unsubscribe();
    for (const call of this.#calls.values()) call.abort('call_cancelled', `calling ${call.method}: the caller went away`);
    this.#options.onClose(this.#caller.id);
  }
}

function tooManyCalls(): ApiError {
  return new ApiError('too_many_calls', `calling: ${CALLS_PER_CLIENT} calls of this connection are under way`, {
    limit: CALLS_PER_CLIENT,
  });
}
