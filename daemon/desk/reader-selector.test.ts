import { describe, expect, it } from 'vitest';
import { findReaders, hasSelector, selectorOf, type KnownReader, type RoleBinding } from './reader-selector.ts';

const never = (): boolean => false;

function reader(name: string, known: Partial<KnownReader> = {}): KnownReader {
  return { name, isIdentityPending: false, ...known };
}

function binding(role: string, selector: RoleBinding['selector'], source: RoleBinding['source'] = 'assigned'): RoleBinding {
  return { role, source, selector };
}

describe('a selector', () => {
  it.each([
    ['by serial number', reader('X 00 00', { serialNumber: 'A', usbPath: '1-1' }), { serialNumber: 'A', name: 'X', slot: 0 }],
    ['by port', reader('X 00 00', { usbPath: '1-1' }), { usbPath: '1-1', name: 'X', slot: 0 }],
    ['by name', reader('X 01 01'), { name: 'X', slot: 1 }],
    ['by name, without a slot', reader('X 1'), { name: 'X' }],
  ])('is made %s', (_, own, expected) => {
    expect(selectorOf(own, [reader('Y 00 00', { serialNumber: 'B', usbPath: '1-2' })], never)).toEqual(expected);
  });

  it('is made of what tells the reader from those that are there', () => {
    const own = reader('X 00 00', { serialNumber: 'A', usbPath: '1-1' });
    const twin = reader('X 01 00', { serialNumber: 'A', usbPath: '1-2' });
    expect(selectorOf(own, [twin], never)).toEqual({ usbPath: '1-1', name: 'X', slot: 0 });
    expect(selectorOf(own, [], () => true)).toEqual({ usbPath: '1-1', name: 'X', slot: 0 });
    expect(selectorOf(reader('X 00 00'), [reader('X 01 00')], never)).toBeUndefined();
    expect(selectorOf(reader('X 00 00'), [reader('X 00 01')], never)).toEqual({ name: 'X', slot: 0 });
  });

  it('fits a reader that has all of it, whatever number the reader has got', () => {
    const selector = { serialNumber: 'A', name: 'X 00 00', slot: 0 };
    expect(hasSelector(reader('X 07 00', { serialNumber: 'A' }), selector)).toBe(true);
    expect(hasSelector(reader('Y 00 00', { serialNumber: 'A' }), selector)).toBe(false);
    expect(hasSelector(reader('X 00 01', { serialNumber: 'A' }), selector)).toBe(false);
    expect(hasSelector(reader('X 00 00', { serialNumber: 'B' }), selector)).toBe(false);
    expect(hasSelector(reader('X 00 00'), selector)).toBe(false);
  });
});

describe('the reader of a role', () => {
  const a = reader('X 00 00', { serialNumber: 'A', usbPath: '1-1' });
  const b = reader('X 01 00', { serialNumber: 'B', usbPath: '1-2' });
  const found = (bindings: readonly RoleBinding[], readers: readonly KnownReader[], isShared = never): object =>
    Object.fromEntries(
      [...findReaders(bindings, readers, isShared)].map(([role, { status, readers: which }]) => [role, [status, ...which]]),
    );

  it('is the one that fits, or is away', () => {
    expect(found([binding('holder', { serialNumber: 'B' })], [a, b])).toEqual({ holder: ['ready', b] });
    expect(found([binding('holder', { serialNumber: 'B' })], [a])).toEqual({ holder: ['away'] });
  });

  it('is none of two that fit', () => {
    expect(found([binding('holder', { name: 'X' })], [a, b])).toEqual({ holder: ['ambiguous', a, b] });
  });

  it('is not found by a serial number that two readers were seen with', () => {
    expect(found([binding('holder', { serialNumber: 'A' })], [a], () => true)).toEqual({ holder: ['ambiguous', a] });
  });

  it('by serial number beats by port beats by name', () => {
    const bySerial = binding('first', { serialNumber: 'A' });
    const byPort = binding('second', { usbPath: '1-1' });
    const byName = binding('third', { name: 'X' });
    expect(found([byName, byPort, bySerial], [a])).toEqual({ first: ['ready', a], second: ['away'], third: ['away'] });
    expect(found([byName, byPort], [a])).toEqual({ second: ['ready', a], third: ['away'] });
  });

  it('by policy beats what was assigned, and that what a scenario suggests', () => {
    const roles = [
      binding('scenario', { serialNumber: 'A' }, 'scenario'),
      binding('assigned', { serialNumber: 'A' }),
      binding('policy', { name: 'X' }, 'policy'),
    ];
    expect(found(roles, [a])).toEqual({ scenario: ['away'], assigned: ['away'], policy: ['ready', a] });
  });

  it('is neither role’s when both have the same right to it', () => {
    const roles = [binding('one', { serialNumber: 'A' }, 'policy'), binding('other', { serialNumber: 'A' }, 'policy')];
    expect(found(roles, [a])).toEqual({ one: ['ambiguous', a], other: ['ambiguous', a] });
  });

  it('is not taken by its name while it may still turn out to be another', () => {
    const pending = reader('X 00 00', { isIdentityPending: true });
    expect(found([binding('holder', { name: 'X' })], [pending])).toEqual({ holder: ['away', pending] });
    expect(found([binding('holder', { name: 'X' })], [reader('X 00 00')])).toMatchObject({ holder: ['ready', {}] });
  });
});
