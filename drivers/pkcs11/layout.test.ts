import { expect, it } from 'vitest';
import type { CryptokiNumbers } from './cryptoki.ts';
import { decodeInfo, decodeLengths, decodeSlotInfo, decodeTokenInfo, encodeFields, encodeInitializeArgs } from './layout.ts';

const LP64: CryptokiNumbers = { ulongBytes: 8, pointerBytes: 8, isPacked: false };
const WINDOWS: CryptokiNumbers = { ulongBytes: 4, pointerBytes: 8, isPacked: true };

it.each([
  ['LP64', LP64, 24, '1111111111111111' + '2222222222222222' + '0500000000000000'],
  ['Windows', WINDOWS, 16, '11111111' + '2222222222222222' + '05000000'],
])('CK_ATTRIBUTE lies on %s as the compiler of that system has it', (_, numbers, size, hex) => {
  const type = numbers.ulongBytes === 8 ? 0x1111_1111 : 0x1111_1111;
  const bytes = encodeFields([{ type, address: 0x2222_2222_2222_2222n, length: 5 }], numbers);
  expect(bytes).toHaveLength(size);
  expect(bytes.toString('hex')).toBe(numbers.ulongBytes === 8 ? hex.replace('1111111111111111', '1111111100000000') : hex);
  expect(decodeLengths(bytes, 1, numbers)).toEqual([5n]);
});

it('CK_C_INITIALIZE_ARGS has its flags after four pointers', () => {
  expect(encodeInitializeArgs(2, LP64).readBigUInt64LE(32)).toBe(2n);
  expect(encodeInitializeArgs(2, WINDOWS).readUInt32LE(32)).toBe(2);
});

it.each([
  ['LP64', LP64, { flags: 96, maxPin: 136, minPin: 144, description: 48, library: 80 }],
  ['Windows', WINDOWS, { flags: 96, maxPin: 116, minPin: 120, description: 38, library: 70 }],
])('what a module tells of itself, a slot and a token is found on %s', (_, numbers, at) => {
  const bytes = Buffer.alloc(256, ' ');
  bytes.write('A label\u001b[2J', 0);
  bytes.write('0123', 80);
  bytes.fill(0, 96);
  bytes.writeUInt32LE(0x40c, at.flags);
  bytes.writeUInt32LE(12, at.maxPin);
  bytes.writeUInt32LE(4, at.minPin);
  expect(decodeTokenInfo(bytes, numbers)).toMatchObject({
    label: 'A label [2J',
    serialNumber: '0123',
    flags: 0x40c,
    maxPinLength: 12,
    minPinLength: 4,
  });
  expect(decodeSlotInfo(bytes, numbers).flags).toBe(0x40c);
  const info = Buffer.alloc(256, ' ');
  info.set([2, 40], 0);
  info.write('A library', at.description);
  info.set([2, 6], at.library);
  expect(decodeInfo(info, numbers)).toMatchObject({ cryptokiVersion: '2.40', description: 'A library', version: '2.6' });
});
