/** The built daemon, with the real serialport, on a simulated reader of machine-readable zones below it: documents are scanned over its API. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SimulatedLineReader } from '../../drivers/simulated/scanners/line-reader.ts';
import { LineDevice } from '../../drivers/simulated/testbed/line-device.ts';
import type { SerialNode } from '../../drivers/simulated/testbed/serial-node.ts';
import { Testbed } from '../../drivers/simulated/testbed/testbed.ts';
import { startProgram, type RunningDaemon } from '../support/program.ts';
import { eventually } from './eventually.ts';

const ZONE = ['P<UTOTESTSSON<<EVA<LINNEA<<<<<<<<<<<<<<<<<<<', 'T123456787UTO8002147F3001019198002141234<<14'];
const USB = { vendorId: 0x0db5, productId: 0x0101, manufacturer: 'Bench', product: 'Swipe reader', serialNumber: 'MRZ-1' };
const ROW = { name: 'swipe', driver: 'serial-mrz', options: { framing: 'access-is-swipe' } };
const SCAN = { scanner: 'swipe.reader' };

interface Bench {
  readonly testbed: Testbed;
  readonly daemon: RunningDaemon;
  readonly reader: SimulatedLineReader;
  readonly device: LineDevice;
  readonly node: SerialNode;
}

async function withReader(run: (bench: Bench) => Promise<void>): Promise<void> {
  await using testbed = await Testbed.open();
  const reader = new SimulatedLineReader();
  const device: LineDevice = new LineDevice(reader, { identity: USB, onUnplug: () => void node.unplug() });
  const node = await testbed.plugSerial(device);
  await using daemon = await startProgram([], { environment: testbed.environment(process.env) });
  writeFileSync(join(daemon.dataFolder, 'scanners.json'), JSON.stringify({ scanners: [ROW] }), { mode: 0o600 });
  await daemon.client.call('system.reload', {});
  await untilStatus(daemon, 'ready');
  await run({ testbed, daemon, reader, device, node });
  expect(daemon.exitStatus()).toBe(null);
}

async function untilStatus({ client }: RunningDaemon, wanted: 'gone' | 'ready'): Promise<void> {
  const endMs = performance.now() + 15_000;
  for (;;) {
    const { scanners } = await client.call('scanner.list', {});
    if (scanners[0]?.status === wanted) return;
    if (performance.now() > endMs) throw new Error(`the scanner is not ${wanted}: ${JSON.stringify(scanners)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Swiped until the scan that waits has it: what is read before is nobody's. */
async function scanned({ daemon, reader }: Bench, swipe: () => void = () => reader.swipe(ZONE)): Promise<unknown> {
  const scan = { isOver: false };
  const answer = daemon.client.call('scanner.scan', SCAN).finally(() => (scan.isOver = true));
  answer.catch(() => undefined);
  while (!scan.isOver) {
    swipe();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return await answer;
}

describe('kortd serve on a bench with a reader of machine-readable zones', () => {
  it('finds it by its USB ids, and gives what is swiped, across whatever pieces the line makes', () =>
    withReader(async (bench) => {
      expect(bench.node.settings).toEqual({ baudRate: 9_600, stopBits: 1 });
      expect(await scanned(bench)).toMatchObject({ scan: { outcome: 'complete', mrz: { lines: ZONE, verdict: 'passed' } } });
    }));

  it('passes over noise, half readings and other text, and repairs nothing that the check digits do not prove', () =>
    withReader(async (bench) => {
      const { reader } = bench;
      const noise = Uint8Array.from({ length: 300 }, (_, index) => 0x20 + ((index * 7) % 90));
      const wrong = [ZONE[0] ?? '', (ZONE[1] ?? '').replace('800214', '800215')];
      const result = await scanned(bench, () => {
        reader.send(noise);
        reader.send(Uint8Array.of(0x02, 0x50, 0x3c));
        reader.swipe(wrong);
      });
      expect(result).toMatchObject({ scan: { mrz: { lines: wrong, verdict: 'failed' } } });
    }));

  it('says that it was pulled in the middle of a reading, rests, and reads again in another socket', () =>
    withReader(async (bench) => {
      const { daemon, device, reader, testbed } = bench;
      const { client } = daemon;
      let isPulled = false;
      const pulled = client.call('scanner.scan', SCAN).catch((error: unknown) => error);
      setTimeout(() => {
        reader.breakOff(ZONE);
        isPulled = true;
      }, 500);
      expect(await pulled).toMatchObject({ error: { code: 'scanner_gone' } });
      expect(isPulled).toBe(true);
      await untilStatus(daemon, 'gone');
      await eventually('the line is closed', () => testbed.openHandles === 0);
      await testbed.plugSerial(device, { index: 3 });
      await untilStatus(daemon, 'ready');
      expect(await scanned(bench)).toMatchObject({ scan: { mrz: { lines: ZONE } } });
    }));
});
