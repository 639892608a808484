/**
 * A real pcscd of our own with virtual readers (vpcd), for tests that must see the true service. It owns /run/pcscd and TCP ports on all
 * interfaces, so it only runs inside private mount and network namespaces, which `scripts/test.mjs` makes.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { countCards, untilEmpty, type CardCounts } from './pcscd-cards.ts';

const PCSCD = '/usr/sbin/pcscd';
const VPCD_DRIVER = '/usr/lib/pcsc/drivers/serial/libifdvpcd.so';
const PCSCD_SOCKET = '/run/pcscd/pcscd.comm';
const FIRST_PORT = 35_963;
const READY_DEADLINE_MS = 10_000;
const LOOK_AGAIN_MS = 5;
/** PCSCLITE_MAX_READERS_CONTEXTS of pcsc-lite 1.9.9. */
const MAX_READERS = 16;

export interface VirtualReader {
  /** As PC/SC names it. */
  readonly name: string;
  /** Where its card connects, on 127.0.0.1. */
  readonly port: number;
}

export interface Pcscd extends AsyncDisposable {
  readonly readers: readonly VirtualReader[];
  readonly pid: number;
  /** Ends pcscd; its readers and cards go with it. */
  stop(): Promise<void>;
  /** Starts it again after `stop`, with the same readers; or with drivers of these names, two readers each, in the order of their ports. */
  start(names?: readonly string[]): Promise<void>;
  /** Ends it as a crash would. */
  kill(): Promise<void>;
  /** Resolves when pcscd has noticed that no card is in a reader. A card that is put in before that may be taken for the one before, or never be seen. */
  untilEmpty(): Promise<void>;
}

/** Starts pcscd with `readerCount` readers. Each driver has two slots; the last one stays unnamed when the count is odd. */
export async function startPcscd(readerCount: number): Promise<Pcscd> {
  requirePrivateNamespaces();
  if (readerCount < 1 || readerCount > MAX_READERS)
    throw new RangeError(`starting pcscd: ${readerCount} readers are not 1 to ${MAX_READERS}`);
  const folder = await mkdtemp(join(tmpdir(), 'kortd-pcscd-'));
  const configuration = join(folder, 'reader.conf.d');
  await mkdir(configuration);
  const configure = async (names: readonly string[]): Promise<void> => {
    const drivers = await Promise.all(names.map(async (name, index) => prepareDriver(folder, name, index)));
    await writeFile(join(configuration, 'vpcd'), drivers.join('\n'));
  };
  await configure(range(Math.ceil(readerCount / 2)).map(friendlyName));
  let { child: running, counts } = await launch(configuration);
  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    if (running.exitCode !== null || running.signalCode !== null) return;
    const exited = once(running, 'exit');
    running.kill(signal);
    await exited;
    if (signal === 'SIGKILL') await Promise.all([PCSCD_SOCKET, '/run/pcscd/pcscd.pid'].map((path) => rm(path, { force: true })));
  };
  return {
    readers: range(readerCount).map((index) => ({
      name: `${friendlyName(index >> 1)} 00 0${index % 2}`,
      port: FIRST_PORT + index,
    })),
    get pid() {
      return running.pid ?? 0;
    },
    stop: async () => end('SIGTERM'),
    kill: async () => end('SIGKILL'),
    async start(names) {
      if (names) await configure(names);
      ({ child: running, counts } = await launch(configuration));
    },
    untilEmpty: () => untilEmpty(counts),
    async [Symbol.asyncDispose]() {
      await end('SIGTERM');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function requirePrivateNamespaces(): void {
  if (process.env['KORTD_PRIVATE_NAMESPACES'] === '1') return;
  throw new Error(
    'starting pcscd for tests: not in private namespaces (KORTD_PRIVATE_NAMESPACES is not 1); run them with `npm test`, ' +
      'or under `unshare -mn` with a tmpfs of its own on /run/pcscd and that variable set',
  );
}

function friendlyName(index: number): string {
  return `Kortd Bench ${String.fromCharCode(65 + index)}`;
}

/**
 * The configuration of one driver, which is two readers; ports two apart. Each driver is a copy of the library's file: its slots are
 * global variables, so that one file loaded twice serves only the readers named last (measured, vpcd 3.3).
 */
async function prepareDriver(folder: string, name: string, index: number): Promise<string> {
  const library = join(folder, `libifdvpcd-${index}.so`);
  await copyFile(VPCD_DRIVER, library);
  const channel = `0x${(FIRST_PORT + 2 * index).toString(16).toUpperCase()}`;
  return `FRIENDLYNAME "${name}"\nDEVICENAME /dev/null:${channel}\nLIBPATH ${library}\nCHANNELID ${channel}\n`;
}

function range(length: number): readonly number[] {
  return Array.from({ length }, (_, index) => index);
}

interface Launched {
  readonly child: ChildProcess;
  readonly counts: CardCounts;
}

async function launch(configuration: string): Promise<Launched> {
  const child = spawn(PCSCD, ['--foreground', '-c', configuration], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output = `${output}${chunk.toString()}`.slice(-4000)));
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`starting pcscd: it ended with status ${String(code)}: ${output}`);
  });
  const ready = new AbortController();
  try {
    return { child, counts: await Promise.race([waitUntilReady(ready.signal), failed]) };
  } finally {
    ready.abort();
    failed.catch(() => undefined); // ends later, as it should
  }
}

/** Until pcscd takes connections, and has looked at each reader once; vpcd's ports listen by then. */
async function waitUntilReady(signal: AbortSignal): Promise<CardCounts> {
  const deadline = performance.now() + READY_DEADLINE_MS;
  for (;;) {
    const counts = existsSync(PCSCD_SOCKET) && (await takesConnections()) ? await countCards() : undefined;
    if (counts) return counts;
    if (performance.now() > deadline) throw new Error(`starting pcscd: not ready after ${READY_DEADLINE_MS} ms`);
    await pause(LOOK_AGAIN_MS, undefined, { signal });
  }
}

async function takesConnections(): Promise<boolean> {
  const socket = connect(PCSCD_SOCKET);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
