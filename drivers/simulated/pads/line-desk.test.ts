import { Value } from 'typebox/value';
import { expect, it } from 'vitest';
import { createLinePadDrivers } from '../../pads/line-configuration.ts';
import type { PadEvent } from '../../pads/driver.ts';
import { SimulatedLineDesk } from './line-desk.ts';
import { linePadSchema, type LinePadRow } from './line-pad-schema.ts';

const signal = new AbortController().signal;
const ROWS: readonly LinePadRow[] = [
  { line: 'topaz', model: 'siglite-1x5', serialNumber: 'TZ0001', faults: [{ kind: 'halfPacket', at: 5, lengthBytes: 2 }] },
  { line: 'signotec', type: 15, serialNumber: '1000001', faults: [{ kind: 'losePoint', at: 5 }] },
];

it('a scenario may name every kind of pad on a line, with its faults', () => {
  for (const row of [...ROWS, { line: 'serial-stu', model: 'STU-540', serialNumber: '1', faults: [{ kind: 'crc', at: 3 }] }])
    expect(Value.Check(linePadSchema, row)).toBe(true);
  for (const row of [
    { line: 'topaz' },
    { line: 'hid', model: 'x', serialNumber: '1' },
    { ...ROWS[0], faults: [{ kind: 'losePoint', at: 5 }] },
  ])
    expect(Value.Check(linePadSchema, row)).toBe(false);
});

it('its pads are found, written on and accepted, pulled and plugged in again', async () => {
  await using desk = new SimulatedLineDesk(ROWS);
  const drivers = createLinePadDrivers(await desk.configuration(), { lines: desk.lines, now: () => performance.now() });
  for (const driver of drivers) {
    const [pad] = await driver.list({ signal });
    const serialNumber = pad?.serialNumber ?? '';
    const use = { seed: 1, samples: 60, signal };
    const opened = await driver.open(pad?.id ?? '', { signal });
    const over = new AbortController();
    const events: PadEvent[] = [];
    const taking = (async (): Promise<void> => {
      for await (const event of opened.capture({ signal: over.signal, documentHash: new Uint8Array(32) })) {
        events.push(event);
        if (event.kind === 'button') over.abort();
      }
    })();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await desk.use(serialNumber, { ...use, act: 'write' })).toBe(true);
    await desk.use(serialNumber, { ...use, act: 'accept' });
    if (driver.id === 'topaz') over.abort();
    await taking;
    expect(events.filter(({ kind }) => kind === 'pen').length).toBeGreaterThan(40);
    expect(events.filter(({ kind }) => kind === 'lost')).toEqual([{ kind: 'lost', samples: 1 }]);
    await opened[Symbol.asyncDispose]();
    await desk.use(serialNumber, { ...use, act: 'pull' });
    expect(await driver.list({ signal })).toEqual([]);
    await desk.use(serialNumber, { ...use, act: 'plug' });
    expect(await driver.list({ signal })).toHaveLength(1);
    await driver[Symbol.asyncDispose]();
  }
  expect(await desk.use('nobody', { act: 'write', seed: 1, samples: 1, signal })).toBe(false);
});
