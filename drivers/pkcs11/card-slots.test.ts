import { describe, expect, it } from 'vitest';
import { fingerprint, groupSlots, isReader, type SeenSlot } from './card-slots.ts';

function slot(id: string, description: string, serialNumber?: string, flags = 0x400): SeenSlot {
  const token = {
    label: 'label',
    manufacturer: '',
    model: '',
    serialNumber: serialNumber ?? '',
    flags,
    maxPinLength: 8,
    minPinLength: 4,
  };
  return { id, info: { description, flags: 4 }, ...(serialNumber === undefined ? {} : { token }) };
}

describe('slots', () => {
  it('of one reader and one serial number are one card, in the order of their ids', () => {
    const groups = groupSlots([slot('10', 'Reader', 'A'), slot('9', 'Reader', 'A'), slot('3', 'Reader'), slot('4', 'Other')]);
    expect(groups.map(({ description, slots }) => [description, slots.map(({ id }) => id)])).toEqual([
      ['Reader', ['9', '10']],
      ['Other', []],
    ]);
  });

  it('of one description with different tokens are different cards', () => {
    const groups = groupSlots([slot('1', 'Slot', 'A'), slot('2', 'Slot', 'B')]);
    expect(groups.map(({ description }) => description)).toEqual(['Slot', 'Slot (2)']);
    expect(new Set(groups.map(fingerprint)).size).toBe(2);
  });

  it('whose token was never initialised have no card', () => {
    expect(groupSlots([slot('1', 'Slot', 'A', 0)])[0]?.slots).toEqual([]);
  });
});

describe('a description', () => {
  const long = 'Alcor Micro AU9560 00 00 with a name that is longer than a description can be at all';
  it.each([
    ['Reader 00 00', 'Reader 00 00', true],
    ['Reader 00 00', 'Reader 00 01', false],
    [long.slice(0, 64).trim(), long, true],
    [long.slice(0, 63).trim(), long.replace('Alcor', 'alcor'), false],
    ['', long, false],
  ])('%j of the reader %j: %s', (description, name, is) => {
    expect(isReader(description, name)).toBe(is);
  });
});
