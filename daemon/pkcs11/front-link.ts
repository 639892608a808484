/**
 * The daemon's end of a front (pkcs11-module/front): it hears of programs, and takes each one's calls over a connection of its own. The front is known by the kernel's
 * word on who listens at its socket: the daemon's own user, and one process for all connections.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { peerCredentials, type PeerCredentials } from '../../drivers/peer-credentials.ts';
import {
  LineReader,
  encodeLine,
  parseToCore,
  type KnownSlot,
  type ToCore,
  type ToFront,
} from '../../pkcs11-module/front/messages.ts';
import { ownUser } from '../access/local-user.ts';

/** A front that lives answers at once. */
const ANSWER_MS = 3_000;

export interface FrontProgram {
  readonly socket: Socket;
  readonly peer: PeerCredentials | undefined;
  /** Cores that served it before. */
  readonly coresBefore: number;
  /** The front gives answers again that are said to hold. */
  readonly remembers: boolean;
  /** What it sends is no message of the protocol: its connection is to end. */
  refuse(): void;
}

export interface FrontLinkOptions {
  readonly version: string;
  readonly onProgram: (program: FrontProgram) => void;
  /** No program has been there for long. */
  readonly onIdle: () => void;
  readonly onProblem: (message: string) => void;
}

export class FrontLink implements AsyncDisposable {
  readonly path: string;
  readonly version: string;
  readonly isRetired: boolean;
  /** Resolves when the front is gone, or does not want to be waited for. */
  readonly ended: Promise<void>;
  readonly #socket: Socket;
  readonly #pid: number | undefined;
  readonly #remembers: boolean;
  readonly #options: FrontLinkOptions;
  readonly #ended = Promise.withResolvers<undefined>();

  private constructor(path: string, socket: Socket, { lines, front, ...options }: FrontLinkOptions & Opened) {
    this.path = path;
    this.version = front.version;
    this.isRetired = front.isRetired;
    this.#remembers = front.remembers;
    this.#socket = socket;
    this.#pid = peerCredentials(socket)?.pid;
    this.#options = options;
    this.ended = this.#ended.promise.then(() => undefined);
    socket.on('close', () => this.#ended.resolve(undefined));
    socket.on('data', (piece: Buffer) => this.#take(lines, piece));
  }

  /** Rejects when nobody is there, or somebody else. */
  static async open(path: string, options: FrontLinkOptions): Promise<FrontLink> {
    const socket = await reach(path);
    try {
      const lines = new LineReader();
      socket.write(encodeLine({ kind: 'attach', version: options.version, pid: process.pid }));
      const [piece] = (await once(socket, 'data', { signal: AbortSignal.timeout(ANSWER_MS) })) as [Buffer];
      socket.pause();
      const [first, ...more] = lines.push(piece).map((line) => parseToCore(line));
      if (first?.kind !== 'front') throw new Error('attaching to a front: it does not say that it is one');
      const link = new FrontLink(path, socket, { ...options, lines, front: first });
      for (const message of more) link.#told(message);
      socket.resume();
      return link;
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  tellSlots(slots: readonly KnownSlot[]): void {
    this.#send({ kind: 'slots', slots });
  }

  /** The daemon, or a newer front, listens for programs by now. */
  retire(): void {
    this.#send({ kind: 'retire' });
  }

  /** Resolves when the front has ended, or stays for the programs that it has. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#send({ kind: 'bye' });
    const deadline = setTimeout(() => this.#ended.resolve(undefined), ANSWER_MS);
    await this.ended;
    clearTimeout(deadline);
    this.#socket.destroy();
  }

  #send(message: ToFront): void {
    if (!this.#socket.destroyed) this.#socket.write(encodeLine(message));
  }

  #take(lines: LineReader, piece: Uint8Array): void {
    try {
      for (const line of lines.push(piece)) this.#told(parseToCore(line));
    } catch (error) {
      this.#options.onProblem(String(error));
      this.#socket.destroy();
    }
  }

  #told(message: ToCore): void {
    switch (message.kind) {
      case 'program':
        void this.#claim(message).catch((error: unknown) => this.#options.onProblem(String(error)));
        return;
      case 'idle':
        this.#options.onIdle();
        return;
      case 'staying':
        this.#ended.resolve(undefined);
        return;
      case 'problem':
        this.#options.onProblem(message.message);
        return;
      case 'ping':
        this.#send({ kind: 'pong' });
        return;
      case 'front': // it said so before
    }
  }

  async #claim({ key, pid, uid, coresBefore }: Extract<ToCore, { readonly kind: 'program' }>): Promise<void> {
    const socket = await reach(this.path, this.#pid);
    socket.write(encodeLine({ kind: 'claim', key }));
    this.#options.onProgram({
      socket,
      peer: pid === undefined || uid === undefined ? undefined : { pid, uid },
      coresBefore,
      remembers: this.#remembers,
      refuse: () => this.#send({ kind: 'refuse', key }),
    });
  }
}

interface Opened {
  readonly lines: LineReader;
  readonly front: Extract<ToCore, { readonly kind: 'front' }>;
}

/** Rejects when the process that listens there is not the user's own, or not the one that is known. */
async function reach(path: string, known?: number): Promise<Socket> {
  const socket = connect(path);
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(ANSWER_MS) });
  } catch (error) {
    socket.destroy();
    throw error;
  }
  socket.on('error', () => undefined); // the front is gone: the close says the same
  const peer = peerCredentials(socket);
  if (!peer || (String(peer.uid) === ownUser() && (known === undefined || peer.pid === known))) return socket;
  socket.destroy();
  throw new Error(`reaching the front at ${path}: another process is there`);
}
