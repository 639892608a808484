import { describe, expect, it } from 'vitest';
import type { TokenKey } from '../../apdu/token.ts';
import { readerId } from '../desk/desk.ts';
import type { ReaderRecord } from '../desk/records.ts';
import { TriesMemory } from '../pin/tries.ts';
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

const KEYS = {
  authentication: { keyReference: '01', label: 'a', usage: 'authentication', pin: '81', pinPolicy: 'once' },
  signature: { keyReference: '02', label: 's', usage: 'signature', pin: '82', pinPolicy: 'once' },
} as const;

/** In the first reader. */
function withCard(id: string, keys: readonly TokenKey[]): ReaderRecord {
  const record = reader('First 00 00');
  record.card = {
    ...{ id, reader: record, atr: new Uint8Array(), insertion: 1, insertedAt: new Date(0), removal: new AbortController() },
    ...{ tries: new TriesMemory(() => 0), status: 'ready', contents: { keys, certificates: [] }, changeMarker: undefined },
    ...{ quietSince: undefined, generated: new Map(), problem: undefined, lease: undefined, fence: 0 },
  };
  return record;
}

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

  it('stay with their PINs while the card is in, whichever keys go', () => {
    const slots = new Slots();
    const both = withCard('first', [KEYS.authentication, KEYS.signature]);
    const tokens = (record: ReaderRecord) => slots.list([record]).map(({ token }) => token && [token.pin, token.label]);
    const before = tokens(both);
    expect(before).toEqual([
      ['81', 'card card (authentication)'],
      ['82', 'card card (signature)'],
    ]);
    for (const keys of [[KEYS.signature], [], [KEYS.signature, KEYS.authentication]]) {
      if (both.card) both.card.contents = { keys, certificates: [] };
      expect(tokens(both)).toEqual(before);
    }
    expect(tokens(withCard('next', [KEYS.signature]))).toEqual([['82', 'card card'], undefined]);
  });
});
