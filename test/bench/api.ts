/** Figures of the running daemon: start-up, memory, WebSocket round trips beside a bare echo, pipelined calls, events to many clients. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { NODE_FLAGS } from '../../daemon/hardening/node-flags.ts';
import { CLIENT_CORE, SERVER_CORE, end, nextLine, pin } from './child.ts';
import { atLeast, atMost, median, ratioAtMost, type Figure } from './figure.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'dist', 'main.js');
const ECHO = join(import.meta.dirname, 'echo-server.ts');
const ROUNDS = 7;
/** Short turns, so that both meet the same neighbours on a shared machine. */
const ROUND_TRIP_ROUNDS = 41;
const ROUND_TRIPS = 300;
const PIPELINED = 20_000;
/** Calls sent before their answers are waited for. */
const WINDOW = 500;
const CLIENTS = 500;
const AT_ONCE = 100;

interface Server {
  readonly child: ChildProcess;
  readonly startMs: number;
  readonly url: string;
  readonly token: string;
  /** Its data. */
  readonly folder: string;
  close(): Promise<void>;
}

export async function measureDaemon(): Promise<readonly Figure[]> {
  const starts: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const server = await startDaemon();
    starts.push(server.startMs);
    await server.close();
  }
  const daemon = await startDaemon();
  try {
    // Idle: nothing was called yet, and start-up garbage had time to go.
    await delay(3_000);
    const resident = residentMegabytes(daemon.child);
    return [
      atMost(500, { name: 'ready after', value: median(starts), unit: 'ms' }),
      atMost(110, { name: 'resident memory, idle', value: resident, unit: 'MB' }),
      ...(await measureCalls(daemon)),
      await measureFanOut(daemon),
    ];
  } finally {
    await daemon.close();
  }
}

async function measureCalls(daemon: Server): Promise<readonly Figure[]> {
  const echo = await startEcho();
  for (const { pid } of [daemon.child, echo.child]) pin(pid, SERVER_CORE);
  pin(process.pid, CLIENT_CORE);
  try {
    const kortd = await open(daemon.url, daemon.token);
    const bare = await open(echo.url);
    await roundTrips(kortd, 500);
    await roundTrips(bare, 500);
    const pairs: { kortd: number; bare: number }[] = [];
    for (let round = 0; round < ROUND_TRIP_ROUNDS; round++) {
      pairs.push({ kortd: await roundTrips(kortd, ROUND_TRIPS), bare: await roundTrips(bare, ROUND_TRIPS) });
    }
    const rates: { kortd: number; bare: number }[] = [];
    for (let round = 0; round < ROUNDS; round++) rates.push({ kortd: await pipelined(kortd), bare: await pipelined(bare) });
    kortd.close();
    bare.close();
    const peerValue = median(pairs.map((pair) => pair.bare));
    const ratio = median(pairs.map((pair) => pair.kortd / pair.bare));
    return [
      ratioAtMost(
        1.5,
        { name: 'WebSocket round trip of system.info, p50', value: ratio * peerValue, unit: 'µs' },
        { peer: 'bare ws echo', peerValue },
      ),
      atLeast(
        15_000,
        { name: 'pipelined calls', value: median(rates.map((rate) => rate.kortd)), unit: '/s' },
        { peer: 'bare ws echo', peerValue: median(rates.map((rate) => rate.bare)) },
      ),
    ];
  } finally {
    for (const pid of [daemon.child.pid, process.pid]) pin(pid, `${CLIENT_CORE},${SERVER_CORE}`);
    await echo.close();
  }
}

/** From the call that causes an event to its arrival at the last of many clients. */
async function measureFanOut(daemon: Server): Promise<Figure> {
  const caller = await open(daemon.url, daemon.token);
  const clients: WebSocket[] = [];
  // As many at once as may come before any has said who it is.
  while (clients.length < CLIENTS)
    clients.push(...(await Promise.all(Array.from({ length: AT_ONCE }, () => open(daemon.url, daemon.token)))));
  await Promise.all(clients.map((client) => call(client, 'event.subscribe', { events: ['card.changed'] })));
  const { cards } = (await call(caller, 'card.list', {})) as { cards: { id: string }[] };
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const arrived = Promise.all(clients.map((client) => once(client, 'message')));
    const begin = performance.now();
    const { lease } = (await call(caller, 'card.lease', { card: cards[0]?.id })) as { lease: string };
    await arrived;
    times.push(performance.now() - begin);
    const released = Promise.all(clients.map((client) => once(client, 'message')));
    await call(caller, 'card.release', { lease });
    await released;
  }
  for (const client of [caller, ...clients]) client.terminate();
  return atMost(50, { name: `an event at all of ${CLIENTS} subscribed clients`, value: median(times), unit: 'ms' });
}

let nextId = 1;

async function call(socket: WebSocket, method: string, params: object): Promise<unknown> {
  const id = nextId++;
  socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
  for (;;) {
    const [data] = (await once(socket, 'message')) as [Buffer];
    const message = JSON.parse(data.toString()) as { id?: number; result?: unknown; error?: { message: string } };
    if (message.id !== id) continue;
    if (message.error) throw new Error(message.error.message);
    return message.result;
  }
}

const INFO = JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'system.info' });

/** p50 in microseconds. */
async function roundTrips(socket: WebSocket, count: number): Promise<number> {
  const times = new Float64Array(count);
  let done = 0;
  let begin = performance.now();
  await new Promise<void>((resolve) => {
    const onMessage = (): void => {
      times[done++] = performance.now() - begin;
      if (done === count) {
        socket.off('message', onMessage);
        resolve();
        return;
      }
      begin = performance.now();
      socket.send(INFO);
    };
    socket.on('message', onMessage);
    socket.send(INFO);
  });
  return (times.sort()[count >> 1] ?? Number.NaN) * 1000;
}

/** Calls a second with a window of them under way. */
async function pipelined(socket: WebSocket): Promise<number> {
  let sent = 0;
  let received = 0;
  const begin = performance.now();
  await new Promise<void>((resolve) => {
    const onMessage = (): void => {
      received++;
      if (sent < PIPELINED) {
        sent++;
        socket.send(INFO);
      }
      if (received === PIPELINED) {
        socket.off('message', onMessage);
        resolve();
      }
    };
    socket.on('message', onMessage);
    for (; sent < WINDOW; sent++) socket.send(INFO);
  });
  return PIPELINED / ((performance.now() - begin) / 1000);
}

async function open(url: string, token?: string): Promise<WebSocket> {
  const isKortd = token !== undefined;
  const socket = new WebSocket(isKortd ? `${url}/v1/ws` : url, {
    perMessageDeflate: false,
    headers: isKortd ? { authorization: `Bearer ${token}` } : {},
  });
  await once(socket, isKortd ? 'message' : 'open');
  return socket;
}

/** The built program; `more` goes to its command line. */
export async function startDaemon(more: readonly string[] = []): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'kortd-bench-'));
  const begin = performance.now();
  const options = ['--simulate', 'office', '--port', '0', '--data-dir', folder, '--log-level', 'error'];
  const parameters = [...NODE_FLAGS, MAIN, 'serve', ...options, ...more];
  const child = spawn(process.execPath, parameters, { stdio: ['ignore', 'pipe', 'inherit'] });
  const line = await nextLine(child);
  const startMs = performance.now() - begin;
  const close = async (): Promise<void> => {
    await end(child);
    rmSync(folder, { recursive: true, force: true });
  };
  return {
    child,
    startMs,
    url: line.replace('kortd ready ', '').replace('http', 'ws'),
    token: readFileSync(join(folder, 'token'), 'utf8').trim(),
    folder,
    close,
  };
}

async function startEcho(): Promise<{ child: ChildProcess; url: string; close: () => Promise<void> }> {
  const child = spawn(process.execPath, [ECHO], { stdio: ['ignore', 'pipe', 'inherit'] });
  const port = await nextLine(child);
  return { child, url: `ws://127.0.0.1:${port}`, close: () => end(child) };
}

export function residentMegabytes(child: ChildProcess): number {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid ?? 0}/status`, 'utf8'))?.[1];
  return (Number(kilobytes) * 1024) / 1e6;
}
