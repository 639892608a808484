/** The pseudo-random function of PACE's integrated mapping (ICAO Doc 9303-11, section 4.4.3.3.2, figure 2 and table 3). */
import { bytesToBigInt, concatBytes, parseHex } from '../../bytes.ts';
import type { Suite } from './cipher.ts';

/** For keys of 128 bits, and for longer ones. */
const CONSTANTS = {
  short: ['a668892a7c41e3ca739f40b057d85904', 'a4e136ac725f738b01c1f60217c188ad'],
  long: [
    'd463d65234124ef7897054986dca0a174e28df758cbaa03f240616414d5a1676',
    '54bd7255f0aaf831bec3423fcf39d69b6cbf066677d0faae5aadd99df8e53517',
  ],
} as const;
const SURPLUS_BITS = 64;

export interface Nonces {
  /** The chip's, decrypted; at least as long as a key. */
  readonly nonce: Uint8Array;
  readonly readerNonce: Uint8Array;
  readonly fieldBits: number;
}

/** R(s, t) as a number, not reduced. */
export function expandNonces(suite: Suite, { nonce, readerNonce, fieldBits }: Nonces): bigint {
  const [forKeys, forBlocks] = (suite.keyBytes > 16 ? CONSTANTS.long : CONSTANTS.short).map(parseHex);
  if (!forKeys || !forBlocks) throw new RangeError('expanding nonces: there are two constants');
  const blocks: Uint8Array[] = [];
  let key = suite.encrypt(readerNonce, nonce).subarray(0, suite.keyBytes);
  for (let bits = 0; bits < fieldBits + SURPLUS_BITS; bits += 8 * forBlocks.length) {
    blocks.push(suite.encrypt(key, forBlocks));
    key = suite.encrypt(key, forKeys).subarray(0, suite.keyBytes);
  }
  return bytesToBigInt(concatBytes(...blocks));
}
