import { describe, expect, it } from 'vitest';
import { readerId } from '../desk/desk.ts';
import type { ReaderRecord } from '../desk/records.ts';
import { Turns } from '../turns.ts';
import { Slots } from './slots.ts';

function reader(name: string): ReaderRecord {
  return {
    id: readerId('pcsc', name),
    name,
    source: { id: 'pcsc', watch: () => nothing(), connect: () => Promise.reject(new Error('no card')) },
    queue: new Turns('the reader', 1),
    status: 'empty',
    serialNumber: undefined,
    usbPath: undefined,
    isIdentityPending: false,
    lastState: { name, status: 'empty' },
    role: undefined,
    card: undefined,
  };
}

async function* nothing(): AsyncGenerator<never> {
  // no reader ever changes
}

const READERS = ['First 00 00', 'Second 00 00', 'Third 00 00'].map(reader);
const idsIn = (slots: Slots, readers: readonly ReaderRecord[]): ReadonlyMap<string, number> =>
  new Map(slots.list(readers).map(({ id, description }) => [description, id]));

describe('slots', () => {
  it('have the same ids after a restart, in whatever order the readers come', () => {
    const before = idsIn(new Slots(), READERS);
    const after = new Slots();
    for (const one of READERS.toReversed()) idsIn(after, [one]);
    expect(idsIn(after, READERS)).toEqual(before);
  });

  it('have ids that fit in 31 bits, from 1 on', () => {
    const many = Array.from({ length: 500 }, (_, index) => reader(`Reader ${index}`));
    const ids = [...idsIn(new Slots(), many).values()];
    expect(new Set(ids).size).toBe(500);
    expect(ids.every((id) => Number.isInteger(id) && id >= 1 && id <= 0x7f_ff_ff_ff)).toBe(true);
  });

  it('that come to the same id get the next one, and keep it', () => {
    const slots = new Slots(() => 0x7f_ff_ff_ff);
    const ids = [...idsIn(slots, READERS).values()];
    expect(ids).toEqual([0x7f_ff_ff_ff, 1, 2]);
    expect([...idsIn(slots, READERS.toReversed()).values()]).toEqual([2, 1, 0x7f_ff_ff_ff]);
  });
});
