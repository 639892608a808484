import { describe, expect, it } from 'vitest';
import { Secret } from '../../apdu/secret.ts';
import { Sessions } from './sessions.ts';

const slot = { id: 7, description: 'Bench 0', manufacturer: 'kortd' } as const;
const token = (insertion: string) =>
  ({ insertion, label: '', manufacturer: '', model: '', serialNumber: '', pin: '80', isFirst: true, hasKeypad: false }) as const;

describe('a PIN that was given at a login', () => {
  it.each([
    ['the card goes', undefined],
    ['another card is there', 'second'],
  ])('is wiped as soon as %s, whether or not the program does anything', (_, next) => {
    const sessions = new Sessions({ onOtherwise: () => undefined });
    sessions.open({ ...slot, token: token('first') }, false);
    const pin = Secret.fromText('135790');
    sessions.login(slot.id, { insertion: 'first', user: 'user', pin });
    sessions.noteCard(slot.id, 'first');
    expect(pin.use((bytes) => bytes.length)).toBe(6);
    sessions.noteCard(slot.id, next);
    expect(() => pin.use((bytes) => bytes.length)).toThrow();
    expect(sessions.pinOf(slot.id, 'first')).toBeUndefined();
  });
});
