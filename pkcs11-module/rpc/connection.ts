/**
 * One client of p11-kit's RPC protocol: the byte that tells its dialect, then calls, each answered when it is done, in whatever order (clients find answers by their
 * code). What is under way, and what waits to be read, is bounded; a client that sends nonsense loses its connection, and nobody else anything.
 */
import type { Duplex } from 'node:stream';
import { CKR_GENERAL_ERROR } from '../constants.ts';
import { valueOf } from '../errors.ts';
import type { Answer } from './arguments.ts';
import type { CallName, Dialect } from './calls.ts';
import { FrameReader, type Frame } from './frame.ts';
import { decodeCall, encodeAnswer, encodeError, type RpcCall } from './message.ts';
import { PATIENCE, Patience, type PatienceLimits } from './patience.ts';
import { RpcProtocolError } from './reader.ts';

/** The highest version that is spoken; the answer is the lower one of both. */
const HIGHEST_VERSION = 2;
/** Threads of one program, each with its call: more is a client gone wild. */
export const MAX_UNDER_WAY = 128;
/** Answers that a client has not read: with more, none of its calls is taken. */
export const MAX_UNREAD_BYTES = 1_048_576;

const HAVE_SECRETS: ReadonlySet<CallName> = new Set(['C_InitPIN', 'C_Login', 'C_LoginUser', 'C_SetPIN']);

/** The state of one client: sessions, handles, login. It ends with its connection. */
export interface RpcApplication extends Disposable {
  /** Throws CkError. */
  call(call: RpcCall, dialect: Dialect): Promise<Answer<CallName>>;
}

export interface RpcConnectionOptions {
  /** Made when the client has said its dialect. */
  readonly open: () => RpcApplication;
  /** Told of what is a defect of ours, or of the client. */
  readonly onProblem: (error: unknown) => void;
  /** Default: `PATIENCE`. */
  readonly patience?: PatienceLimits;
}

/** Resolves when the client has gone and what it had is free. Never rejects. */
export async function serveRpcClient(stream: Duplex, options: RpcConnectionOptions): Promise<void> {
  const connection = new RpcConnection(stream, options);
  try {
    for await (const piece of stream) await connection.take(piece as Buffer);
  } catch (error) {
    if (error instanceof RpcProtocolError) options.onProblem(error); // else the connection broke off: clients that end do that
  } finally {
    stream.destroy();
    connection.end();
  }
}

class RpcConnection {
  readonly #stream: Duplex;
  readonly #options: RpcConnectionOptions;
  readonly #frames = new FrameReader();
  readonly #underWay = new Set<Promise<void>>();
  readonly #patience: Patience;
  readonly #limits: PatienceLimits;
  #application: RpcApplication | undefined;
  #dialect: Dialect = 0;

  constructor(stream: Duplex, options: RpcConnectionOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#limits = options.patience ?? PATIENCE;
    this.#patience = new Patience(stream);
    this.#patience.begin(this.#limits.helloMs, 'it says nothing');
  }

  /** Resolves when the next piece may come. */
  async take(piece: Buffer): Promise<void> {
    this.#patience.end();
    let rest = piece;
    if (!this.#application) {
      const [version] = piece;
      if (version === undefined) return;
      this.#dialect = version === 0 ? 0 : version === 1 ? 1 : 2;
      this.#application = this.#options.open();
      this.#stream.write(Uint8Array.of(Math.min(version, HIGHEST_VERSION)));
      rest = piece.subarray(1);
    }
    for (const frame of this.#frames.push(rest)) {
      this.#begin(this.#application, frame);
      while (this.#underWay.size >= MAX_UNDER_WAY) await Promise.race(this.#underWay);
      await this.#room();
    }
    if (this.#frames.buffered > 0) this.#patience.begin(this.#limits.frameMs, 'the rest of a frame does not come');
  }

  end(): void {
    this.#patience.end();
    this.#application?.[Symbol.dispose]();
  }

  #begin(application: RpcApplication, { code, body }: Frame): void {
    const call = decodeCall(body, this.#dialect);
    if (HAVE_SECRETS.has(call.name)) body.fill(0); // what was read of it is wiped by whoever has it
    const work = this.#answer(application, code, call).finally(() => this.#underWay.delete(work));
    this.#underWay.add(work);
  }

  async #answer(application: RpcApplication, code: number, call: RpcCall): Promise<void> {
    let frame: Uint8Array;
    try {
      frame = encodeAnswer(code, call.name, await application.call(call, this.#dialect));
    } catch (error) {
      const value = valueOf(error);
      if (value === CKR_GENERAL_ERROR) this.#options.onProblem(error);
      frame = encodeError(code, value);
    }
    if (!this.#stream.writableEnded && !this.#stream.destroyed) this.#stream.write(frame);
  }

  /** A client that reads nothing is asked nothing more, and after a while it has no connection. */
  async #room(): Promise<void> {
    if (this.#stream.writableLength <= MAX_UNREAD_BYTES) return;
    this.#patience.begin(this.#limits.unreadMs, 'it reads no answers');
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.#stream.off('drain', done);
        this.#stream.off('close', done);
        resolve();
      };
      this.#stream.on('drain', done);
      this.#stream.on('close', done);
    });
    this.#patience.end();
  }
}
