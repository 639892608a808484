/** The pen as it writes, 500 samples a second, to ten programs: how late they hear of a sample, and whether of each. Pad, daemon and programs in one process, over real WebSockets. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, type Client } from '../../api-spec/client/client.ts';
import { startDaemon } from '../../daemon/daemon.ts';
import { StuDriver } from '../../drivers/pads/stu/driver.ts';
import { SimulatedPadDesk } from '../../drivers/simulated/pads/desk.ts';
import { createSimulatedSource } from '../../drivers/simulated/source.ts';
import { atMost, type Figure } from './figure.ts';

const PROGRAMS = 10;
const SAMPLES = 5_000;
const PERIOD_MS = 2;
const PAD = 'BENCHPAD1';
const DRAIN_MS = 500;

export async function measurePads(): Promise<readonly Figure[]> {
  const dataFolder = mkdtempSync(join(tmpdir(), 'kortd-bench-pads-'));
  const pads = new SimulatedPadDesk([{ model: 'STU-540', serialNumber: PAD }]);
  const drop = (): void => undefined;
  try {
    await using daemon = await startDaemon({
      ...{ dataFolder, policyFolder: join(dataFolder, 'policy.d'), port: 0, simulated: true },
      sources: [createSimulatedSource([])],
      padDrivers: () => Promise.resolve([new StuDriver({ ports: pads.bus })]),
      log: { debug: drop, info: drop, warn: drop, error: drop },
    });
    const clients = await Promise.all(Array.from({ length: PROGRAMS }, () => connect({ url: daemon.url, token: daemon.token })));
    try {
      return await measure(pads, clients);
    } finally {
      for (const client of clients) client.close();
    }
  } finally {
    rmSync(dataFolder, { recursive: true, force: true });
  }
}

async function measure(pads: SimulatedPadDesk, clients: readonly Client[]): Promise<readonly Figure[]> {
  const sentAt: number[] = [];
  const late: number[] = [];
  let gaps = 0;
  for (const client of clients) {
    let next = 0;
    const onEvent: Parameters<Client['subscribe']>[0]['onEvent'] = (event) => {
      if (event.name !== 'pad.pen') return;
      const now = performance.now();
      for (const [number] of event.data.samples) {
        gaps += number === next ? 0 : 1;
        next = number + 1;
        late.push(now - (sentAt[number] ?? now));
      }
    };
    await client.subscribe({ onEvent }, { events: ['pad.pen'] });
  }
  const [caller] = clients;
  const value = createHash('sha256').update('bench').digest('base64');
  const captured = caller?.call('pad.capture', { content: { digest: { hash: 'sha256', value } } });
  const [pad] = pads.pads;
  while (pad?.state !== 'capture') await delay(5);
  const start = performance.now();
  for (let index = 0; index < SAMPLES; index++) {
    const wait = start + index * PERIOD_MS - performance.now();
    if (wait > 0) await delay(wait);
    sentAt.push(performance.now());
    pad.pen({ x: 1_000 + index, y: 2_000 + (index % 500), pressure: 500, isNear: true });
  }
  await delay(DRAIN_MS);
  const { signal } = new AbortController();
  await pads.use(PAD, { act: 'accept', seed: 0, samples: 0, signal });
  await captured;
  late.sort((one, other) => one - other);
  const lost = Math.max(PROGRAMS * SAMPLES - late.length, 0) + gaps;
  return [
    atMost(10, {
      name: `pen samples at 500 Hz to ${PROGRAMS} programs, p99`,
      value: late[Math.floor(late.length * 0.99)] ?? Infinity,
      unit: 'ms',
    }),
    atMost(0, { name: 'pen samples lost on the way', value: lost, unit: '' }),
  ];
}
