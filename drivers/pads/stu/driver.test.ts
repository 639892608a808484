import { afterEach, describe, expect, it } from 'vitest';
import { DeviceBusyError, DeviceProtocolError, DeviceRemovedError } from '../../errors.ts';
import { SimulatedHidBus } from '../../simulated/pads/hid-bus.ts';
import { signatureOf, tap, write } from '../../simulated/pads/person.ts';
import { SimulatedStu } from '../../simulated/pads/stu.ts';
import { SIMULATED_STU_MODELS } from '../../simulated/pads/stu-models.ts';
import type { PadEvent, PenSample, SignaturePad } from '../driver.ts';
import { StuDriver } from './driver.ts';
import { STU_MODELS } from './models.ts';

const { signal } = new AbortController();
const documentHash = new Uint8Array(32);
const BUTTONS = [
  { id: 'clear', label: 'Rensa' },
  { id: 'cancel', label: 'Avbryt' },
  { id: 'accept', label: 'Godkänn' },
] as const;

let bus = new SimulatedHidBus();
let driver = new StuDriver({ ports: bus });

afterEach(async () => {
  await driver[Symbol.asyncDispose]();
  expect(bus.openPorts).toBe(0);
  bus = new SimulatedHidBus();
  driver = new StuDriver({ ports: bus });
});

function plug(model: string, serialNumber = 'SIM-1'): SimulatedStu {
  const pad = new SimulatedStu({ model, serialNumber });
  bus.plug(pad);
  return pad;
}

async function openFirst(): Promise<SignaturePad> {
  const [description] = await driver.list({ signal });
  return await driver.open(description?.id ?? '', { signal });
}

/** Until `count` samples came, or `until` is met. */
async function take(
  pad: SignaturePad,
  until: (events: readonly PadEvent[]) => boolean,
  begin: () => void,
): Promise<readonly PadEvent[]> {
  const events: PadEvent[] = [];
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), 10_000);
  const started = pad.capture({ signal: stop.signal, documentHash })[Symbol.asyncIterator]();
  let next = started.next();
  setTimeout(begin, 300);
  for (;;) {
    const { done, value } = await next;
    if (done === true) break;
    events.push(value as PadEvent);
    if (until(events)) break;
    next = started.next();
  }
  clearTimeout(timer);
  await started.return?.();
  return events;
}

const samplesOf = (events: readonly PadEvent[]): readonly PenSample[] =>
  events.flatMap((event) => (event.kind === 'pen' ? [event.sample] : []));
const lostIn = (events: readonly PadEvent[]): number =>
  events.reduce((sum, event) => sum + (event.kind === 'lost' ? event.samples : 0), 0);

describe('the driver of STU pads', () => {
  it.each(Object.keys(SIMULATED_STU_MODELS))('captures from %s what was written, in order, in millimetres', async (model) => {
    const simulated = plug(model);
    await using pad = await openFirst();
    const { areaMm } = pad.description.capabilities;
    const events = await take(
      pad,
      (all) => samplesOf(all).length >= 400,
      () => void write(simulated, { seed: 3, samples: 400, signal, periodMs: 0 }),
    );
    const samples = samplesOf(events);
    const { max } = simulated.model;
    const wanted = signatureOf(simulated, { seed: 3, samples: 400 });
    for (const [index, { x, y }] of wanted.entries()) {
      expect(samples[index]?.xMm).toBeCloseTo((x * areaMm.width) / max.x, 6);
      expect(samples[index]?.yMm).toBeCloseTo((y * areaMm.height) / max.y, 6);
    }
    expect(samples.map(({ sequence }) => sequence)).toEqual(samples.map((_, index) => index));
    expect(lostIn(events)).toBe(0);
    const encrypted = simulated.log.includes(0x15);
    expect(encrypted).toBe(pad.description.capabilities.lineEncryption !== 'none');
  });

  it('knows every model that it claims by one simulated or by name alone', () => {
    const claimed = new Set(STU_MODELS.map(({ productId }) => productId));
    for (const { productId } of Object.values(SIMULATED_STU_MODELS)) expect(claimed).toContain(productId & 0xff);
  });

  it('shows text on the screen, and tells a tap on each button apart from ink', async () => {
    const simulated = plug('STU-430');
    await using pad = await openFirst();
    await pad.show?.({ text: 'Jag har fått kortet. åäöé', buttons: BUTTONS }, { signal });
    const dark = simulated.screen.filter((grey) => grey < 128).length;
    expect(dark).toBeGreaterThan(400);
    const events = await take(
      pad,
      (all) => all.filter(({ kind }) => kind === 'button').length === 3,
      () =>
        void (async () => {
          await write(simulated, { seed: 1, samples: 50, signal, periodMs: 0 });
          for (const x of [1 / 6, 3 / 6, 5 / 6]) await tap(simulated, { x, y: 0.92 }, signal);
        })(),
    );
    expect(events.flatMap((event) => (event.kind === 'button' ? [event.button] : []))).toEqual(['clear', 'cancel', 'accept']);
    expect(samplesOf(events).filter(({ isDown, yMm }) => isDown && yMm > 60 * 0.83)).toEqual([]);
  });

  it('does not take for a tap what began or ended outside a button', async () => {
    const simulated = plug('STU-430');
    await using pad = await openFirst();
    await pad.show?.({ text: 'x', buttons: BUTTONS }, { signal });
    const down = (x: number, y: number): void => simulated.pen({ x: 9_600 * x, y: 6_000 * y, pressure: 500, isNear: true });
    const up = (x: number, y: number): void => simulated.pen({ x: 9_600 * x, y: 6_000 * y, pressure: 0, isNear: true });
    const events = await take(
      pad,
      (all) => samplesOf(all).some(({ xMm }) => xMm > 90),
      () => {
        down(0.5, 0.5);
        down(0.5, 0.92);
        up(0.5, 0.92);
        down(0.5, 0.92);
        down(0.5, 0.5);
        up(0.5, 0.5);
        up(0.95, 0.5);
      },
    );
    expect(events.filter(({ kind }) => kind === 'button')).toEqual([]);
  });

  it('tells samples that were lost, that came cut, or that cannot be', async () => {
    const simulated = plug('STU-541');
    await using pad = await openFirst();
    const events = await take(
      pad,
      (all) => samplesOf(all).length >= 3,
      () => {
        const at = { x: 100, y: 100, pressure: 300, isNear: true };
        simulated.pen(at);
        simulated.faults.dropSamples = 4;
        for (let index = 0; index < 5; index++) simulated.pen(at);
        simulated.send(Uint8Array.of(0x77, 1, 2));
        simulated.faults.cutReport = 6;
        simulated.pen(at);
        simulated.pen({ ...at, x: 60_000 });
        simulated.pen(at);
      },
    );
    expect(lostIn(events)).toBe(6);
    expect(samplesOf(events).map(({ sequence }) => sequence)).toEqual([0, 5, 8]);
  });

  it('goes on counting where sixteen bits end', async () => {
    let now = 65_400;
    const simulated = new SimulatedStu({ model: 'STU-541', serialNumber: 'SIM-1', now: () => now });
    bus.plug(simulated);
    await using pad = await openFirst();
    const events = await take(
      pad,
      (all) => samplesOf(all).length >= 100,
      () => {
        for (let index = 0; index < 100; index++) {
          now += 5;
          simulated.pen({ x: 100, y: 100, pressure: 300, isNear: true });
        }
      },
    );
    expect(samplesOf(events).map(({ timeMs }) => timeMs)).toEqual(Array.from({ length: 100 }, (_, index) => 5 * index));
  });

  it.each([
    ['sequence numbers that go back', 'STU-541', (pad: SimulatedStu) => void (pad.faults.sequenceBack = 9)],
    ['samples of another session', 'STU-540', (pad: SimulatedStu) => void (pad.faults.wrongSession = true)],
    [
      'samples in clear while they are encrypted',
      'STU-540',
      (pad: SimulatedStu) => pad.send(Buffer.from('3492001388 0bb8012c0007'.replace(' ', ''), 'hex')),
    ],
  ])('refuses %s', async (_, model, spoil) => {
    const simulated = plug(model);
    await using pad = await openFirst();
    const at = { x: 100, y: 100, pressure: 300, isNear: true };
    const taken = take(
      pad,
      () => false,
      () => {
        for (let index = 0; index < 20; index++) simulated.pen(at);
        spoil(simulated);
        simulated.pen(at);
      },
    );
    await expect(taken).rejects.toThrow(DeviceProtocolError);
  });

  it('clears the ink and goes on under a new session', async () => {
    const simulated = plug('STU-540');
    await using pad = await openFirst();
    await pad.show?.({ text: 'Text', buttons: BUTTONS }, { signal });
    const shown = simulated.screen;
    let isCleared = false;
    const events = await take(
      pad,
      (all) => {
        if (samplesOf(all).length === 10 && !isCleared) {
          isCleared = true;
          void pad.clear({ signal }).then(() => write(simulated, { seed: 1, samples: 20, signal, periodMs: 0 }));
        }
        return samplesOf(all).length >= 30;
      },
      () => void write(simulated, { seed: 1, samples: 10, signal, periodMs: 0 }),
    );
    expect(samplesOf(events)).toHaveLength(30);
    expect(simulated.screen).toEqual(shown);
    expect(simulated.log.filter((id) => id === 0x15)).toHaveLength(2);
  });

  it('brings a pad to order that another program left in the middle of a picture or of a capture', async () => {
    for (const leftBy of [
      [0x25, 0],
      [0x32, 3],
    ]) {
      const simulated = plug('STU-430', `SIM-${String(leftBy[0])}`);
      simulated.setFeature(Uint8Array.from(leftBy));
      const found = (await driver.list({ signal })).find(({ serialNumber }) => serialNumber === simulated.serialNumber);
      await using pad = await driver.open(found?.id ?? '', { signal });
      await pad.show?.({ text: 'In order', buttons: [] }, { signal });
      expect(simulated.state).toBe('ready');
    }
  });

  it('leaves the pad white and without ink when it is disposed of', async () => {
    const simulated = plug('STU-430');
    const pad = await openFirst();
    await pad.show?.({ text: 'Text', buttons: [] }, { signal });
    await pad[Symbol.asyncDispose]();
    expect(simulated.screen.every((grey) => grey === 255)).toBe(true);
    expect(simulated.isInking).toBe(false);
  });

  it.each(['idle', 'picture', 'capture'])('tells that the pad was pulled while %s, and finds it again', async (state) => {
    const simulated = plug('STU-540');
    const pad = await openFirst();
    let failure: Promise<unknown> = Promise.resolve();
    if (state === 'idle') bus.unplug(simulated);
    if (state === 'picture') {
      failure = Promise.resolve(pad.show?.({ text: 'Text', buttons: BUTTONS }, { signal }));
      setTimeout(() => bus.unplug(simulated), 5);
    }
    if (state === 'capture')
      failure = take(
        pad,
        () => false,
        () => bus.unplug(simulated),
      );
    if (state === 'idle')
      failure = take(
        pad,
        () => false,
        () => undefined,
      );
    await expect(failure).rejects.toThrow(DeviceRemovedError);
    await pad[Symbol.asyncDispose]();
    expect(await driver.list({ signal })).toEqual([]);
    bus.plug(simulated);
    await using again = await openFirst();
    expect(again.description.id).toBe(pad.description.id);
  });

  it('opens one pad once, and two at a time', async () => {
    plug('STU-430', 'A');
    plug('STU-540', 'B');
    const [one, other] = await driver.list({ signal });
    await using first = await driver.open(one?.id ?? '', { signal });
    await expect(driver.open(one?.id ?? '', { signal })).rejects.toThrow(DeviceBusyError);
    await using second = await driver.open(other?.id ?? '', { signal });
    expect(first.description.id).not.toBe(second.description.id);
  });

  it('leaves out a pad that does not answer', async () => {
    plug('STU-430').faults.stall = true;
    expect(await driver.list({ signal })).toEqual([]);
  });
});
