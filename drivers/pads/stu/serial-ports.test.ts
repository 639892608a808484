/** The STU driver as it is, over a serial line in memory. */
import { describe, expect, it } from 'vitest';
import { DeviceProtocolError, DeviceRemovedError } from '../../errors.ts';
import { signatureOf, write } from '../../simulated/pads/person.ts';
import { SimulatedSerialStu, type SerialStuFault } from '../../simulated/pads/serial-stu.ts';
import { SimulatedStu } from '../../simulated/pads/stu.ts';
import { SimulatedSerialLines } from '../../simulated/ports/serial-lines.ts';
import type { PadEvent, PenSample, SignaturePad } from '../driver.ts';
import { StuDriver } from './driver.ts';
import { REPORT } from './reports.ts';
import { createSerialStuPorts, joinPorts } from './serial-ports.ts';

const PATH = '/dev/ttyUSB3';
const signal = new AbortController().signal;

interface Bench {
  readonly lines: SimulatedSerialLines;
  readonly stu: SimulatedStu;
  readonly driver: StuDriver;
  readonly ports: ReturnType<typeof createSerialStuPorts>;
}

function bench(faults: readonly SerialStuFault[] = []): Bench {
  const lines = new SimulatedSerialLines();
  const stu = new SimulatedStu({ model: 'STU-430', serialNumber: '5HQS000042' });
  lines.plug(
    { path: PATH, vendorId: '0403', productId: '6015', serialNumber: 'DQ000042' },
    new SimulatedSerialStu(stu, { faults }),
  );
  const ports = createSerialStuPorts({ lines, ports: [{ serialNumber: 'DQ000042', model: 'STU-430V' }] });
  return { lines, stu, ports, driver: new StuDriver({ ports: joinPorts(ports) }) };
}

async function openFirst({ driver }: Bench): Promise<SignaturePad> {
  const [description] = await driver.list({ signal });
  return await driver.open(description?.id ?? '', { signal });
}

async function captured(pad: SignaturePad, stu: SimulatedStu, samples: number): Promise<readonly PadEvent[]> {
  const events: PadEvent[] = [];
  const over = new AbortController();
  let isWriting = false;
  const writing = setInterval(() => {
    if (isWriting || stu.state === 'image') return;
    isWriting = true;
    void write(stu, { seed: 2, samples, signal, periodMs: 0 });
  }, 300);
  try {
    for await (const event of pad.capture({ signal: over.signal, documentHash: new Uint8Array(32) })) {
      events.push(event);
      const numbers = samplesOf(events).map(({ sequence }) => sequence);
      if ((numbers.at(-1) ?? 0) >= samples - 1) over.abort();
    }
  } finally {
    clearInterval(writing);
  }
  return events;
}

function samplesOf(events: readonly PadEvent[]): readonly PenSample[] {
  return events.flatMap((event) => (event.kind === 'pen' ? [event.sample] : []));
}

describe('a serial STU', () => {
  it('is listed as the pad that it is, opened at its speed with its modem lines', async () => {
    const desk = bench();
    expect(await desk.driver.list({ signal })).toMatchObject([
      { driver: 'wacom-stu', serialNumber: '5HQS000042', capabilities: { screen: { widthPx: 320, heightPx: 200 } } },
    ]);
    const pad = await openFirst(desk);
    expect(desk.lines.settingsOf(PATH)).toEqual({
      baudRate: 128_000,
      dataBits: 8,
      parity: 'none',
      stopBits: 1,
      dtr: false,
      rts: true,
    });
    await pad[Symbol.asyncDispose]();
    expect(desk.lines.openPaths).toEqual([]);
  });

  it('is captured from like one over HID: screen, key agreement, samples in order', async () => {
    const desk = bench();
    await using pad = await openFirst(desk);
    await pad.show?.({ text: 'Kvittera kortet', buttons: [{ id: 'accept', label: 'OK' }] }, { signal });
    expect(desk.stu.screen.filter((grey) => grey < 128).length).toBeGreaterThan(300);
    const events = await captured(pad, desk.stu, 150);
    const wanted = signatureOf(desk.stu, { seed: 2, samples: 150 });
    const { areaMm } = pad.description.capabilities;
    for (const [index, { x, y }] of wanted.entries()) {
      expect(samplesOf(events)[index]?.xMm).toBeCloseTo((x * areaMm.width) / desk.stu.model.max.x, 6);
      expect(samplesOf(events)[index]?.yMm).toBeCloseTo((y * areaMm.height) / desk.stu.model.max.y, 6);
    }
    expect(desk.stu.log).toContain(0x15);
  });
});

describe('a damaged line', () => {
  it.each<readonly [string, SerialStuFault]>([
    ['a wrong CRC', { kind: 'crc', at: 1 }],
    ['bytes between frames', { kind: 'noise', at: 1 }],
    ['a command that the pad finds damaged', { kind: 'damagedCommand', at: 1 }],
  ])('with %s is asked again', async (_, fault) => {
    const { ports } = bench([fault]);
    await using port = await ports.open(PATH);
    expect((await port.getFeature(REPORT.information, 17))[0]).toBe(REPORT.information);
    await port.setFeature(Uint8Array.of(REPORT.inkingMode, 1));
  });

  it('whose answer to a command is damaged is an error: whether it was obeyed is not known', async () => {
    const { ports, stu } = bench([{ kind: 'crc', at: 1 }]);
    await using port = await ports.open(PATH);
    await expect(port.setFeature(Uint8Array.of(REPORT.inkingMode, 0))).rejects.toBeInstanceOf(DeviceProtocolError);
    expect(stu.log).toEqual([REPORT.inkingMode]);
  });

  it('is given up after three times', async () => {
    const { ports } = bench([1, 2, 3].map((at) => ({ kind: 'crc', at })));
    await using port = await ports.open(PATH);
    await expect(port.getFeature(REPORT.information, 17)).rejects.toThrow(/damaged/);
    expect((await port.getFeature(REPORT.information, 17))[0]).toBe(REPORT.information);
  });

  it('that cuts a frame short goes on with the next', async () => {
    const { ports } = bench([{ kind: 'half', at: 2, lengthBytes: 4 }]);
    await using port = await ports.open(PATH);
    await port.getFeature(REPORT.information, 17);
    await expect(port.getFeature(REPORT.status, 5)).rejects.toHaveProperty('name', 'DeviceTimeoutError');
    expect((await port.getFeature(REPORT.status, 5))[0]).toBe(REPORT.status);
  });

  it('refuses what the pad refuses, with its code', async () => {
    const { ports } = bench();
    await using port = await ports.open(PATH);
    await expect(port.getFeature(0x7f, 5)).rejects.toBeInstanceOf(DeviceProtocolError);
  });

  it.each([1, 2, 3, 5, 8, 13, 21, 40])('that is pulled at frame %i is gone, and leaves nothing open', async (at) => {
    const desk = bench([{ kind: 'unplug', at }]);
    const work = async (): Promise<void> => {
      await using pad = await openFirst(desk);
      await captured(pad, desk.stu, 100);
    };
    await expect(work()).rejects.toBeInstanceOf(DeviceRemovedError);
    expect(desk.lines.openPaths).toEqual([]);
  });
});
