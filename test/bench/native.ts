/**
 * PKCS #11 for native programs, beside p11-kit's own server over the same token of SoftHSM 2: one C program through the stock client, at one and then at the
 * other, in turns: `node test/bench/native.ts`. And what a card is asked for when pkcs11-tool lists it, and the memory of programs that are connected.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { connect as connectSocket, type Socket } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createPivCard } from '../../drivers/simulated/cards/piv.ts';
import { createEidCard } from '../../drivers/simulated/cards/eid.ts';
import { SimulatedReader } from '../../drivers/simulated/reader.ts';
import { createSimulatedSource } from '../../drivers/simulated/source.ts';
import { writePolicy } from '../api/bench.ts';
import { cardKey, certificateFor, testKey } from '../api/cards.ts';
import { MODULE } from '../pkcs11-module/programs/tools.ts';
import { countCommands, type CountingCard } from '../support/counting-card.ts';
import { runTool } from '../support/run-tool.ts';
import { TOKEN, copySoftHsm, createSoftHsm, type SoftHsm } from '../support/softhsm.ts';
import { startDaemon } from './api.ts';
import { CLIENT_CORE, SERVER_CORE, end, nextLine, pin } from './child.ts';
import { atMost, format, median, ratioAtLeast, ratioAtMost, type Figure } from './figure.ts';
import { startCounted } from './in-process.ts';

const ROUNDS = 7;
const ROUND_TRIP_ROUNDS = 21;
const ROUND_TRIPS = 1_000;
const SIGNATURES = 400;
const THREADS = [1, 2, 4] as const;
/** Fewer than one program may have connections (daemon/pkcs11/client-places.ts). */
const PROGRAMS = 390;
const READY_MS = 20_000;

interface Server {
  readonly name: 'kortd' | 'p11-kit';
  readonly pid: number;
  /** P11_KIT_SERVER_ADDRESS. */
  readonly address: string;
}

export async function measureNative(): Promise<readonly Figure[]> {
  return [...(await measureServers()), ...(await countListing()), await measureMemory()];
}

async function measureServers(): Promise<readonly Figure[]> {
  await using stack = new AsyncDisposableStack();
  const hsm = stack.use(await createSoftHsm());
  const login = ['--module', hsm.configuration.path, '--token-label', TOKEN.label, '--login', '--pin', TOKEN.pin];
  await hsm.run('pkcs11-tool', [...login, '--keypairgen', '--key-type', 'rsa:2048', '--id', '45']);
  const client = await compileClient();
  // Each its own copy: what one does to the files of the token is none of the other's matter.
  const servers = [await startKortd(stack, hsm), await startP11Kit(stack, stack.use(await copySoftHsm(hsm)))] as const;
  for (const { address } of servers) await untilListed(client, address);
  return [await measureRoundTrip(client, servers), ...(await measureSignatures(client, servers))];
}

type Servers = readonly [Server, Server];

async function measureRoundTrip(client: string, servers: Servers): Promise<Figure> {
  for (const { pid } of servers) pinAll(pid, SERVER_CORE);
  try {
    const turn = (server: Server): Promise<number> =>
      ask(['taskset', '-c', CLIENT_CORE, client], server, [1, ROUND_TRIPS, 'info']);
    const { ratio, peerValue } = await inTurns(ROUND_TRIP_ROUNDS, servers, turn);
    return ratioAtMost(
      1.5,
      { name: 'PKCS #11 round trip of C_GetSessionInfo, p50', value: ratio * peerValue, unit: 'µs' },
      { peer: 'p11-kit server', peerValue },
    );
  } finally {
    for (const { pid } of servers) pinAll(pid, `${CLIENT_CORE},${SERVER_CORE}`);
  }
}

/** With all that it started: whatever has a part in an answer runs on the server's core. */
function pinAll(server: number, cores: string): void {
  for (const pid of [server, ...descendants(server)]) pin(pid, cores);
}

async function measureSignatures(client: string, servers: Servers): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const threads of THREADS) {
    const turn = (server: Server): Promise<number> => ask([client], server, [threads, SIGNATURES, 'sign']);
    const { ratio, peerValue } = await inTurns(ROUNDS, servers, turn);
    const name = `PKCS #11: RSA-2048 on SoftHSM 2, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
    figures.push(ratioAtLeast(0.85, { name, value: ratio * peerValue, unit: '/s' }, { peer: 'p11-kit server', peerValue }));
  }
  return figures;
}

/** Short turns, so that both meet the same neighbours on a shared machine: the median of the ratios. */
async function inTurns(
  rounds: number,
  [kortd, peer]: Servers,
  turn: (server: Server) => Promise<number>,
): Promise<{ readonly ratio: number; readonly peerValue: number }> {
  for (const server of [kortd, peer]) await turn(server);
  const pairs: { kortd: number; peer: number }[] = [];
  for (let round = 0; round < rounds; round++) pairs.push({ kortd: await turn(kortd), peer: await turn(peer) });
  return { ratio: median(pairs.map((pair) => pair.kortd / pair.peer)), peerValue: median(pairs.map((pair) => pair.peer)) };
}

export async function ask(
  [program = '', ...first]: readonly string[],
  { address }: Pick<Server, 'address'>,
  [threads, count, what]: readonly [number, number, string],
): Promise<number> {
  const parameters = [...first, MODULE, TOKEN.label, TOKEN.pin, String(threads), String(count), what];
  return Number(await runTool(program, parameters, { P11_KIT_SERVER_ADDRESS: address }));
}

/** The built program. */
export async function startKortd(stack: AsyncDisposableStack, { configuration }: SoftHsm): Promise<Server> {
  const policyFolder = stack.adopt(mkdtempSync(join(tmpdir(), 'kortd-bench-')), remove);
  const { name, path, sha256, environment } = configuration;
  writePolicy(policyFolder, { modules: [{ name, path, sha256, environment }] });
  const daemon = await startDaemon(['--policy-dir', policyFolder]);
  stack.defer(() => daemon.close());
  return { name: 'kortd', pid: daemon.child.pid ?? 0, address: `unix:path=${daemon.folder}/pkcs11` };
}

export async function startP11Kit(stack: AsyncDisposableStack, { configuration, environment }: SoftHsm): Promise<Server> {
  const folder = stack.adopt(mkdtempSync(join(tmpdir(), 'kortd-bench-')), remove);
  const path = join(folder, 'p11-kit');
  const parameters = ['server', '--foreground', '--name', path, '--provider', configuration.path, 'pkcs11:'];
  const child = spawn('p11-kit', parameters, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...environment },
  });
  stack.defer(() => end(child));
  await nextLine(child);
  return { name: 'p11-kit', pid: child.pid ?? 0, address: `unix:path=${path}` };
}

export async function untilListed(client: string, address: string): Promise<void> {
  const limit = performance.now() + READY_MS;
  for (;;) {
    try {
      await ask([client], { address }, [1, 1, 'info']);
      return;
    } catch (error) {
      if (performance.now() > limit) throw error;
      await delay(100);
    }
  }
}

/** Commands that reach a card which is known when pkcs11-tool lists what is on it, as a whole process. */
async function countListing(): Promise<readonly Figure[]> {
  const certificate = certificateFor(testKey('RSA-2048', 'bench').publicKey, { name: 'Bench' });
  const piv = createPivCard({ keys: { '9A': cardKey('RSA-2048', { name: 'bench', certificate }) } });
  return [
    atMost(2, { name: 'APDUs: pkcs11-tool -O on a known PIV card', value: await countOf(countCommands(piv)), unit: 'APDUs' }),
    atMost(2, {
      name: 'APDUs: pkcs11-tool -O on a known eID card',
      value: await countOf(countCommands(createEidCard({ persona: 'anna' }))),
      unit: 'APDUs',
    }),
  ];
}

async function countOf(card: CountingCard): Promise<number> {
  await using stack = new AsyncDisposableStack();
  const reader = new SimulatedReader({ name: 'Bench' });
  const { folder, nextCard } = await startCounted(stack, createSimulatedSource([reader]));
  const identified = nextCard();
  reader.insert(card);
  await identified;
  card.taken();
  const address = `unix:path=${folder}/pkcs11`;
  const listed = await runTool('pkcs11-tool', ['--module', MODULE, '-O'], { P11_KIT_SERVER_ADDRESS: address });
  if (!listed.includes('Certificate Object')) throw new Error(`pkcs11-tool sees no certificate: ${listed}`);
  return card.taken();
}

/** What programs that are connected, initialised and have a session take of the daemon, all its processes together. */
async function measureMemory(): Promise<Figure> {
  const daemon = await startDaemon();
  const sockets: Socket[] = [];
  try {
    const pid = daemon.child.pid ?? 0;
    sockets.push(await openProgram(join(daemon.folder, 'pkcs11'))); // the module is loaded with the first
    await delay(SETTLE_MS);
    const before = residentKilobytes(pid);
    for (let count = 0; count < PROGRAMS; count++) sockets.push(await openProgram(join(daemon.folder, 'pkcs11')));
    await delay(SETTLE_MS);
    const value = (residentKilobytes(pid) - before) / PROGRAMS;
    return atMost(200, { name: `PKCS #11: memory of a program, ${PROGRAMS} connected`, value, unit: 'kB' });
  } finally {
    for (const socket of sockets) socket.destroy();
    await daemon.close();
  }
}

const SETTLE_MS = 2_000;
/** The second version of the protocol, C_Initialize and C_GetSlotList, as the stock client sends them (p11-kit/rpc-client.c). */
const HELLO = Buffer.from('02', 'hex');
const INITIALIZE = frame(
  '00000010',
  '0000000100000005617979617901000000295052495641544' +
    '52d474e4f4d452d4b455952494e472d504b435331312d50524f544f434f4c2d562d3100010000000100',
);
const LIST_SLOTS = frame('00000011', '00000004000000037966750100000040');

function frame(code: string, body: string): Buffer {
  const length = (body.length / 2).toString(16).padStart(8, '0');
  return Buffer.from(`${code}00000000${length}${body}`, 'hex');
}

async function openProgram(path: string): Promise<Socket> {
  const socket = connectSocket(path);
  await once(socket, 'connect');
  for (const message of [HELLO, INITIALIZE, LIST_SLOTS]) {
    socket.write(message);
    await once(socket, 'data', { signal: AbortSignal.timeout(READY_MS) });
  }
  return socket;
}

/** Of a process and all that it started. */
function residentKilobytes(pid: number): number {
  return [pid, ...descendants(pid)].reduce((sum, one) => {
    const status = readFileSync(`/proc/${one}/status`, 'utf8');
    return sum + Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0);
  }, 0);
}

function descendants(pid: number): readonly number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
  return children.flatMap((child) => [child, ...descendants(child)]);
}

export async function compileClient(): Promise<string> {
  const folder = join(import.meta.dirname, '..', '..', 'build', 'bench');
  mkdirSync(folder, { recursive: true });
  const program = join(folder, 'pkcs11-client');
  const source = join(import.meta.dirname, 'pkcs11-client.c');
  await runTool('gcc', ['-O2', '-std=gnu11', '-Wall', '-o', program, source, '-ldl', '-lpthread']);
  return program;
}

function remove(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

if (import.meta.main) process.stdout.write(`${format(await measureNative(), false)}\n`);
