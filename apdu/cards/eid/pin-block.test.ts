import { describe, expect, it } from 'vitest';
import { formatHex } from '../../bytes.ts';
import { PinFormatError } from '../../errors.ts';
import { Secret } from '../../secret.ts';
import type { PinObject } from './authentication-objects.ts';
import { blockLengthOf, fillPinBlock } from './pin-block.ts';

const PIN: PinObject = {
  reference: '01',
  verifyReference: 1,
  authenticationId: '01',
  label: 'PIN',
  kind: 'pin',
  encoding: 'ascii',
  minLength: 4,
  maxLength: 8,
  pad: 0x00,
  canChange: true,
  canUnblock: true,
  needsSecureMessaging: false,
  isAdministrator: false,
};

function blockOf(pin: PinObject, text: string): string {
  using secret = Secret.fromText(text);
  const block = new Uint8Array(blockLengthOf(pin, secret.lengthBytes));
  fillPinBlock('verifying', pin, block, secret);
  return formatHex(block);
}

describe('a PIN block', () => {
  it.each([
    ['ascii, padded with 00', { blockLengthBytes: 8 }, '123456', '3132333435360000'],
    ['ascii, padded with FF', { blockLengthBytes: 8, pad: 0xff }, '123456', '313233343536FFFF'],
    ['ascii, as long as it is', {}, '12345', '3132333435'],
    ['utf-8', { encoding: 'utf-8', blockLengthBytes: 8 }, 'åäö1', 'C3A5C3A4C3B63100'],
    ['bcd', { encoding: 'bcd', blockLengthBytes: 4, pad: 0xff }, '12345', '12345FFF'],
    ['bcd, as long as it is', { encoding: 'bcd', pad: 0xff }, '123456', '123456'],
    ['half-nibble bcd', { encoding: 'half-nibble bcd', blockLengthBytes: 6, pad: 0xff }, '1234', 'F1F2F3F4FFFF'],
    ['iso 9564-1', { encoding: 'iso 9564-1', blockLengthBytes: 8 }, '123456', '26123456FFFFFFFF'],
    ['iso 9564-1, odd', { encoding: 'iso 9564-1', blockLengthBytes: 8 }, '12345', '2512345FFFFFFFFF'],
  ] as const)('in %s', (_, form, text, block) => {
    expect(blockOf({ ...PIN, ...form }, text)).toBe(block);
  });

  it.each([
    ['123', {}],
    ['123456789', {}],
    ['12 4', {}],
    ['12345a', { encoding: 'bcd' }],
  ] as const)('is not made of "%s"', (text, form) => {
    expect(() => blockOf({ ...PIN, ...form }, text)).toThrow(PinFormatError);
  });
});
