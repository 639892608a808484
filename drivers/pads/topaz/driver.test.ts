import { describe, expect, it } from 'vitest';
import { DeviceBusyError, DeviceRemovedError } from '../../errors.ts';
import { ManualClock } from '../../simulated/clock.ts';
import { sampleSignature } from '../../simulated/pads/pen.ts';
import { SimulatedTopaz, type SimulatedTopazOptions, type TopazFault } from '../../simulated/pads/topaz.ts';
import { SimulatedSerialLines } from '../../simulated/ports/serial-lines.ts';
import type { PadDriver, PadEvent, PenSample, SignaturePad } from '../driver.ts';
import { createTopazDriver, type TopazPort } from './driver.ts';

const PATH = '/dev/ttyUSB7';
const TOPAZ_BSB = { path: PATH, vendorId: '0403', productId: '6001', serialNumber: 'TOPAZBSB' };
const POINTS = sampleSignature({ widthMm: 133, heightMm: 86 });
const never = new AbortController().signal;

interface Bench {
  readonly lines: SimulatedSerialLines;
  readonly pad: SimulatedTopaz;
  readonly driver: PadDriver;
  readonly clock: ManualClock;
}

function bench(options: Omit<SimulatedTopazOptions, 'clock'> = {}, ports: readonly TopazPort[] = []): Bench {
  const clock = new ManualClock();
  const lines = new SimulatedSerialLines();
  const pad = new SimulatedTopaz({ ...options, clock });
  lines.plug(TOPAZ_BSB, pad);
  return { lines, pad, clock, driver: createTopazDriver({ lines, now: () => clock.now(), ports }) };
}

async function open({ driver }: Bench): Promise<SignaturePad> {
  const [description] = await driver.list({ signal: never });
  return await driver.open(description?.id ?? '', { signal: never });
}

/** Everything of one writing, and the error that ended it. */
async function captured(
  { pad, clock }: Bench,
  opened: SignaturePad,
): Promise<{ readonly events: readonly PadEvent[]; readonly error?: unknown }> {
  const over = new AbortController();
  const events: PadEvent[] = [];
  const taking = collect(opened.capture({ signal: over.signal, documentHash: new Uint8Array(32) }), events).then(
    () => ({ events }),
    (error: unknown) => ({ events, error }),
  );
  await clock.advance(0);
  const writing = pad.write(POINTS);
  await clock.advance(60_000);
  await writing;
  await clock.advance(0);
  over.abort();
  return await taking;
}

async function collect(events: AsyncIterable<PadEvent>, into: PadEvent[] = []): Promise<readonly PadEvent[]> {
  for await (const event of events) into.push(event);
  return into;
}

function samples(events: readonly PadEvent[]): readonly PenSample[] {
  return events.flatMap((event) => (event.kind === 'pen' ? [event.sample] : []));
}

function lost(events: readonly PadEvent[]): number {
  return events.reduce((sum, event) => sum + (event.kind === 'lost' ? event.samples : 0), 0);
}

describe('a Topaz pad', () => {
  it('is found by the name of its converter, and says what it has not', async () => {
    const { driver } = bench();
    expect(await driver.list({ signal: never })).toEqual([
      {
        id: 'topaz-dev-ttyUSB7',
        driver: 'topaz',
        model: 'SigLite 1x5',
        capabilities: expect.objectContaining({
          pressureLevels: 0,
          rateHz: 349,
          buttons: 'none',
          lineEncryption: 'none',
          timeSource: 'rate',
        }) as unknown,
      },
    ]);
  });

  it('is opened with odd parity, at the speed of its model', async () => {
    const desk = bench({}, [{ path: PATH, model: 'siglite-lcd-4x5' }]);
    const opened = await open(desk);
    expect(desk.lines.settingsOf(PATH)).toEqual({ baudRate: 38400, dataBits: 8, parity: 'odd', stopBits: 1 });
    await opened[Symbol.asyncDispose]();
  });

  it('gives what was written, in millimetres, in order and at its rate', async () => {
    const desk = bench();
    await using opened = await open(desk);
    const { events, error } = await captured(desk, opened);
    const taken = samples(events);
    expect(error).toBeUndefined();
    expect(taken).toHaveLength(POINTS.length);
    for (const [index, { sequence, xMm, yMm, isDown, pressure, timeMs }] of taken.entries()) {
      const point = POINTS[index] ?? { xMm: 0, yMm: 0 };
      expect(sequence).toBe(index);
      expect(Math.abs(xMm - point.xMm)).toBeLessThan(0.04);
      expect(Math.abs(yMm - point.yMm)).toBeLessThan(0.04);
      expect({ isDown, pressure }).toEqual(
        point.pressure === undefined ? { isDown: false, pressure: 0 } : { isDown: true, pressure: 1 },
      );
      expect(timeMs).toBeCloseTo((index * 1000) / 349, 6);
    }
  });

  it('that measures pressure gives it', async () => {
    const desk = bench({ hasPressure: true }, [{ path: PATH, hasPressure: true }]);
    await using opened = await open(desk);
    const taken = samples((await captured(desk, opened)).events);
    for (const [index, { pressure }] of taken.entries()) expect(pressure).toBeCloseTo(POINTS[index]?.pressure ?? 0, 2);
  });

  it('keeps its ink where it has a screen, and clears it', async () => {
    const desk = bench({}, [{ path: PATH, model: 'siglite-lcd-1x5' }]);
    await using opened = await open(desk);
    await opened.clear({ signal: never });
    expect(desk.pad.received).toEqual([0x04, 0x14]);
  });

  it('that has none is sent nothing', async () => {
    const desk = bench();
    await using opened = await open(desk);
    await opened.clear({ signal: never });
    expect(desk.pad.received).toEqual([]);
  });
});

describe('a disturbed line', () => {
  it.each<readonly [string, readonly TopazFault[], number]>([
    ['begins in mid-packet', [{ kind: 'midPacketStart' }], 0],
    ['has bytes between packets', [{ kind: 'noise', at: 20 }], 0],
    ['has a sync byte between packets', [{ kind: 'noise', at: 20, bytes: 'FF' }], 1],
    ['loses half a packet', [{ kind: 'halfPacket', at: 30, lengthBytes: 2 }], 1],
    [
      'loses the end of two packets',
      [
        { kind: 'halfPacket', at: 30, lengthBytes: 4 },
        { kind: 'halfPacket', at: 31, lengthBytes: 1 },
      ],
      2,
    ],
    ['is all ones', [{ kind: 'allOnes', at: 40 }], 1],
  ])('that %s gives every whole sample and counts the others', async (_, faults, missing) => {
    const desk = bench({ faults });
    await using opened = await open(desk);
    const { events } = await captured(desk, opened);
    const damaged = faults.filter(({ kind }) => kind === 'halfPacket' || kind === 'allOnes').length;
    expect(lost(events)).toBe(missing);
    expect(samples(events)).toHaveLength(POINTS.length - damaged);
    expect(samples(events).at(-1)?.sequence).toBe(POINTS.length - damaged + missing - 1);
  });

  it('that pauses has the pause in its time', async () => {
    const desk = bench({ faults: [{ kind: 'pause', at: 101, delayMs: 700 }] });
    await using opened = await open(desk);
    const taken = samples((await captured(desk, opened)).events);
    expect((taken[100]?.timeMs ?? 0) - (taken[99]?.timeMs ?? 0)).toBeGreaterThan(690);
  });

  it.each([1, 2, 50, POINTS.length])(
    'that is pulled at point %i ends the capture with DeviceRemovedError, after what came',
    async (at) => {
      const desk = bench({ faults: [{ kind: 'unplug', at }] });
      await using opened = await open(desk);
      const { events, error } = await captured(desk, opened);
      expect(samples(events)).toHaveLength(at - 1);
      expect(error).toBeInstanceOf(DeviceRemovedError);
      expect(await desk.driver.list({ signal: never })).toEqual([]);
      await expect(opened.clear({ signal: never })).rejects.toBeInstanceOf(DeviceRemovedError);
    },
  );
});

describe('the driver', () => {
  it('leaves converters alone that nobody named', async () => {
    const { lines, driver } = bench();
    lines.unplug(PATH);
    lines.plug({ path: '/dev/ttyUSB1', vendorId: '0403', productId: '6001', serialNumber: 'A50285BI' }, new SimulatedTopaz());
    expect(await driver.list({ signal: never })).toEqual([]);
  });

  it('knows a configured converter in another socket by its serial number', async () => {
    const lines = new SimulatedSerialLines();
    const converter = { vendorId: '0403', productId: '6001', serialNumber: 'A50285BI' };
    const driver = createTopazDriver({ lines, now: () => 0, ports: [{ serialNumber: 'A50285BI', model: 'clipgem' }] });
    lines.plug({ path: '/dev/ttyUSB1', ...converter }, new SimulatedTopaz());
    const [before] = await driver.list({ signal: never });
    lines.unplug('/dev/ttyUSB1');
    lines.plug({ path: '/dev/ttyUSB4', ...converter }, new SimulatedTopaz());
    expect(await driver.list({ signal: never })).toEqual([before]);
    expect(before).toMatchObject({ id: 'topaz-A50285BI', serialNumber: 'A50285BI', model: 'ClipGem' });
  });

  it('opens a pad once, and again when it was closed', async () => {
    const desk = bench();
    const first = await open(desk);
    await expect(open(desk)).rejects.toBeInstanceOf(DeviceBusyError);
    await first[Symbol.asyncDispose]();
    const second = await open(desk);
    expect(desk.lines.openPaths).toEqual([PATH]);
    await second[Symbol.asyncDispose]();
    expect(desk.lines.openPaths).toEqual([]);
  });

  it('says that a pad is gone that is not there, and that another program has it', async () => {
    const desk = bench();
    await expect(desk.driver.open('topaz-dev-ttyUSB8', { signal: never })).rejects.toBeInstanceOf(DeviceRemovedError);
    const other = createTopazDriver({ lines: desk.lines, now: () => 0 });
    const opened = await open(desk);
    await expect(other.open('topaz-dev-ttyUSB7', { signal: never })).rejects.toBeInstanceOf(DeviceBusyError);
    await opened[Symbol.asyncDispose]();
  });

  it('keeps two pads apart', async () => {
    const desk = bench();
    const second = new SimulatedTopaz({ clock: desk.clock });
    desk.lines.plug({ ...TOPAZ_BSB, path: '/dev/ttyUSB8' }, second);
    const [one, two] = await Promise.all(
      (await desk.driver.list({ signal: never })).map(({ id }) => desk.driver.open(id, { signal: never })),
    );
    if (!one || !two) throw new Error('there are not two pads');
    const { events } = await captured(desk, one);
    const other = await captured({ ...desk, pad: second }, two);
    expect([samples(events).length, samples(other.events).length]).toEqual([POINTS.length, POINTS.length]);
    await desk.driver[Symbol.asyncDispose]();
    expect(desk.lines.openPaths).toEqual([]);
  });

  it('closes what is open when it ends, and a capture under way ends with it', async () => {
    const desk = bench();
    const opened = await open(desk);
    const taking = collect(opened.capture({ signal: never, documentHash: new Uint8Array(32) }));
    await desk.clock.advance(0);
    await desk.driver[Symbol.asyncDispose]();
    expect(await taking).toEqual([]);
    expect(desk.lines.openPaths).toEqual([]);
  });

  it('refuses a model that it does not know', () => {
    expect(() =>
      createTopazDriver({ lines: new SimulatedSerialLines(), now: () => 0, ports: [{ path: 'COM3', model: 'siggem-9x9' }] }),
    ).toThrow(/there is no siggem-9x9/);
  });
});
