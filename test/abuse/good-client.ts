/**
 * Somebody who works while the daemon is attacked: every 50 ms a call on a WebSocket and one by REST on a connection of its own, and how long each took.
 * The attackers use the machine as well, and so do others: what a process spent waiting for a processor is taken off, as the kernel counted it.
 */
import { readFileSync } from 'node:fs';
import { http } from '../api/transports.ts';
import type { RunningDaemon } from '../support/program.ts';

const PERIOD_MS = 50;

export interface Waits {
  readonly calls: number;
  readonly maxMs: number;
  readonly p99Ms: number;
  /** By the clock on the wall. */
  readonly wallMaxMs: number;
}

export interface Report {
  readonly webSocket: Waits;
  readonly rest: Waits;
}

interface Sample {
  readonly netMs: number;
  readonly wallMs: number;
}

/** Works until `attack` is over. Rejects when a call fails. */
export async function workDuring(daemon: RunningDaemon, token: string, attack: Promise<unknown>): Promise<Report> {
  const port = Number(new URL(daemon.url).port);
  const headers = { authorization: `Bearer ${token}` };
  const webSocket: Promise<Sample>[] = [];
  const rest: Promise<Sample>[] = [];
  const work = (): void => {
    webSocket.push(timed(daemon.pid, () => daemon.client.call('card.list')));
    rest.push(
      timed(daemon.pid, async () => {
        const { status } = await http({ port, method: 'GET', path: '/v1/cards', headers });
        if (status !== 200) throw new Error(`a good call was answered with ${status}`);
      }),
    );
    // What fails is told below.
    for (const sample of [webSocket.at(-1), rest.at(-1)]) sample?.catch(() => undefined);
  };
  work();
  const timer = setInterval(work, PERIOD_MS);
  try {
    await attack;
  } finally {
    clearInterval(timer);
  }
  return { webSocket: waitsIn(await Promise.all(webSocket)), rest: waitsIn(await Promise.all(rest)) };
}

async function timed(pid: number, call: () => Promise<unknown>): Promise<Sample> {
  const begin = performance.now();
  const waitedBefore = waitedForProcessorMs(pid) + waitedForProcessorMs(process.pid);
  await call();
  const wallMs = performance.now() - begin;
  const waited = waitedForProcessorMs(pid) + waitedForProcessorMs(process.pid) - waitedBefore;
  return { wallMs, netMs: Math.max(0, wallMs - waited) };
}

/** Of the thread that runs JavaScript: ready to run, and on no processor (sched-stats of Linux, /proc/pid/schedstat, second field, nanoseconds). */
function waitedForProcessorMs(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6;
}

function waitsIn(samples: readonly Sample[]): Waits {
  const sorted = samples.map(({ netMs }) => netMs).sort((left, right) => left - right);
  return {
    calls: sorted.length,
    maxMs: sorted.at(-1) ?? 0,
    p99Ms: sorted[Math.ceil(sorted.length * 0.99) - 1] ?? 0,
    wallMaxMs: Math.max(...samples.map(({ wallMs }) => wallMs)),
  };
}
