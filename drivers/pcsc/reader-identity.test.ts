import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ReaderState } from '../reader-source.ts';
import { createBlockingCalls, limitCalls } from './blocking-calls.ts';
import { createFakeWinScard, type FakeAttributes, type FakeWinScard } from './fake-winscard.ts';
import { createPcscSource, type PcscSource } from './source.ts';
import type { PcscClock } from './pcsc-layer.ts';

const SERIAL = 0x10103;
const CHANNEL = 0x20110;
const UNSUPPORTED = 0x80100022;
const SHARING_VIOLATION = 0x8010000b;

let fake: FakeWinScard;
let source: PcscSource;
let abort: AbortController;
let watches: AsyncIterator<ReaderState, undefined>[];
let folder: string;
let now: number;

const clock: PcscClock = {
  now: () => now,
  pause: async (_, signal) => {
    await nextTurn();
    signal.throwIfAborted();
  },
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kortd-usb-'));
  mkdirSync(join(folder, '1-2.3'));
  for (const [file, text] of [
    ['busnum', '1'],
    ['devnum', '17'],
    ['serial', 'FROM-USB'],
  ] as const)
    writeFileSync(join(folder, '1-2.3', file), `${text}\n`);
  now = 0;
  fake = createFakeWinScard();
  source = createPcscSource({ load: () => limitCalls(fake, createBlockingCalls(8)), usbFolder: folder });
  abort = new AbortController();
  watches = [];
});

afterEach(async () => {
  abort.abort();
  await Promise.all(watches.map(async (states) => states.return?.()));
  await source[Symbol.asyncDispose]();
  await nextTurn();
  expect([fake.openContexts, fake.openHandles]).toEqual([0, 0]);
  rmSync(folder, { recursive: true });
});

function attributes(values: Readonly<Record<number, Uint8Array | number>>): FakeAttributes {
  return (attribute) => values[attribute] ?? UNSUPPORTED;
}

function watch(): AsyncIterator<ReaderState, undefined> {
  const states = source.watch({ signal: abort.signal })[Symbol.asyncIterator]() as AsyncIterator<ReaderState, undefined>;
  watches.push(states);
  return states;
}

async function next(states: AsyncIterator<ReaderState, undefined>): Promise<ReaderState> {
  const { value } = await states.next();
  if (!value) throw new Error('the watch ended');
  return value;
}

const text = (value: string): Uint8Array => Uint8Array.from(Buffer.from(`${value}\0`));
/** 0xDDDDCCCC, little-endian: USB, bus 1, address 17. */
const onUsb = Uint8Array.of(0x11, 0x01, 0x20, 0x00);

describe('which reader it is', () => {
  it('is its serial number, and the USB port behind its channel', async () => {
    fake.addReader('A 00 00', undefined, attributes({ [SERIAL]: text('S-1'), [CHANNEL]: onUsb }));
    expect(await next(watch())).toMatchObject({ serialNumber: 'S-1', usbPath: '1-2.3' });
  });

  it('is the serial number of the USB device where the reader tells none, else the one in its name', async () => {
    fake.addReader('A 00 00', undefined, attributes({ [CHANNEL]: onUsb }));
    fake.addReader('B (IN-NAME) 00 00', undefined, attributes({}));
    const states = watch();
    expect(await next(states)).toMatchObject({ serialNumber: 'FROM-USB', usbPath: '1-2.3' });
    const named = await next(states);
    expect(named).toMatchObject({ serialNumber: 'IN-NAME' });
    expect('usbPath' in named || 'isIdentityPending' in named).toBe(false);
  });

  it.each([
    ['is not told', {}],
    ['is empty', { [SERIAL]: new Uint8Array(), [CHANNEL]: new Uint8Array() }],
    ['is zeros', { [SERIAL]: text('00000000'), [CHANNEL]: Uint8Array.of(0, 0, 0, 0) }],
    ['is not on USB', { [CHANNEL]: Uint8Array.of(0x11, 0x01, 0x01, 0x00) }],
    ['is cut short', { [CHANNEL]: Uint8Array.of(0x11, 0x01) }],
    ['is of no device that is there', { [CHANNEL]: Uint8Array.of(0x63, 0x01, 0x20, 0x00) }],
  ])('stays open when it %s', async (_, values) => {
    fake.addReader('A 00 00', undefined, attributes(values));
    expect(await next(watch())).toEqual({ name: 'A 00 00', status: 'empty', heldElsewhere: false, hasKeypad: false });
  });

  it('is asked once as long as the reader stays', async () => {
    fake.addReader('A 00 00', undefined, attributes({ [SERIAL]: text('S-1') }));
    const states = watch();
    await next(states);
    fake.insert('A 00 00');
    expect(await next(states)).toMatchObject({ status: 'present', serialNumber: 'S-1' });
    expect(fake.callCount('getAttrib')).toBe(2);
  });

  it('is pending while another program has the reader, and told when it was asked again', async () => {
    source = createPcscSource({ load: () => limitCalls(fake, createBlockingCalls(8)), usbFolder: folder, clock });
    fake.addReader('A 00 00', undefined, attributes({ [SERIAL]: text('S-1') }));
    fake.failNext('getAttrib', SHARING_VIOLATION);
    const states = watch();
    const pending = await next(states);
    expect(pending).toMatchObject({ status: 'empty', isIdentityPending: true });
    expect('serialNumber' in pending).toBe(false);
    now = 2_000;
    fake.insert('A 00 00');
    expect(await next(states)).toMatchObject({ status: 'present', isIdentityPending: true });
    const told = await next(states);
    expect(told).toMatchObject({ status: 'present', serialNumber: 'S-1' });
    expect('isIdentityPending' in told).toBe(false);
  });

  it('is asked anew when another reader comes under the same name', async () => {
    fake.addReader('A 00 00', undefined, attributes({ [SERIAL]: text('S-1') }));
    const states = watch();
    await next(states);
    fake.removeReader('A 00 00');
    expect(await next(states)).toMatchObject({ status: 'removed' });
    fake.addReader('A 00 00', undefined, attributes({ [SERIAL]: text('S-2') }));
    expect(await next(states)).toMatchObject({ serialNumber: 'S-2' });
  });
});
