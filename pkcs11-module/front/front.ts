/**
 * The process that programs are connected to, and that outlives the core: it listens for programs and for the core, brings them together, and ends by itself when
 * there is nothing to hold any more. It knows no cards, and of PKCS #11 as little as it takes to answer programs while no core is there.
 */
import { randomBytes } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { bindOver, type BoundSocket, type SocketPlace } from './bind.ts';
import { CoreLink } from './core-link.ts';
import { LineReader, parseToFront, type KnownSlot, type ToFront } from './messages.ts';
import { Program } from './program.ts';
import { Room } from './room.ts';

/** Programs at once. */
export const MAX_PROGRAMS = 1_000;
/** Of calls that are not whole, or wait for a core: of all programs together. */
const ROOM_BYTES = 67_108_864;
/** A connection to the front's own socket says at once what it is. */
const FIRST_LINE_MS = 5_000;
/** After a core has let a program's connection go, without a word, that often. */
const AGAIN_MS = 1_000;

export interface Peer {
  readonly pid: number;
  readonly uid: number;
}

export interface FrontTimes {
  /** A core that has gone may be back by then: programs that have only just come wait for it. */
  readonly graceMs: number;
  /** With neither a program nor a core the front ends. */
  readonly lingerMs: number;
  /** With a core and without programs, the core is asked to listen itself. */
  readonly idleMs: number;
  /** By then a core has claimed a program that it was told of, and spoken to it. */
  readonly claimMs: number;
  readonly pingMs: number;
  /** A core whose event loop stands still this long is gone to those who wait. */
  readonly patienceMs: number;
}

export const FRONT_TIMES: FrontTimes = {
  graceMs: 5_000,
  lingerMs: 30_000,
  idleMs: 600_000,
  claimMs: 15_000,
  pingMs: 5_000,
  patienceMs: 30_000,
};

export interface FrontOptions {
  /** Where programs come. */
  readonly programs: SocketPlace;
  /** Where the core comes: below a folder that lets in its user alone. */
  readonly ownPath: string;
  readonly version: string;
  /** Undefined where the system does not tell. */
  readonly peerOf: (socket: Socket) => Peer | undefined;
  /** Whether that process is the core of this folder. */
  readonly isCore: (peer: Peer | undefined) => boolean;
  readonly times: FrontTimes;
  /** Nothing is left to hold; `[Symbol.asyncDispose]` is the caller's to call. */
  readonly onIdleEnd: () => void;
}

interface Entry {
  readonly key: string;
  readonly peer: Peer | undefined;
  readonly program: Program;
  /** Cores that served it before the one that is there. */
  coresBefore: number;
  announcedAt: number;
  again: NodeJS.Timeout | undefined;
}

export class Front implements AsyncDisposable {
  readonly #options: FrontOptions;
  readonly #programs = new Map<string, Entry>();
  readonly #room = new Room(ROOM_BYTES);
  readonly #forPrograms: Server;
  readonly #forCore: Server;
  readonly #firstLines = new Set<Socket>();
  #bound: readonly BoundSocket[] = [];
  #core: CoreLink | undefined;
  #slots: readonly KnownSlot[] = [];
  #isRetired = false;
  #hasSaidBye = false;
  /** A core has just gone, or has not come yet. */
  #isCoreExpected = true;
  #grace: NodeJS.Timeout | undefined;
  #linger: NodeJS.Timeout | undefined;

  constructor(options: FrontOptions) {
    this.#options = options;
    this.#forPrograms = createServer((socket) => this.adopt(socket));
    this.#forCore = createServer((socket) => this.#meet(socket));
  }

  /** Takes the place over from whoever listens for programs. */
  async listen(): Promise<void> {
    const { programs, ownPath } = this.#options;
    const own = await bindOver(this.#forCore, { path: ownPath, mode: 0o600 });
    this.#bound = [own];
    this.#bound = [own, await bindOver(this.#forPrograms, programs)];
    this.#awaitCore();
    this.#review();
  }

  /** A program's connection; `read` is what was read of it already. */
  adopt(socket: Socket, read: Uint8Array = new Uint8Array()): void {
    if (this.#programs.size >= MAX_PROGRAMS) {
      socket.destroy();
      return;
    }
    const key = randomBytes(16).toString('base64url');
    const program = new Program({
      socket,
      room: this.#room,
      slots: () => this.#slots,
      isCoreExpected: () => this.#isCoreExpected,
      onNeedsCore: () => this.#needsCore(key),
      onEnd: (problem) => {
        if (problem) this.#core?.send({ kind: 'problem', message: problem.message });
        this.#forget(key);
      },
    });
    this.#programs.set(key, {
      key,
      peer: this.#options.peerOf(socket),
      program,
      coresBefore: 0,
      announcedAt: -Infinity,
      again: undefined,
    });
    this.#review();
    if (read.length > 0) program.take(read);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#grace);
    clearTimeout(this.#linger);
    for (const bound of this.#bound) bound[Symbol.dispose]();
    for (const { program } of [...this.#programs.values()]) program.end();
    for (const socket of this.#firstLines) socket.destroy();
    this.#core?.[Symbol.dispose]();
    await Promise.all([this.#forPrograms, this.#forCore].map((server) => closed(server)));
  }

  #needsCore(key: string): void {
    const entry = this.#programs.get(key);
    if (!entry || !this.#core) return;
    entry.program.promise();
    clearTimeout(entry.again);
    const isTooSoon = performance.now() - entry.announcedAt < AGAIN_MS;
    if (isTooSoon) this.#announceAfter(entry, AGAIN_MS);
    else this.#announce(entry);
  }

  #announceAfter(entry: Entry, ms: number): void {
    clearTimeout(entry.again);
    entry.again = setTimeout(() => this.#announce(entry), ms).unref();
  }

  #announce(entry: Entry): void {
    if (!this.#core || !this.#programs.has(entry.key)) return;
    entry.announcedAt = performance.now();
    const { key, peer, coresBefore } = entry;
    this.#core.send({ kind: 'program', key, pid: peer?.pid, uid: peer?.uid, coresBefore });
    this.#announceAfter(entry, this.#options.times.claimMs);
  }

  #forget(key: string): void {
    const entry = this.#programs.get(key);
    clearTimeout(entry?.again);
    this.#programs.delete(key);
    this.#review();
  }

  /** The first line says whether it is the core, or its way to a program. */
  #meet(socket: Socket): void {
    this.#firstLines.add(socket);
    const lines = new LineReader();
    const end = (): void => {
      clearTimeout(deadline);
      this.#firstLines.delete(socket);
      socket.off('data', take);
    };
    const deadline = setTimeout(() => socket.destroy(), FIRST_LINE_MS).unref();
    const take = (piece: Buffer): void => {
      try {
        const [line, ...more] = lines.push(piece);
        if (line === undefined) return;
        end();
        this.#greet(socket, { first: parseToFront(line), lines });
        for (const one of more) this.#told(parseToFront(one));
      } catch {
        socket.destroy(); // it is neither
      }
    };
    socket.on('error', () => undefined);
    socket.on('close', end);
    socket.on('data', take);
  }

  #greet(socket: Socket, { first, lines }: { readonly first: ToFront; readonly lines: LineReader }): void {
    const entry = first.kind === 'claim' ? this.#programs.get(first.key) : undefined;
    if (entry && this.#core && !entry.program.hasCore) {
      clearTimeout(entry.again);
      entry.program.connect(socket, this.#options.times.claimMs);
      entry.coresBefore++;
    } else if (first.kind === 'attach' && this.#options.isCore(this.#options.peerOf(socket))) this.#attach(socket, lines);
    else socket.destroy();
  }

  /** The latest one counts: an earlier one has ended, whether its connection says so already or not. */
  #attach(socket: Socket, lines: LineReader): void {
    this.#core?.[Symbol.dispose]();
    const { times, version } = this.#options;
    const core = new CoreLink(socket, lines, {
      ...times,
      hasWork: () => this.#programs.size > 0,
      onMessage: (message) => this.#told(message),
      onEnd: () => this.#detach(core),
    });
    this.#core = core;
    this.#hasSaidBye = false;
    clearTimeout(this.#grace);
    core.send({ kind: 'front', version, isRetired: this.#isRetired, remembers: true });
    for (const { key, program } of this.#programs.values()) if (program.isKnown) this.#needsCore(key);
    this.#review();
  }

  #detach(core: CoreLink): void {
    if (this.#core !== core) return;
    this.#core = undefined;
    this.#isCoreExpected = true;
    for (const entry of this.#programs.values()) {
      clearTimeout(entry.again);
      entry.announcedAt = -Infinity;
      entry.program.abandon();
    }
    this.#awaitCore();
    this.#review();
  }

  #awaitCore(): void {
    clearTimeout(this.#grace);
    this.#grace = setTimeout(() => {
      this.#isCoreExpected = false;
      for (const { program } of this.#programs.values()) program.giveUpWaiting();
    }, this.#options.times.graceMs).unref();
  }

  #told(message: ToFront): void {
    switch (message.kind) {
      case 'slots':
        this.#slots = message.slots;
        return;
      case 'refuse':
        this.#programs.get(message.key)?.program.end();
        return;
      case 'retire':
        this.#isRetired = true;
        this.#review();
        return;
      case 'bye':
        this.#hasSaidBye = true;
        if (this.#programs.size > 0) this.#core?.send({ kind: 'staying' });
        this.#review();
        return;
      case 'attach':
      case 'claim':
      case 'pong': // that it came is all
    }
  }

  /** What there is to hold has changed. */
  #review(): void {
    clearTimeout(this.#linger);
    if (this.#programs.size > 0 || this.#bound.length === 0) return;
    const { idleMs, lingerMs } = this.#options.times;
    if (this.#isRetired || this.#hasSaidBye) this.#after(this.#isRetired ? LAST_MS : 0, () => this.#options.onIdleEnd());
    else if (this.#core) this.#after(idleMs, () => this.#core?.send({ kind: 'idle' }));
    else this.#after(lingerMs, () => this.#options.onIdleEnd());
  }

  #after(ms: number, work: () => void): void {
    this.#linger = setTimeout(work, ms).unref();
  }
}

/** A program that found this front's socket right before another took its place is still to be taken. */
const LAST_MS = 200;

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    if (server.listening) server.close(() => resolve());
    else resolve();
  });
}
