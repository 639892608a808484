/** Somebody who works while the daemon is attacked: a call on a WebSocket and one by REST on a connection of its own, every 50 ms, and how long each took. */
import type { RunningDaemon } from '../support/program.ts';
import { http } from '../api/transports.ts';

const PERIOD_MS = 50;
const PROBE_MS = 5;

export interface Waits {
  readonly calls: number;
  readonly maxMs: number;
  readonly p99Ms: number;
}

export interface Report {
  readonly webSocket: Waits;
  readonly rest: Waits;
  /** How late this process itself was at its worst: it waited for the machine, not for the daemon. */
  readonly stallMs: number;
}

/** Works until `attack` is over. Rejects when a call fails. */
export async function workDuring(daemon: RunningDaemon, token: string, attack: Promise<unknown>): Promise<Report> {
  const port = Number(new URL(daemon.url).port);
  const webSocket: number[] = [];
  const rest: number[] = [];
  const calls: Promise<void>[] = [];
  using probe = watchStalls();
  const timer = setInterval(() => {
    calls.push(
      timed(webSocket, () => daemon.client.call('card.list')),
      timed(rest, async () => {
        const headers = { authorization: `Bearer ${token}` };
        const { status } = await http({ port, method: 'GET', path: '/v1/cards', headers });
        if (status !== 200) throw new Error(`a good call was answered with ${status}`);
      }),
    );
    // What failed is told below.
    for (const call of calls.slice(-2)) call.catch(() => undefined);
  }, PERIOD_MS);
  try {
    await attack;
  } finally {
    clearInterval(timer);
  }
  await Promise.all(calls);
  return { webSocket: waitsIn(webSocket), rest: waitsIn(rest), stallMs: probe.worst() };
}

async function timed(times: number[], call: () => Promise<unknown>): Promise<void> {
  const begin = performance.now();
  await call();
  times.push(performance.now() - begin);
}

function waitsIn(times: readonly number[]): Waits {
  const sorted = [...times].sort((left, right) => left - right);
  return { calls: sorted.length, maxMs: sorted.at(-1) ?? 0, p99Ms: sorted[Math.ceil(sorted.length * 0.99) - 1] ?? 0 };
}

/** How late a timer of this process comes. */
function watchStalls(): Disposable & { worst: () => number } {
  let expected = performance.now() + PROBE_MS;
  let worst = 0;
  const timer = setInterval(() => {
    worst = Math.max(worst, performance.now() - expected);
    expected = performance.now() + PROBE_MS;
  }, PROBE_MS);
  return { worst: () => worst, [Symbol.dispose]: () => clearInterval(timer) };
}
