/**
 * One client of p11-kit's RPC protocol: the byte that tells its dialect, then calls, each answered when it is done, in whatever order (clients find answers by their
 * code). What is under way, and what waits to be read, is bounded; a client that sends nonsense loses its connection, and nobody else anything.
 */
import type { Duplex } from 'node:stream';
import { CKR_GENERAL_ERROR } from '../constants.ts';
import { valueOf } from '../errors.ts';
import type { Answer } from './arguments.ts';
import { dialectOf, HAVE_SECRETS, HIGHEST_VERSION, type CallName, type Dialect } from './calls.ts';
import { FrameReader, type Frame } from './frame.ts';
import { HOLDS, LASTING, encodeEnded } from './lasting.ts';
import { decodeCall, encodeAnswer, encodeError, type RpcCall } from './message.ts';
import { PATIENCE, Patience, type PatienceLimits } from './patience.ts';

/** Threads of one program, each with its call: more is a client gone wild. */
export const MAX_UNDER_WAY = 128;
/** Answers that a client has not read: with more, none of its calls is taken. */
export const MAX_UNREAD_BYTES = 1_048_576;

/** The state of one client: sessions, handles, login. It ends with its connection. */
export interface RpcApplication extends Disposable {
  /** What costs a card nothing is answered at once. Throws CkError. */
  call(call: RpcCall, dialect: Dialect): Answer<CallName> | Promise<Answer<CallName>>;
}

export interface RpcClient {
  /** What was answered to calls that are LASTING holds no more. */
  readonly onOtherwise: () => void;
}

export interface RpcConnectionOptions {
  /** Made when the client has said its dialect. */
  readonly open: (client: RpcClient) => RpcApplication;
  /** The client is a front, which gives answers again that are said to hold (lasting.ts). */
  readonly remembers?: boolean;
  /** Told of what is a defect of ours, or of the client. */
  readonly onProblem: (error: unknown) => void;
  /** Default: `PATIENCE`. */
  readonly patience?: PatienceLimits;
}

/** Resolves when the client has gone and what it had is free. Never rejects. */
export async function serveRpcClient(stream: Duplex, options: RpcConnectionOptions): Promise<void> {
  const connection = new RpcConnection(stream, options);
  try {
    await connection.ended;
  } finally {
    stream.destroy();
    connection.end();
  }
}

class RpcConnection {
  /** The client has gone, or is to be cut off. */
  readonly ended: Promise<undefined>;
  readonly #stream: Duplex;
  readonly #options: RpcConnectionOptions;
  readonly #frames = new FrameReader();
  /** Whole, and not begun: there was no room. */
  readonly #waiting: Frame[] = [];
  readonly #end: () => void;
  readonly #patience: Patience;
  readonly #limits: PatienceLimits;
  #underWay = 0;
  #application: RpcApplication | undefined;
  #dialect: Dialect = 0;
  /** An answer was said to hold. */
  #hasLasting = false;

  constructor(stream: Duplex, options: RpcConnectionOptions) {
    this.#stream = stream;
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.ended = promise;
    this.#end = (): void => resolve(undefined);
    // Listened to as it comes: a loop over the stream costs each round trip as much as all the rest of it.
    stream.on('data', (piece: Buffer) => this.#guarded(() => this.#take(piece)));
    stream.on('drain', () => this.#guarded(() => this.#beginWaiting()));
    for (const event of ['end', 'close', 'error'] as const) stream.on(event, this.#end); // a connection that broke off: clients that end do that
    this.#limits = options.patience ?? PATIENCE;
    this.#patience = new Patience((problem) =>
      this.#guarded(() => {
        throw problem;
      }),
    );
    this.#patience.begin(this.#limits.helloMs, 'it says nothing');
    if (stream.destroyed || stream.readableEnded) this.#end();
    stream.resume(); // whoever made it may have paused it meanwhile
  }

  end(): void {
    this.#patience.end();
    this.#waiting.length = 0;
    this.#application?.[Symbol.dispose]();
  }

  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#options.onProblem(error);
      this.#end();
      this.#stream.destroy();
    }
  }

  #take(piece: Buffer): void {
    let rest = piece;
    if (!this.#application) {
      const [version] = piece;
      if (version === undefined) return;
      this.#dialect = dialectOf(version);
      this.#application = this.#options.open({ onOtherwise: () => this.#endLasting() });
      this.#stream.write(Uint8Array.of(Math.min(version, HIGHEST_VERSION)));
      rest = piece.subarray(1);
    }
    this.#waiting.push(...this.#frames.push(rest));
    this.#beginWaiting();
  }

  /** While there is room. A client that reads nothing is asked nothing more, and after a while it has no connection. */
  #beginWaiting(): void {
    while (this.#application && this.#waiting.length > 0 && this.#hasRoom) {
      const [frame] = this.#waiting.splice(0, 1);
      if (frame) this.#begin(this.#application, frame);
    }
    if (this.#waiting.length > 0) this.#stream.pause();
    else if (this.#stream.isPaused()) this.#stream.resume();
    if (this.#stream.writableLength > MAX_UNREAD_BYTES) this.#patience.begin(this.#limits.unreadMs, 'it reads no answers');
    else if (this.#frames.buffered > 0) this.#patience.begin(this.#limits.frameMs, 'the rest of a frame does not come');
    else this.#patience.end();
  }

  get #hasRoom(): boolean {
    return this.#underWay < MAX_UNDER_WAY && this.#stream.writableLength <= MAX_UNREAD_BYTES && !this.#stream.destroyed;
  }

  #begin(application: RpcApplication, { code, body }: Frame): void {
    const call = decodeCall(body, this.#dialect);
    if (HAVE_SECRETS.has(call.name)) body.fill(0); // what was read of it is wiped by whoever has it
    let answer: Answer<CallName> | Promise<Answer<CallName>>;
    try {
      answer = application.call(call, this.#dialect);
    } catch (error) {
      this.#refuse(code, error);
      return;
    }
    if (answer instanceof Promise) void this.#later(code, call.name, answer);
    else this.#send(encodeAnswer(code, call.name, answer, this.#optionsOf(call.name)));
  }

  #optionsOf(name: CallName): Uint8Array | undefined {
    if (!this.#options.remembers || !LASTING.has(name)) return undefined;
    this.#hasLasting = true;
    return HOLDS;
  }

  /** Before the answer to whatever changed it, on the same way. */
  #endLasting(): void {
    if (!this.#hasLasting) return;
    this.#hasLasting = false;
    this.#send(encodeEnded());
  }

  async #later(code: number, name: CallName, answer: Promise<Answer<CallName>>): Promise<void> {
    this.#underWay++;
    try {
      this.#send(encodeAnswer(code, name, await answer));
    } catch (error) {
      this.#refuse(code, error);
    } finally {
      this.#underWay--;
      if (this.#waiting.length > 0) this.#guarded(() => this.#beginWaiting());
    }
  }

  #refuse(code: number, error: unknown): void {
    const value = valueOf(error);
    if (value === CKR_GENERAL_ERROR) this.#options.onProblem(error);
    this.#send(encodeError(code, value));
  }

  #send(frame: Uint8Array): void {
    if (!this.#stream.writableEnded && !this.#stream.destroyed) this.#stream.write(frame);
  }
}
