/** Which places of a card are taken for new keys. */
import { describe, expect, it } from 'vitest';
import type { TokenKey } from '../../apdu/token.ts';
import { choosePlaces } from './key-places.ts';

const key = (keyReference: string, more: Partial<TokenKey> = {}): TokenKey => ({
  ...{ keyReference, label: keyReference, usage: 'authentication', pin: '81', pinPolicy: 'once' },
  ...more,
});
const plans = [{ usage: 'authentication' }] as const;
const publicKey = Uint8Array.of(0x30, 0x00);
const chosen = (keys: readonly TokenKey[], certified: readonly string[] = []): string | undefined =>
  choosePlaces({ keys, certificates: certified.map((keyReference) => ({ keyReference, der: new Uint8Array() })) }, [...plans])[0]
    ?.keyReference;

describe('the place of a new key', () => {
  it('is an empty one, before one whose key has no certificate and could not be put back', () => {
    expect(chosen([key('45', { publicKey }), key('55')])).toBe('55');
    expect(chosen([key('45', { publicKey })])).toBe('45');
  });

  it('is none with a certificate, and none that is used without a PIN', () => {
    expect(chosen([key('45'), key('55')], ['45'])).toBe('55');
    expect(() => chosen([key('45'), key('9E', { pinPolicy: 'never' })], ['45'])).toThrow(/none is free/);
  });
});
