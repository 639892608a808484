/**
 * One program at the front: its calls go to the core as they are, and the answers back. When the core goes, what was under way is answered with an error, or waits
 * for the next core; that one is told the program's dialect and C_Initialize again, and then takes over. The program's own connection lives through all of it.
 */
import type { Duplex } from 'node:stream';
import * as ck from '../constants.ts';
import { CALLS, callOf, dialectOf, HAVE_SECRETS, HIGHEST_VERSION, type CallName, type Dialect } from '../rpc/calls.ts';
import { FrameReader, type Frame } from '../rpc/frame.ts';
import { encodeError } from '../rpc/message.ts';
import { RpcProtocolError, RpcReader } from '../rpc/reader.ts';
import { RpcWriter } from '../rpc/writer.ts';
import { holds, isEnded, LASTING } from '../rpc/lasting.ts';
import { answerWithoutCore } from './coreless.ts';
import { CoreStream } from './core-stream.ts';
import { frameOf, LastingAnswers } from './lasting-answers.ts';
import type { KnownSlot } from './messages.ts';
import type { Room } from './room.ts';

/** Calls that wait for their answers, as a core bounds them too: with more, the program is not read. */
export const MAX_WAITING = 128;
/** What waits to be read by a program, or by the core: with more, the other end is not read. */
export const MAX_UNREAD_BYTES = 1_048_576;
/** A client says its dialect at once. */
const GREETING_MS = 10_000;
/** Calls that are answered, or wait, when their core goes: small ones. C_Initialize is also what a next core is told. */
const KEPT: ReadonlySet<CallName | undefined> = new Set([
  'C_Finalize',
  'C_GetInfo',
  'C_GetSlotInfo',
  'C_GetSlotList',
  'C_Initialize',
  'C_WaitForSlotEvent',
] as const);
const MAX_KEPT_BYTES = 8_192;

export interface ProgramOptions {
  readonly socket: Duplex;
  /** For all programs together. */
  readonly room: Room;
  readonly slots: () => readonly KnownSlot[];
  /** Whether a C_Initialize waits: a core has just gone, and may be back in a moment. */
  readonly isCoreExpected: () => boolean;
  /** It has something to say to a core, and none to say it to. */
  readonly onNeedsCore: () => void;
  readonly onEnd: (problem: Error | undefined) => void;
}

interface Call {
  readonly code: number;
  readonly name: CallName | undefined;
  /** Of those that are kept. */
  readonly kept: { readonly bytes: Uint8Array; readonly body: Uint8Array } | undefined;
  /** Of those whose answers may hold. */
  readonly lastingKey: string | undefined;
}

interface Held extends Call {
  readonly bytes: Uint8Array;
  readonly body: Uint8Array;
}

export class Program {
  readonly #options: ProgramOptions;
  readonly #socket: Duplex;
  readonly #frames = new FrameReader();
  readonly #underWay = new Map<number, Call>();
  readonly #lasting = new LastingAnswers();
  readonly #held: Held[] = [];
  #dialect: Dialect | undefined;
  #version = 0;
  /** The body of the C_Initialize that holds. */
  #initialize: Uint8Array | undefined;
  #core: CoreStream | undefined;
  /** A core knows of the program, and is to claim it. */
  #isPromised = false;
  #counted = 0;
  #hasEnded = false;
  readonly #greeting: NodeJS.Timeout;

  constructor(options: ProgramOptions) {
    this.#options = options;
    this.#socket = options.socket;
    this.#greeting = setTimeout(() => this.#end(new RpcProtocolError('waiting for a client: it says nothing')), GREETING_MS);
    this.#greeting.unref();
    this.#socket.on('data', (piece: Buffer) => this.take(piece));
    this.#socket.on('drain', () => this.#flow());
    this.#socket.on('error', () => undefined); // a program that ends breaks its connection off
    this.#socket.on('close', () => this.#end());
  }

  /** It has said its dialect: a core can serve it. */
  get isKnown(): boolean {
    return this.#dialect !== undefined;
  }

  get hasCore(): boolean {
    return this.#core !== undefined;
  }

  /** From the program. */
  take(piece: Uint8Array): void {
    this.#guard(() => {
      const [version] = piece;
      if (version === undefined) return;
      let rest = piece;
      if (this.#dialect === undefined) {
        clearTimeout(this.#greeting);
        this.#version = Math.min(version, HIGHEST_VERSION);
        this.#dialect = dialectOf(version);
        this.#socket.write(Uint8Array.of(this.#version));
        this.#options.onNeedsCore();
        rest = piece.subarray(1);
      }
      for (const frame of this.#frames.push(rest)) this.#call(frame);
      this.#count();
      this.#flow();
    });
  }

  /** A core was told of the program: what comes waits until it has claimed it. */
  promise(): void {
    this.#isPromised = true;
  }

  /** The core's way to the program, claimed. */
  connect(stream: Duplex, deadlineMs: number): void {
    const core = new CoreStream(stream, {
      deadlineMs,
      version: this.#version,
      initialize: this.#initialize,
      onReady: () => this.#release(),
      onAnswer: (frame) => this.#answered(frame),
      onDrain: () => this.#flow(),
      onEnd: () => this.#lose(core),
    });
    this.#core = core;
  }

  /** No core is to be expected any more, or none that would claim it. */
  abandon(): void {
    this.#isPromised = false;
    const core = this.#core;
    if (core) core.end();
    else this.#settleHeld();
  }

  /** A core that was expected is not back in time. */
  giveUpWaiting(): void {
    if (!this.#core && !this.#isPromised) this.#settleHeld();
  }

  end(problem?: Error): void {
    this.#end(problem);
  }

  #call(frame: Frame): void {
    const { code, body, bytes } = frame;
    const name = callOf(new RpcReader(body).uint32(), this.#dialect ?? 0);
    if (this.#underWay.has(code)) throw new RpcProtocolError('reading a call: another with its code is under way');
    const lastingKey = LASTING.has(name) ? this.#lasting.keyOf(body) : undefined;
    const known = lastingKey === undefined ? undefined : this.#lasting.find(lastingKey, code);
    if (known) {
      this.#socket.write(known);
      return;
    }
    const isKept = KEPT.has(name) && bytes.length <= MAX_KEPT_BYTES;
    const kept = isKept ? copyOf(frame) : undefined;
    const call = { code, name, kept, lastingKey };
    if (this.#core?.isReady) this.#forward(call, bytes);
    else if (this.#core || this.#isPromised) this.#hold({ ...call, bytes, body });
    else this.#answerAlone({ ...call, bytes, body });
  }

  #forward(call: Call, bytes: Uint8Array): void {
    this.#underWay.set(call.code, call);
    this.#core?.write(bytes, isSecret(call) ? () => bytes.fill(0) : undefined);
  }

  #hold(call: Held): void {
    if (this.#held.some(({ code }) => code === call.code))
      throw new RpcProtocolError('reading a call: another with its code is under way');
    this.#held.push(call);
  }

  /** Without a core. A wait for a slot lives on, and a program that has only just come waits for a core that may be back in a moment. */
  #answerAlone(call: Held): void {
    const isWait = call.name === 'C_WaitForSlotEvent' && this.#initialize !== undefined && isBlocking(call.body);
    const isNew = call.name === 'C_Initialize' && this.#options.isCoreExpected();
    if (isWait || isNew || this.#held.some(({ name }) => name === 'C_Initialize')) {
      this.#hold(call);
      return;
    }
    const state = { dialect: this.#dialect ?? 0, isInitialized: this.#initialize !== undefined, slots: this.#options.slots() };
    const answer = answerWithoutCore(call.code, call.body, state);
    if (isSecret(call)) call.body.fill(0);
    if (call.name === 'C_Finalize') this.#endWaits();
    this.#write(answer, call);
  }

  /** Threads that wait for a slot must not outlive C_Finalize: the client is to find their answers before it closes the connection. */
  #endWaits(): void {
    for (const { code } of this.#held.splice(0)) this.#socket.write(encodeError(code, ck.CKR_CRYPTOKI_NOT_INITIALIZED));
  }

  #answered(frame: Frame): void {
    if (isEnded(frame)) this.#lasting.forget();
    const call = this.#underWay.get(frame.code);
    if (!call) return;
    this.#underWay.delete(frame.code);
    if (call.lastingKey !== undefined && holds(frame)) this.#lasting.remember(call.lastingKey, frame.body);
    this.#write(frame.options.length === 0 ? frame.bytes : frameOf(frame.code, frame.body), call);
    this.#flow();
  }

  /** What the program learns is what a next core has to know. */
  #write(answer: Uint8Array, { name, kept }: Call): void {
    if (name === 'C_Initialize' && isSuccess(answer, name)) this.#initialize = kept?.body;
    if (name === 'C_Finalize' && isSuccess(answer, name)) this.#initialize = undefined;
    if (!this.#hasEnded) this.#socket.write(answer);
  }

  /** A core is there for it. */
  #release(): void {
    this.#guard(() => {
      for (const call of this.#held.splice(0)) this.#forward(call, call.bytes);
      this.#count();
      this.#flow();
    });
  }

  #lose(core: CoreStream): void {
    if (this.#core !== core) return;
    this.#core = undefined;
    this.#lasting.forget();
    this.#guard(() => {
      const lost = [...this.#underWay.values()];
      this.#underWay.clear();
      for (const call of lost) {
        if (call.kept && this.#isPromised) this.#hold({ ...call, ...call.kept });
        else if (call.kept) this.#answerAlone({ ...call, ...call.kept });
        else this.#socket.write(encodeError(call.code, ck.CKR_DEVICE_REMOVED));
      }
      if (!this.#isPromised) this.#settleHeld();
      this.#flow();
    });
    if (!this.#hasEnded) this.#options.onNeedsCore();
  }

  #settleHeld(): void {
    this.#guard(() => {
      for (const call of this.#held.splice(0)) this.#answerAlone(call);
      this.#count();
      this.#flow();
    });
  }

  /** Whoever has too much to read already is given no more; nor is one asked who has too much to answer. */
  #flow(): void {
    if (this.#hasEnded) return;
    const waiting = this.#underWay.size + this.#held.length;
    const isFull = waiting >= MAX_WAITING || (this.#core?.unread ?? 0) > MAX_UNREAD_BYTES;
    if (isFull || this.#socket.writableLength > MAX_UNREAD_BYTES) this.#socket.pause();
    else if (this.#socket.isPaused()) this.#socket.resume();
    this.#core?.read(this.#socket.writableLength <= MAX_UNREAD_BYTES);
  }

  #count(): void {
    const bytes = this.#frames.buffered + this.#held.reduce((sum, call) => sum + call.bytes.length, 0);
    this.#options.room.change(bytes - this.#counted);
    this.#counted = bytes;
    if (this.#options.room.isOver)
      throw new RpcProtocolError('reading a call: programs have more under way than there is room for');
  }

  #guard(work: () => void): void {
    if (this.#hasEnded) return;
    try {
      work();
    } catch (error) {
      this.#end(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #end(problem?: Error): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearTimeout(this.#greeting);
    this.#options.room.change(-this.#counted);
    for (const call of this.#held.splice(0)) if (isSecret(call)) call.bytes.fill(0); // no core takes it any more
    this.#socket.destroy();
    this.#core?.end();
    this.#options.onEnd(problem);
  }
}

function isSecret({ name }: Call): boolean {
  return name !== undefined && HAVE_SECRETS.has(name);
}

function copyOf({ body, bytes }: Frame): { readonly bytes: Uint8Array; readonly body: Uint8Array } {
  const copy = Uint8Array.from(bytes); // what it was read with is larger
  return { bytes: copy, body: copy.subarray(bytes.length - body.length) };
}

/** The flags are the call's only argument. */
function isBlocking(body: Uint8Array): boolean {
  const { id, request } = CALLS.C_WaitForSlotEvent;
  const head = new RpcWriter();
  head.uint32(id);
  head.sized(new TextEncoder().encode(request));
  if (body.length !== head.length + 8) throw new RpcProtocolError('reading C_WaitForSlotEvent: it has another length');
  const reader = new RpcReader(body.subarray(head.length));
  return (reader.ulong() & ck.CKF_DONT_BLOCK) === 0;
}

/** An error has the id 0. */
function isSuccess(answer: Uint8Array, name: CallName): boolean {
  const [frame] = new FrameReader().push(answer);
  return frame !== undefined && new RpcReader(frame.body).uint32() === CALLS[name].id;
}
