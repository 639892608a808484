/**
 * The built program, in a process of its own, under clients of PKCS #11 that mean no good, in all three dialects, while a good program signs: its signatures go on, the
 * memory is bounded, and the log is short. `KORTD_LONG=1` makes a hundred times as many rounds; `KORTD_SEED` runs one.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Dialect } from '../../../pkcs11-module/rpc/calls.ts';
import { FrameReader } from '../../../pkcs11-module/rpc/frame.ts';
import { RpcReader } from '../../../pkcs11-module/rpc/reader.ts';
import { MAX_CLIENTS_OF_ONE } from '../../../daemon/pkcs11/client-places.ts';
import { eventually, within } from '../../api/support.ts';
import { noteTyped } from '../../evidence/typed.ts';
import { FUZZ_TIMEOUT_MS, ROUNDS_FACTOR, forSeeds, type SeededRandom } from '../../fuzz/seeded.ts';
import { commandLine } from '../../hardening/process.ts';
import { startProgram, tool, type RunningDaemon } from '../../support/program.ts';
import { MODULE } from '../programs/tools.ts';
import { ck, Program, SERIAL } from '../program.ts';
import { RpcClient } from '../rpc-client.ts';
import { readTranscripts } from '../transcripts/transcript.ts';
import { everyCall, wrongConnection } from './hostile-frames.ts';

const PIN = '123456';
/** The daemon and its front take connections one by one, on a machine that may be busy. */
const CONNECT_MS = 10_000;
const ROUNDS = 30;
const FIRST_SEED = 1;
const MAX_RESIDENT_BYTES = 300e6;
/** Of the PIV card one, of each e-ID card two. */
const TOKENS = 5;
const START_MS = 10_000;
/** More than may be under way at once. */
const WAITING_THREADS = 300;
const DIALECTS: readonly Dialect[] = [0, 1, 2];
const CLIENTS = ['0.24.1', '0.25.5', '0.26.5'];

let daemon: RunningDaemon;
let folder: string;
let good: GoodProgram;
const figures: string[] = [];

beforeAll(async () => {
  noteTyped(PIN);
  daemon = await startProgram(['--simulate', 'office', '--log-level', 'info']);
  const started = commandLine(daemon.pid);
  folder = started[started.indexOf('--data-dir') + 1] ?? '';
  const { readers } = await daemon.client.call('simulation.list', {});
  for (const [index, card] of [
    [1, 'secondOperatorEid'],
    [2, 'operatorEid'],
  ] as const)
    await daemon.client.call('simulation.insertCard', { reader: readers[index]?.reader ?? '', card });
  good = await GoodProgram.start(folder);
}, 60_000);

afterAll(async () => {
  process.stdout.write(`${figures.join('\n')}\n`);
  await good.stop();
  if (daemon.exitStatus() === null) await daemon[Symbol.asyncDispose]();
});

/** Signs without a pause, until it is stopped. */
class GoodProgram {
  count = 0;
  longestMs = 0;
  #isOver = false;
  #work: Promise<void> = Promise.resolve();
  readonly #program: Program;

  private constructor(program: Program) {
    this.#program = program;
  }

  static async start(dataFolder: string): Promise<GoodProgram> {
    const program = await Program.open({ dataFolder });
    const deadline = performance.now() + START_MS;
    while ((await program.slots()).length < TOKENS) if (performance.now() > deadline) throw new Error('not all cards are there');
    const slots = await program.slots();
    const labels = await Promise.all(slots.map((slot) => program.tokenLabel(slot)));
    const session = await program.session(slots[labels.indexOf('PIV card')]);
    await program.login(session, PIN);
    const key = await program.key(session, '9A');
    const spki = await program.attribute(session, key, ck.CKA_PUBLIC_KEY_INFO);
    const publicKey = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
    const running = new GoodProgram(program);
    running.#work = running.#sign(session, key, publicKey);
    running.#work.catch(() => undefined); // told by stop()
    return running;
  }

  async #sign(session: number, key: number, publicKey: KeyObject): Promise<void> {
    while (!this.#isOver) {
      const message = Buffer.from(`message ${this.count}`);
      const data = new Uint8Array(createHash('sha256').update(message).digest());
      const begin = performance.now();
      const signature = await this.#program.sign(session, key, { mechanism: { type: ck.CKM_ECDSA }, data });
      this.longestMs = Math.max(this.longestMs, performance.now() - begin);
      expect(verify('sha256', message, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)).toBe(true);
      this.count++;
    }
  }

  /** Rejects with what went wrong. */
  async stop(): Promise<void> {
    this.#isOver = true;
    try {
      await this.#work;
    } finally {
      await this.#program[Symbol.asyncDispose]();
    }
  }
}

/** The good program signs on, during and after. */
async function besideGood(what: string, work: () => Promise<void>): Promise<void> {
  const before = good.count;
  good.longestMs = 0;
  await work();
  const during = good.count - before;
  const seen = good.count;
  await eventually('a signature of the good program', () => good.count > seen + 1);
  figures.push(
    `${what}: ${during} good signatures meanwhile, the longest took ${good.longestMs.toFixed(0)} ms; ${resident('VmRSS')} MB, at its most ${resident('VmHWM')} MB`,
  );
}

/** Of the daemon (proc(5), /proc/pid/status), in MB. */
function resident(field: 'VmHWM' | 'VmRSS'): number {
  const status = readFileSync(`/proc/${daemon.pid}/status`, 'utf8');
  return Math.round(Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1_000);
}

async function open(version: number | undefined): Promise<Socket> {
  const end = performance.now() + CONNECT_MS;
  for (;;) {
    const socket = connect(join(folder, 'pkcs11'));
    try {
      await once(socket, 'connect');
    } catch (error) {
      // Too many wait to be taken: a socket that does not block hears of it (unix(7)), where that of a program waits.
      const isFull = error instanceof Error && 'code' in error && error.code === 'EAGAIN';
      if (!isFull || performance.now() > end) throw error;
      continue;
    }
    socket.on('error', () => undefined);
    if (version !== undefined) socket.write(Uint8Array.of(version));
    return socket;
  }
}

/** Sends all of it, in pieces, and ends in one way or another; resolves when the connection is over. */
async function attack(random: SeededRandom, version: number, frames: readonly Uint8Array[]): Promise<void> {
  const socket = await open(version);
  // An error before the end is no failure: the daemon may end it first.
  const closed = new Promise((resolve) => socket.once('close', resolve));
  if (random.below(4) > 0) socket.resume(); // else it reads nothing
  for (const frame of frames) {
    if (socket.destroyed) break;
    const at = random.below(4) === 0 ? random.below(frame.length + 1) : frame.length;
    socket.write(frame.subarray(0, at));
    if (at < frame.length) await new Promise((resolve) => setImmediate(resolve));
    socket.write(frame.subarray(at));
  }
  if (random.below(3) === 0) socket.destroy();
  else {
    socket.end();
    socket.resume();
  }
  await within(closed, 'the end of a hostile connection');
}

/** CKR_OK for an answer. */
function errorIn(body: Uint8Array): number {
  const reader = new RpcReader(body);
  if (reader.uint32() !== 0) return ck.CKR_OK;
  reader.sized();
  return reader.ulong();
}

describe.each(DIALECTS)('in dialect %i', (dialect) => {
  const connections = [...readTranscripts()]
    .filter(([name]) => name.startsWith(`${CLIENTS[dialect]}-`) && !name.includes('wrong-pin'))
    .flatMap(([, transcript]) => transcript.connections);

  it(
    'frames of real clients made wrong end in a value or in the end of their own connection',
    async () => {
      await besideGood(`dialect ${dialect}, real frames made wrong`, () =>
        forSeeds({ first: FIRST_SEED, rounds: ROUNDS }, async (random) => {
          const connection = connections[random.below(connections.length)];
          if (connection) await attack(random, dialect, wrongConnection(random, connection).slice(0, 200));
        }),
      );
    },
    FUZZ_TIMEOUT_MS,
  );

  it(
    'every call with arguments of any kind does so too',
    async () => {
      const [initialise] = connections[0]?.frames ?? [];
      if (!initialise) throw new Error('no transcript');
      await besideGood(`dialect ${dialect}, every call`, () =>
        forSeeds({ first: FIRST_SEED, rounds: ROUNDS }, async (random) => {
          await using client = await RpcClient.open(join(folder, 'pkcs11'), dialect);
          const [slots] = await client.call('C_GetSlotList', 1, TOKENS);
          const [slot = 0] = (slots as { readonly value: readonly number[] }).value;
          await client.call('C_OpenSession', slot, SERIAL);
          const answers = new FrameReader();
          const values: number[] = [];
          client.socket.removeAllListeners('data').on('data', (piece: Buffer) => {
            for (const { body } of answers.push(piece)) values.push(errorIn(body));
          });
          for (const frame of everyCall(random, dialect)) if (!client.socket.destroyed) client.send(frame);
          client.socket.end();
          await client.closed();
          // That is a defect of ours.
          expect(values).not.toContain(ck.CKR_GENERAL_ERROR);
        }),
      );
    },
    FUZZ_TIMEOUT_MS,
  );
});

describe('a client that takes as much as it gets', () => {
  it('has 4,096 sessions and then CKR_SESSION_COUNT, and leaves nothing behind', async () => {
    await besideGood('10,000 sessions', async () => {
      await using program = await Program.open({ dataFolder: folder });
      const [slot = 0] = await program.slots();
      let opened = 0;
      for (let round = 0; round < 100; round++) {
        const calls = Array.from({ length: 100 }, () => program.client.call('C_OpenSession', slot, SERIAL));
        for (const outcome of await Promise.allSettled(calls))
          if (outcome.status === 'fulfilled') opened++;
          else expect(outcome.reason).toMatchObject({ value: ck.CKR_SESSION_COUNT });
      }
      expect(opened).toBe(4_096);
      await program.client.call('C_CloseAllSessions', slot);
      expect(await program.session(slot)).toBeGreaterThan(opened);
    });
  });

  it('asks 10,000 times for one more object', async () => {
    await besideGood('10,000 objects, one at a time', async () => {
      await using program = await Program.open({ dataFolder: folder });
      const session = await program.session();
      for (let round = 0; round < 100; round++) {
        await program.client.call('C_FindObjectsInit', session, []);
        const calls = Array.from({ length: 100 }, () => program.client.call('C_FindObjects', session, 1));
        const handles = (await Promise.all(calls)).flatMap(([found]) => (found as { readonly value: readonly number[] }).value);
        expect(new Set(handles).size).toBe(handles.length);
        await program.client.call('C_FindObjectsFinal', session);
      }
    });
  });

  it('waits for slots in many threads, of which some are refused, and is let go when it ends', async () => {
    await besideGood('C_WaitForSlotEvent by many', async () => {
      for (let round = 0; round < 20; round++) {
        await using client = await RpcClient.open(join(folder, 'pkcs11'));
        const waits = Array.from({ length: WAITING_THREADS }, () => client.begin('C_WaitForSlotEvent', 0));
        const outcomes = Promise.allSettled(waits);
        await client.call('C_Finalize');
        const values = (await within(outcomes, 'the waits')).map(
          (one) => one.status === 'rejected' && (one.reason as { value?: number }).value,
        );
        expect(values.filter((value) => value === ck.CKR_FUNCTION_REJECTED)).toHaveLength(WAITING_THREADS - 64);
        expect(values.filter((value) => value === ck.CKR_CRYPTOKI_NOT_INITIALIZED)).toHaveLength(64);
      }
    });
  });

  it('keeps its share of connections, and no other program from its own', async () => {
    await besideGood('1,000 connections', async () => {
      const sockets: Socket[] = [];
      for (let round = 0; round < 50; round++) sockets.push(...(await Promise.all(Array.from({ length: 20 }, () => open(2)))));
      const alive = (): number => sockets.filter(({ destroyed }) => !destroyed).length;
      for (const socket of sockets) socket.resume();
      await eventually('the end of those that are too many', () => alive() < MAX_CLIENTS_OF_ONE);
      expect(alive()).toBe(MAX_CLIENTS_OF_ONE - 1); // the good one has the last
      const address = `P11_KIT_SERVER_ADDRESS=unix:path=${folder}/pkcs11`;
      expect(await tool('env', [address, 'pkcs11-tool', '--module', MODULE, '-L'])).toContain('PIV card');
      for (const socket of sockets) socket.destroy();
    });
  });
});

describe('afterwards', () => {
  it('the memory was bounded, and the log is short', async () => {
    expect(resident('VmHWM') * 1e6).toBeLessThan(MAX_RESIDENT_BYTES);
    expect(daemon.log().split('\n').length).toBeLessThan(ROUNDS_FACTOR > 1 ? 200 : 40);
    await good.stop();
    await daemon[Symbol.asyncDispose]();
    expect(daemon.exitStatus()).toBe(0);
  });
});
