/** `/v1/ws`: JSON-RPC calls and events on one WebSocket. Its calls end and its leases are given back when it closes. */
import { setImmediate as nextRound } from 'node:timers/promises';
import type { RawData, WebSocket } from 'ws';
import { EVENTS, type EventName, type Greeting } from '../../api-spec/events.ts';
import { HIGHEST_API_VERSION, LOWEST_API_VERSION } from '../../api-spec/versions.ts';
import type { Call, Caller, CallerConnection } from '../api/call.ts';
import type { Dispatcher } from '../api/dispatcher.ts';
import { encodeNotice, type Audience, type EventLog, type Subscriber } from '../api/event-log.ts';
import { CALLS_PER_CLIENT, EVENT_BACKLOG_BYTES, UNREAD_BYTES } from '../api/limits.ts';
import type { ApiError } from '../errors.ts';
import type { Log } from '../log.ts';
import { PRODUCT, VERSION } from '../version.ts';
import { callerOf, type Admission } from './admission.ts';
import { Backlog, type Backlogs } from './backlogs.ts';
import { Inbox, type Rounds } from './inbox.ts';
import { answerMessage, type RpcId } from './json-rpc.ts';
import { tooMany, tooManyCalls, tooManyMessages, type Quota, type Verdict } from './quotas.ts';

/** RFC 6455, section 7.4.1. */
const CLOSE_UNSUPPORTED_DATA = 1003;
const CLOSE_POLICY_VIOLATION = 1008;
const CLOSE_TRY_AGAIN_LATER = 1013;

export interface ConnectionOptions {
  readonly dispatcher: Dispatcher;
  readonly events: EventLog;
  readonly log: Log;
  readonly admission: Admission;
  /** Of its origin; undefined for a program. */
  readonly quota: Quota | undefined;
  readonly backlogs: Backlogs;
  readonly rounds: Rounds;
  /** Told when the connection is gone: its leases end. */
  readonly onClose: (callerId: string) => void;
}

export class WebSocketConnection implements CallerConnection, Subscriber {
  readonly #socket: WebSocket;
  readonly #options: ConnectionOptions;
  readonly #calls = new Map<RpcId, Call>();
  readonly #caller: Caller;
  readonly #backlog: Backlog;
  readonly #inbox: Inbox;
  /** Settles when the connection is gone. */
  readonly closed: Promise<void>;
  #underWay = 0;
  #events: ReadonlySet<string> | undefined;
  /** What a pen writes is personal: the page that shows the desk gets it of the pads for which pad.watch has left its record. Undefined: of all. */
  readonly #padsLookedAt: Set<string> | undefined;
  apiVersion = HIGHEST_API_VERSION;

  constructor(socket: WebSocket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#caller = callerOf(options.admission, this);
    this.#padsLookedAt = options.admission.kind === 'console' ? new Set() : undefined;
    const { id } = this.#caller;
    this.#backlog = new Backlog(options.quota, () => socket.close(CLOSE_TRY_AGAIN_LATER, 'answers are not read'));
    options.backlogs.add(this.#backlog);
    this.#inbox = new Inbox(options.rounds, {
      handle: (message) => this.#handle(message),
      pause: () => socket.pause(),
      resume: () => socket.resume(),
    });
    socket.on('ping', (data) => this.#onPing(data));
    socket.on('pong', () => this.#charge(0));
    socket.on('message', (data, isBinary) => this.#onMessage(data, isBinary));
    socket.on('error', (error) => options.log.debug({ caller: id, problem: error.message }, 'a WebSocket failed'));
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#onClose();
        resolve();
      });
    });
    this.#greet();
  }

  wants(name: EventName, { needs, pages, pad }: Audience = {}): boolean {
    const { scopes, origin } = this.#caller;
    if (name === 'pad.pen' && this.#padsLookedAt?.has(pad ?? '') === false) return false;
    if (pages !== undefined && origin !== undefined && origin !== pages) return false;
    const mayKnow = scopes.has(EVENTS[name].scope) && (needs === undefined || scopes.has(needs));
    return (this.#events === undefined || this.#events.has(name)) && mayKnow;
  }

  /** Events of a client that does not read are dropped; it hears of the gap when it reads again. */
  send(message: Buffer): boolean {
    if (!this.#isOpen || this.#socket.bufferedAmount > EVENT_BACKLOG_BYTES) return false;
    this.#socket.send(message, { binary: false }, this.#onSent);
    this.#noteBacklog();
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

  lookOn(pad: string): void {
    this.#padsLookedAt?.add(pad);
  }

  lookAway(pad: string): void {
    this.#padsLookedAt?.delete(pad);
  }

  selectVersion(version: number): void {
    this.apiVersion = version;
  }

  /** The origin's grant was taken back. */
  revoke(): void {
    this.#socket.close(CLOSE_POLICY_VIOLATION, 'access was revoked');
    for (const call of this.#calls.values()) call.abort('call_cancelled', `calling ${call.method}: access was revoked`);
  }

  get #isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  readonly #onSent = (): void => {
    if (this.#noteBacklog() === 0) this.#options.events.flush(this);
  };

  /** Gives the bytes that wait to be read. */
  #noteBacklog(): number {
    const bytes = this.#socket.bufferedAmount;
    if (this.#isOpen) {
      if (bytes > UNREAD_BYTES) this.#inbox.hold();
      else this.#inbox.release();
    }
    this.#options.backlogs.note(this.#backlog, bytes);
    return bytes;
  }

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
    if (isBinary) this.#socket.close(CLOSE_UNSUPPORTED_DATA, 'kortd takes text messages only');
    else this.#inbox.add(bytesOf(data));
  }

  /** What comes while the connection is being closed comes too late. */
  #handle(message: Buffer): void {
    if (!this.#isOpen) return;
    const verdict = this.#charge(message.length);
    if (verdict === 'flood') return;
    let calls = 0;
    void answerMessage(message.toString(), {
      dispatcher: this.#options.dispatcher,
      caller: this.#caller,
      onStart: (id, call) => this.#calls.set(id, call),
      onEnd: (id) => this.#calls.delete(id),
      // Each further call of a batch counts as a message.
      begin: () => this.#begin(++calls === 1 ? verdict : undefined),
      end: () => this.#end(),
    }).then((answer) => {
      if (answer !== undefined) this.#answer(answer);
    });
  }

  /** Each is answered, and so is bounded like a call. */
  #onPing(data: Buffer): void {
    if (!this.#isOpen || this.#charge(data.length) === 'flood') return;
    this.#socket.pong(data, false, this.#onSent);
    this.#noteBacklog();
  }

  /** Closes the connection of an origin that goes on although it was told, and reads no more of it. */
  #charge(lengthBytes: number): Verdict {
    const verdict = this.#options.quota?.takeMessage(lengthBytes) ?? 'ok';
    if (verdict === 'flood' && this.#isOpen) {
      this.#socket.close(CLOSE_POLICY_VIOLATION, 'too many messages');
      this.#inbox.hold();
    }
    return verdict;
  }

  #begin(verdict: Verdict | undefined): ApiError | undefined | Promise<ApiError | undefined> {
    const { quota } = this.#options;
    if (this.#underWay >= CALLS_PER_CLIENT) return tooMany('calls of this connection are under way', CALLS_PER_CLIENT);
    if (quota && (verdict ?? quota.takeMessage(0)) !== 'ok') return tooManyMessages(quota);
    if (quota && !quota.beginCall()) return this.#beginLater(quota);
    this.#underWay++;
    return undefined;
  }

  /** Calls that came in one read have all begun before the first of them, which needs no card, has ended. */
  async #beginLater(quota: Quota): Promise<ApiError | undefined> {
    await nextRound();
    if (!this.#isOpen || !quota.beginCall()) return tooManyCalls(quota);
    this.#underWay++;
    return undefined;
  }

  #end(): void {
    this.#underWay--;
    this.#options.quota?.endCall();
  }

  #answer(text: string): void {
    if (!this.#isOpen) return;
    this.#socket.send(text, this.#onSent);
    this.#noteBacklog();
  }

  #onClose(): void {
    this.unsubscribe();
    this.#options.backlogs.remove(this.#backlog);
    this.#inbox.close();
    for (const call of this.#calls.values()) call.abort('call_cancelled', `calling ${call.method}: the caller went away`);
    this.#options.onClose(this.#caller.id);
  }
}

function bytesOf(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return Buffer.isBuffer(data) ? data : Buffer.from(data);
}
