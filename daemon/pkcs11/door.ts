/**
 * Where programs reach the desk's cards through PKCS #11 (p11-kit's RPC protocol). The daemon listens itself until the first program comes; then a front is started
 * (pkcs11-module/front), which takes the place over, and outlives the daemon. One that is there already is found again. Without a front programs are served all the
 * same, and end with the daemon.
 */
import { readdirSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { bindOver, type BoundSocket, type SocketPlace } from '../../pkcs11-module/front/bind.ts';
import type { FrontTimes } from '../../pkcs11-module/front/front.ts';
import { RpcProtocolError } from '../../pkcs11-module/rpc/reader.ts';
import { FRONT_FILES } from '../data-folder.ts';
import { checkSocketPath } from '../listen/bind.ts';
import { peerOfProcess, unixPeerOf, type UnixPeer } from '../listen/peer.ts';
import type { Log } from '../log.ts';
import { ClientPlaces, MAX_CLIENTS } from './client-places.ts';
import { FrontLink, type FrontProgram } from './front-link.ts';
import { Seldom } from './seldom.ts';
import { startFront, type StartedFront } from './start-front.ts';
import type { SharedSlots } from './token-desk.ts';

/** A client says its dialect at once. Without that it is no program: somebody looked whether the door is open. */
const GREETING_MS = 10_000;
/** Whoever found the door before the front took it over has come in by then. */
const LAST_MS = 200;
/** How long programs from before a restart wait for the cards to be known again. */
const SETTLING_MS = 3_000;
/** Handles of sessions by core: 16 million each, in 31 bits. */
const SESSIONS_OF_CORE = 0x1_00_00_00;
const CORES = 128;

export interface Pkcs11DoorOptions {
  /** The data folder: fronts and the daemon find each other there. */
  readonly folder: string;
  /** Where programs come. */
  readonly programs: SocketPlace;
  readonly slots: SharedSlots;
  readonly version: string;
  /** Undefined: programs are served without one. */
  readonly front: Partial<FrontTimes> | undefined;
  readonly log: Log;
}

export interface Pkcs11Door extends AsyncDisposable {
  /** Connections of programs that are served. */
  readonly programCount: number;
  readonly frontCount: number;
}

/** The caller closes: programs that no front holds are cut off then. */
export async function openPkcs11Door(options: Pkcs11DoorOptions): Promise<Pkcs11Door> {
  const door = new Door(options);
  await door.open();
  return door;
}

class Door implements Pkcs11Door {
  readonly #options: Pkcs11DoorOptions;
  readonly #clients = new Map<Socket, Promise<void>>();
  /** Those that have not said anything yet. */
  readonly #welcoming = new Set<Promise<void>>();
  readonly #fronts = new Set<FrontLink>();
  readonly #closing = new AbortController();
  readonly #seldom = new Seldom();
  readonly #places: ClientPlaces;
  readonly #watch: Disposable;
  #own: { readonly server: Server; readonly bound: BoundSocket } | undefined;
  #starting: Promise<StartedFront | undefined> | undefined;
  /** Programs from before a restart, and what the front knows from then, wait until the readers are known again. */
  #settled = Promise.resolve();
  #isSettled = true;
  #told = '';

  constructor(options: Pkcs11DoorOptions) {
    this.#options = options;
    this.#places = new ClientPlaces((program) =>
      options.log.warn({ program }, 'a program has more connections than one may have'),
    );
    this.#watch = options.slots.watchList(() => this.#tellSlots());
  }

  get programCount(): number {
    return this.#clients.size;
  }

  get frontCount(): number {
    return this.#fronts.size;
  }

  async open(): Promise<void> {
    checkSocketPath(`${this.#options.programs.path}~`);
    if (this.#options.front) await this.#findFronts();
    const current = [...this.#fronts].filter(({ version, isRetired }) => version === this.#options.version && !isRetired);
    if (current.length !== 1) await this.#takePlace();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#watch[Symbol.dispose]();
    await this.#starting;
    await Promise.all([...this.#fronts].map((front) => front[Symbol.asyncDispose]()));
    for (const socket of this.#clients.keys()) socket.destroy();
    await Promise.all(this.#clients.values());
    this.#closeOwn();
  }

  /** Fronts of this folder, whichever version they are of. */
  async #findFronts(): Promise<void> {
    const { folder } = this.#options;
    const files = readdirSync(folder).filter((name) => name.startsWith(FRONT_FILES));
    if (files.length === 0) return;
    this.#settled = this.#settle();
    await Promise.all(
      files.map(async (name) => {
        try {
          await this.#attach(join(folder, name));
        } catch (error) {
          this.#options.log.info({ front: name, problem: String(error) }, 'a front is there no more');
          rmSync(join(folder, name), { force: true });
        }
      }),
    );
  }

  async #attach(path: string): Promise<FrontLink> {
    const { log, version } = this.#options;
    const link: FrontLink = await FrontLink.open(path, {
      version,
      onProgram: (program) => this.#serveThrough(program),
      onIdle: () => void this.#takePlace().catch((error: unknown) => this.#warn(error, 'the front is not relieved')),
      onProblem: (problem) =>
        this.#seldom.about(path, (omitted) =>
          log.warn({ front: basename(path), problem, omitted }, 'a program that uses PKCS #11 went wrong'),
        ),
    });
    this.#fronts.add(link);
    this.#told = '';
    void this.#settled.then(() => this.#tellSlots());
    link.ended
      .then(() => this.#lost(link))
      .catch((error: unknown) => this.#warn(error, 'nobody listens for programs that use PKCS #11'));
    return link;
  }

  async #settle(): Promise<void> {
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(SETTLING_MS)]);
    this.#isSettled = false;
    await this.#options.slots.settled(signal).catch(() => undefined); // cards that take longer come when they come
    this.#isSettled = true;
  }

  /**
   * A front that ended on its own took its programs along; the next ones find the door open all the same. One that only lost patience with a daemon that stood still
   * is there yet.
   */
  async #lost(link: FrontLink): Promise<void> {
    if (!this.#fronts.delete(link) || this.#closing.signal.aborted) return;
    try {
      await this.#attach(link.path);
    } catch (error) {
      this.#options.log.info({ front: basename(link.path), problem: String(error) }, 'a front has ended');
      rmSync(link.path, { force: true });
      if (this.#fronts.size === 0) await this.#takePlace();
    }
  }

  /** The daemon listens itself; fronts end with their last program. */
  async #takePlace(): Promise<void> {
    if (this.#own || this.#closing.signal.aborted) return;
    const server = createServer({ pauseOnConnect: true }, (socket) => this.#welcome(socket));
    this.#own = { server, bound: await bindOver(server, this.#options.programs) };
    this.#starting = undefined;
    for (const front of this.#fronts) front.retire();
  }

  #closeOwn(): void {
    this.#own?.bound[Symbol.dispose]();
    this.#own?.server.close();
    this.#own = undefined;
  }

  #welcome(socket: Socket): void {
    if (this.#clients.size >= MAX_CLIENTS) {
      socket.destroy();
      return;
    }
    socket.on('error', () => undefined); // a program that ends breaks its connection off
    const welcomed = this.#received(socket).finally(() => this.#welcoming.delete(welcomed));
    this.#welcoming.add(welcomed);
    this.#track(socket, welcomed);
  }

  #track(socket: Socket, work: Promise<void>): void {
    const served = work
      .catch((error: unknown) => {
        socket.destroy();
        this.#warn(error, 'a program that uses PKCS #11 was not served');
      })
      .finally(() => {
        if (this.#clients.get(socket) === served) this.#clients.delete(socket);
      });
    this.#clients.set(socket, served);
  }

  async #received(socket: Socket): Promise<void> {
    const read = await firstBytes(socket);
    if (!read) return;
    const program = unixPeerOf(socket);
    const front = this.#options.front && (await this.#front());
    if (socket.destroyed) return;
    if (front) {
      front.give(socket, read);
      return;
    }
    socket.unshift(read);
    this.#track(socket, this.#serve(socket, { program, coresBefore: 0 }));
  }

  /** The one that is started by the first program, for all that come until it listens itself. */
  #front(): Promise<StartedFront | undefined> {
    this.#starting ??= this.#start().catch((error: unknown) => {
      this.#warn(error, 'programs that use PKCS #11 end with the daemon: their front could not be started');
      return undefined;
    });
    return this.#starting;
  }

  async #start(): Promise<StartedFront> {
    const { front: times = {}, folder, programs, version } = this.#options;
    const started = await startFront({ folder, programs, version, times });
    await this.#attach(join(folder, `${FRONT_FILES}${started.pid}`));
    void this.#handDoorOver(started).catch((error: unknown) => this.#warn(error, 'handing the door over to the front failed'));
    return started;
  }

  async #handDoorOver(started: StartedFront): Promise<void> {
    await delay(LAST_MS);
    this.#closeOwn();
    await Promise.allSettled(this.#welcoming);
    await started.allTaken();
    started[Symbol.dispose]();
  }

  #serveThrough(program: FrontProgram): void {
    const { socket, peer, coresBefore, remembers } = program;
    const work = async (): Promise<void> => {
      await this.#settled;
      await this.#serve(socket, { program: peerOfProcess(peer), coresBefore, remembers, refuse: () => program.refuse() });
    };
    this.#track(socket, work());
  }

  /** The module is loaded with the first program: a desk that none uses does without it. */
  async #serve(socket: Socket, { program, coresBefore, remembers = false, refuse }: Served): Promise<void> {
    const { slots, version, log } = this.#options;
    using place = this.#places.take(program.name);
    if (!place) {
      refuse?.();
      socket.destroy();
      return;
    }
    const [{ Application }, { serveRpcClient }] = await Promise.all([
      import('../../pkcs11-module/application/application.ts'),
      import('../../pkcs11-module/rpc/connection.ts'),
    ]);
    const wait = (ms: number, signal: AbortSignal): Promise<void> => delay(ms, undefined, { signal });
    const [major = 0, minor = 0] = version.split('.').map(Number);
    const served = serveRpcClient(socket, {
      remembers,
      open: ({ onOtherwise }) =>
        new Application({
          onOtherwise,
          desk: slots.forProgram(program),
          version: { major, minor },
          delay: wait,
          ...(coresBefore > 0 ? { resumed: { firstSession: (coresBefore % CORES) * SESSIONS_OF_CORE + 1 } } : {}),
        }),
      onProblem: (error) => {
        this.#seldom.about(program.name, (omitted) =>
          log.warn({ err: error, program: program.name, omitted }, 'a program that uses PKCS #11 went wrong'),
        );
        if (error instanceof RpcProtocolError) refuse?.();
      },
    });
    socket.resume(); // it was not read until somebody listens
    await served;
  }

  #tellSlots(): void {
    if (this.#fronts.size === 0 || !this.#isSettled) return;
    const slots = this.#options.slots.known();
    const told = JSON.stringify(slots);
    if (told === this.#told) return;
    this.#told = told;
    for (const front of this.#fronts) front.tellSlots(slots);
  }

  #warn(error: unknown, message: string): void {
    this.#options.log.warn({ err: error }, message);
  }
}

interface Served {
  readonly program: UnixPeer;
  readonly coresBefore: number;
  /** The front gives answers again that are said to hold. */
  readonly remembers?: boolean;
  readonly refuse?: () => void;
}

/** Undefined when nothing comes. The socket is not read then, so that it can be given away. */
async function firstBytes(socket: Socket): Promise<Buffer | undefined> {
  const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
  const deadline = setTimeout(() => socket.destroy(), GREETING_MS);
  socket.once('close', () => resolve(undefined));
  socket.once('data', (piece: Buffer) => {
    socket.pause();
    resolve(piece);
  });
  socket.resume();
  const first = await promise;
  clearTimeout(deadline);
  const more: unknown = first && socket.read();
  return first && more instanceof Buffer ? Buffer.concat([first, more]) : first;
}
