/** A front in this process, and a desk that comes and goes behind it. */
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FRONT_TIMES, Front, type FrontTimes, type Peer } from '../../pkcs11-module/front/front.ts';
import { encodeLine, LineReader, parseToCore, type ToCore, type ToFront } from '../../pkcs11-module/front/messages.ts';
import type { Dialect } from '../../pkcs11-module/rpc/calls.ts';
import { VERSION } from '../../daemon/version.ts';
import { peerCredentials } from '../../drivers/peer-credentials.ts';
import { openBench, within, type Bench, type WatchedPivCard } from '../api/support.ts';
import { filledPivCard } from './desk.ts';
import { Program } from './program.ts';
import { RpcClient } from './rpc-client.ts';

/** Programs find out at once that no core is there. */
const TIMES: FrontTimes = { ...FRONT_TIMES, graceMs: 0 };

export interface Core extends AsyncDisposable {
  readonly bench: Bench;
  readonly card: WatchedPivCard;
}

export interface FrontDesk extends AsyncDisposable {
  readonly front: Front;
  readonly folder: string;
  readonly path: string;
  readonly ownPath: string;
  readonly hasEnded: Promise<undefined>;
  /** A desk with one card in it. */
  core(): Promise<Core>;
  client(dialect?: Dialect): Promise<RpcClient>;
  program(dialect?: Dialect): Promise<Program>;
}

export interface FrontDeskOptions {
  readonly times?: Partial<FrontTimes>;
  readonly version?: string;
  readonly isCore?: (peer: Peer | undefined) => boolean;
}

export async function openFrontDesk(options: FrontDeskOptions = {}): Promise<FrontDesk> {
  const { times = {}, version = VERSION, isCore = () => true } = options;
  await using undo = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'kortd-front-'));
  undo.defer(() => rmSync(folder, { recursive: true, force: true }));
  const ended = Promise.withResolvers<undefined>();
  const front: Front = undo.use(
    new Front({
      programs: { path: join(folder, 'pkcs11'), mode: 0o600 },
      ownPath: join(folder, 'front-1'),
      version,
      peerOf: peerCredentials,
      isCore,
      times: { ...TIMES, ...times },
      onIdleEnd: () => void front[Symbol.asyncDispose]().then(() => ended.resolve(undefined)),
    }),
  );
  await front.listen();
  const path = join(folder, 'pkcs11');
  const resources = undo.move();
  return {
    front,
    folder,
    path,
    ownPath: join(folder, 'front-1'),
    hasEnded: ended.promise,
    core: () => openCore(folder),
    client: async (dialect) => resources.use(await RpcClient.open(path, dialect)),
    program: async (dialect) => resources.use(await Program.open({ dataFolder: folder }, dialect)),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

async function openCore(dataFolder: string): Promise<Core> {
  const bench = await openBench({ dataFolder, pkcs11Front: {} });
  const card = filledPivCard();
  await bench.insert(card);
  return { bench, card, [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose]() };
}

/** A core that does what the test says. */
export class RawCore implements Disposable {
  readonly socket: Socket;
  readonly #lines = new LineReader();
  readonly #heard: ToCore[] = [];
  #wake = Promise.withResolvers<undefined>();

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => undefined);
    socket.on('data', (piece: Buffer) => {
      this.#heard.push(...this.#lines.push(piece).map((line) => parseToCore(line)));
      this.#wake.resolve(undefined);
      this.#wake = Promise.withResolvers();
    });
  }

  static async attach(path: string): Promise<RawCore> {
    const core = new RawCore(await reach(path));
    core.send({ kind: 'attach', version: VERSION, pid: process.pid });
    await core.hears('front');
    return core;
  }

  send(message: ToFront): void {
    this.socket.write(encodeLine(message));
  }

  async hears<K extends ToCore['kind']>(kind: K): Promise<Extract<ToCore, { kind: K }>> {
    for (;;) {
      const index = this.#heard.findIndex((message) => message.kind === kind);
      if (index >= 0) return this.#heard.splice(index, 1)[0] as Extract<ToCore, { kind: K }>;
      await within(this.#wake.promise, `a front that says ${kind}`);
    }
  }

  /** The way to a program. */
  async claim(path: string): Promise<Socket> {
    const { key } = await this.hears('program');
    const socket = await reach(path);
    socket.write(encodeLine({ kind: 'claim', key }));
    return socket;
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

async function reach(path: string): Promise<Socket> {
  const socket = connect(path);
  socket.on('error', () => undefined);
  await within(once(socket, 'connect'), 'the front');
  return socket;
}
