/** What telemetry costs a call that signs with a simulated card: nobody observes, Prometheus does, and traces are sent to a collector that hangs. In one process, by turns. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Telemetry } from '../../daemon/telemetry/telemetry.ts';
import { openTraces } from '../../daemon/telemetry/open-telemetry.ts';
import type { WatchedParts } from '../../daemon/telemetry/figures.ts';
import { openMetrics } from '../../daemon/telemetry/prometheus.ts';
import { median, atMost, type Figure } from './figure.ts';

const ROUNDS = 31;
const CALLS = 2_000;
const EXCHANGES = 4;

/** As a call with a card passes through telemetry: call, turn, transaction, wait, one operation, its exchanges. */
async function call(telemetry: Telemetry): Promise<void> {
  await telemetry.watch({ kind: 'call', name: 'sign.digest', caller: 'program' }, async () => {
    telemetry.begin({ kind: 'wait', name: 'turn' })();
    await telemetry.watch({ kind: 'transaction', card: () => 'piv' }, async () => {
      await telemetry.watch({ kind: 'wait', name: 'card' }, () => Promise.resolve());
      await telemetry.watch({ kind: 'operation', name: 'sign', card: () => 'piv' }, async () => {
        await Promise.resolve();
        if (telemetry.isObserved) for (let index = 0; index < EXCHANGES; index++) telemetry.exchanged(40, 70);
      });
    });
  });
}

/** The same work with none of it. */
async function bare(): Promise<void> {
  const operation = async (): Promise<void> => await Promise.resolve();
  const transaction = async (): Promise<void> => {
    await Promise.resolve();
    await operation();
  };
  await transaction();
}

/** Microseconds a call. */
async function microseconds(work: () => Promise<void>): Promise<number> {
  const begin = performance.now();
  for (let index = 0; index < CALLS; index++) await work();
  return ((performance.now() - begin) * 1_000) / CALLS;
}

export async function measureTelemetry(): Promise<readonly Figure[]> {
  await using undo = new AsyncDisposableStack();
  const [off, counted, traced] = [new Telemetry(), new Telemetry(), new Telemetry()];
  undo.use(openMetrics({ telemetry: counted, parts: EMPTY_DESK, onProblem: () => undefined }));
  const collector = await hangingCollector();
  undo.defer(() => {
    collector.closeAllConnections();
    collector.close();
  });
  const { port } = collector.address() as AddressInfo;
  undo.use(openTraces(traced, { url: `http://127.0.0.1:${port}/v1/traces`, token: undefined, onExported: () => undefined }));
  const rounds: { readonly bare: number; readonly off: number; readonly counted: number; readonly traced: number }[] = [];
  for (let round = 0; round < ROUNDS; round++)
    rounds.push({
      bare: await microseconds(bare),
      off: await microseconds(() => call(off)),
      counted: await microseconds(() => call(counted)),
      traced: await microseconds(() => call(traced)),
    });
  const peer = { peer: 'without telemetry', peerValue: median(rounds.map((one) => one.bare)) };
  const figure = (limit: number, name: string, what: 'counted' | 'off' | 'traced'): Figure =>
    atMost(limit, { name, value: median(rounds.map((one) => one[what])), unit: 'µs' }, peer);
  return [
    figure(2, 'telemetry of a call with a card: off', 'off'),
    figure(200, 'telemetry of a call with a card: metrics', 'counted'),
    figure(600, 'telemetry of a call with a card: traces, the collector hangs', 'traced'),
  ];
}

/** Nothing scrapes here. */
const EMPTY_DESK: WatchedParts = {
  desk: { cards: [], health: [], readers: [] },
  events: { keptCount: 0, laggingCount: 0, sequence: 0, subscriberCount: 0 },
  prompts: { pending: 0, placeCount: () => 0 },
  audit: { head: { sequence: 0, hash: '' }, isWritable: true, waitingCount: 0 },
  contents: { keptBytes: 0, keptCount: 0 },
  pads: { known: [] },
  scanners: { list: () => [] },
  ceremonies: {
    list: () => [],
    get: () => {
      throw new Error('there is none');
    },
  },
  clients: () => 0,
  callsUnderWay: () => 0,
  unreadBytes: () => 0,
  programs: () => ({ programs: 0, fronts: 0 }),
  spans: () => new Map(),
};

async function hangingCollector(): Promise<Server> {
  const server = createServer((request) => void request.resume());
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return server;
}
