/** What every driver of pads does alike, whatever its pad: the contract of `drivers/pads/driver.ts`, one statement after the other. */
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { DeviceBusyError, DeviceError, DeviceRemovedError } from '../../drivers/errors.ts';
import type { PadDescription, PadEvent, PenSample, SignaturePad } from '../../drivers/pads/driver.ts';
import { PAD_BENCHES, type PadBench } from './pad-benches.ts';

const signal = new AbortController().signal;
const documentHash = new Uint8Array(32).fill(7);

describe.each(Object.entries(PAD_BENCHES))('%s', (_, makeBench) => {
  it('lists its pad with what can be, the same each time, and opens nothing that it does not close', async () => {
    await using bench = await makeBench();
    const pad = await only(bench);
    expect(pad.id.startsWith(`${bench.driver.id}-`)).toBe(true);
    expect(pad.driver).toBe(bench.driver.id);
    const { areaMm, rateHz, pressureLevels, screen } = pad.capabilities;
    expect(Math.min(areaMm.width, areaMm.height)).toBeGreaterThan(20);
    expect(Math.max(areaMm.width, areaMm.height)).toBeLessThan(300);
    expect(rateHz).toBeGreaterThan(0);
    expect(pressureLevels).toBeGreaterThanOrEqual(0);
    if (screen) expect(Math.min(screen.widthPx, screen.heightPx)).toBeGreaterThan(50);
    expect(await only(bench)).toEqual(pad);
    expect(JSON.parse(JSON.stringify(pad))).toEqual(pad);
    expect(bench.openPorts()).toBe(0);
  });

  it('opens a pad once, and again when it was closed; closing twice is closing', async () => {
    await using bench = await makeBench();
    const { id } = await only(bench);
    const pad = await bench.driver.open(id, { signal });
    await expect(bench.driver.open(id, { signal })).rejects.toBeInstanceOf(DeviceBusyError);
    await pad[Symbol.asyncDispose]();
    await pad[Symbol.asyncDispose]();
    await until(() => bench.openPorts() === 0);
    const again = await bench.driver.open(id, { signal });
    await again[Symbol.asyncDispose]();
    await until(() => bench.openPorts() === 0);
  });

  it('says that a pad is gone that never was', async () => {
    await using bench = await makeBench();
    await only(bench);
    await expect(bench.driver.open(`${bench.driver.id}-none`, { signal })).rejects.toBeInstanceOf(DeviceRemovedError);
    expect(bench.openPorts()).toBe(0);
  });

  it('has a screen exactly when it says so, and refuses a text that does not fit', async () => {
    await using bench = await makeBench();
    await using pad = await openOnly(bench);
    expect(pad.show !== undefined).toBe(pad.description.capabilities.screen !== undefined);
    await pad.show?.({ text: 'Kvittera', buttons: [{ id: 'accept', label: 'OK' }] }, { signal });
    if (pad.show)
      await expect(pad.show({ text: 'för mycket text '.repeat(3000), buttons: [] }, { signal })).rejects.toBeInstanceOf(
        DeviceError,
      );
  });

  it('gives samples in order, within the pad, and time that never goes back', async () => {
    await using bench = await makeBench();
    await using pad = await openOnly(bench);
    const { events } = await capture(bench, pad, () => bench.write(200));
    const samples = samplesOf(events);
    const { areaMm, pressureLevels } = pad.description.capabilities;
    expect(samples.length).toBeGreaterThan(100);
    expect(events.filter(({ kind }) => kind === 'lost')).toEqual([]);
    for (const [index, { sequence, xMm, yMm, timeMs, pressure, isDown }] of samples.entries()) {
      expect(sequence).toBe(index);
      expect(xMm).toBeGreaterThanOrEqual(0);
      expect(xMm).toBeLessThanOrEqual(areaMm.width);
      expect(yMm).toBeGreaterThanOrEqual(0);
      expect(yMm).toBeLessThanOrEqual(areaMm.height);
      expect(timeMs).toBeGreaterThanOrEqual(samples[index - 1]?.timeMs ?? 0);
      expect(pressure).toBeGreaterThanOrEqual(0);
      expect(pressure).toBeLessThanOrEqual(1);
      if (pressureLevels === 0) expect(pressure).toBe(isDown ? 1 : 0);
    }
    expect(samples.filter(({ isDown }) => isDown).length).toBeGreaterThan(100);
    expect(samples[0]?.timeMs).toBe(0);
  });

  it('ends a capture with its signal and without an error, and begins the next from nothing', async () => {
    await using bench = await makeBench();
    await using pad = await openOnly(bench);
    for (let round = 0; round < 2; round++) {
      const { events, error } = await capture(bench, pad, () => bench.write(40));
      expect(error).toBeUndefined();
      expect(samplesOf(events)[0]?.sequence).toBe(0);
    }
  });

  it('captures once at a time, and lets go when nobody takes any more', async () => {
    await using bench = await makeBench();
    await using pad = await openOnly(bench);
    const first = pad.capture({ signal, documentHash })[Symbol.asyncIterator]();
    const begun = first.next();
    await until(bench.isCapturing);
    await wait(100);
    await expect(pad.capture({ signal, documentHash })[Symbol.asyncIterator]().next()).rejects.toBeInstanceOf(DeviceError);
    await bench.write(30);
    expect((await begun).value).toMatchObject({ kind: 'pen' });
    await first.return?.();
    const { error } = await capture(bench, pad, () => bench.write(30));
    expect(error).toBeUndefined();
  });

  it('takes the ink away while samples go on', async () => {
    await using bench = await makeBench();
    await using pad = await openOnly(bench);
    const { events, error } = await capture(bench, pad, async () => {
      await bench.write(40);
      await pad.clear({ signal });
      await until(bench.isCapturing);
      await bench.write(40);
    });
    expect(error).toBeUndefined();
    const numbers = samplesOf(events).map(({ sequence }) => sequence);
    expect(numbers).toEqual(numbers.map((_, index) => index));
    expect(numbers.length).toBeGreaterThan(50);
  });

  it('throws DeviceRemovedError when the pad goes during a capture, and finds it again', async () => {
    await using bench = await makeBench();
    const before = await only(bench);
    const pad = await openOnly(bench);
    const { error } = await capture(bench, pad, async () => {
      await bench.write(20);
      bench.unplug();
    });
    expect(error).toBeInstanceOf(DeviceRemovedError);
    await expect(pad.clear({ signal })).rejects.toBeInstanceOf(DeviceRemovedError);
    await pad[Symbol.asyncDispose]();
    expect(await bench.driver.list({ signal })).toEqual([]);
    bench.plug();
    expect(await only(bench)).toEqual(before);
    await using again = await openOnly(bench);
    expect((await capture(bench, again, () => bench.write(20))).error).toBeUndefined();
  });

  it('throws DeviceRemovedError when the pad went before a capture', async () => {
    await using bench = await makeBench();
    await using pad = await openOnly(bench);
    bench.unplug();
    await wait(50);
    const { error } = await capture(bench, pad, () => Promise.resolve());
    expect(error).toBeInstanceOf(DeviceRemovedError);
  });

  it('closes what is open when it ends', async () => {
    const bench = await makeBench();
    const pad = await openOnly(bench);
    const taking = capture(bench, pad, () => bench.write(20));
    await taking;
    await bench[Symbol.asyncDispose]();
    await until(() => bench.openPorts() === 0);
  });
});

async function only({ driver }: PadBench): Promise<PadDescription> {
  const pads = await driver.list({ signal });
  const [pad] = pads;
  if (!pad || pads.length > 1) throw new Error(`there are ${pads.length} pads`);
  return pad;
}

async function openOnly(bench: PadBench): Promise<SignaturePad> {
  return await bench.driver.open((await only(bench)).id, { signal });
}

interface Captured {
  readonly events: readonly PadEvent[];
  readonly error?: unknown;
}

/** From the moment when the pad is captured from until the person has done and nothing came for a while. */
async function capture(bench: PadBench, pad: SignaturePad, person: () => Promise<void>): Promise<Captured> {
  const over = new AbortController();
  const events: PadEvent[] = [];
  const state = { isOver: false };
  const taking = (async (): Promise<void> => {
    for await (const event of pad.capture({ signal: over.signal, documentHash })) events.push(event);
  })()
    .then(
      () => ({ events }),
      (error: unknown) => ({ events, error }),
    )
    .finally(() => (state.isOver = true));
  await until(() => bench.isCapturing() || state.isOver);
  if (!state.isOver) await person();
  for (let count = -1; count !== events.length;) {
    count = events.length;
    await wait(100);
  }
  over.abort();
  return await taking;
}

function samplesOf(events: readonly PadEvent[]): readonly PenSample[] {
  return events.flatMap((event) => (event.kind === 'pen' ? [event.sample] : []));
}

async function until(isSo: () => boolean): Promise<void> {
  const deadline = AbortSignal.timeout(15_000);
  while (!isSo()) await wait(5, undefined, { signal: deadline });
}
