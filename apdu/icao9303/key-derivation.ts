/** Keys out of shared secrets (ICAO Doc 9303-11, section 9.7.1). */
import { createHash } from 'node:crypto';
import { concat } from '../bytes.ts';
import type { CipherSuite } from '../secure-messaging/cipher-suite.ts';

/** What a key is for: the counter at the end of what is hashed. */
export type KeyPurpose = 'encryption' | 'mac' | 'password';

const COUNTERS: Readonly<Record<KeyPurpose, number>> = { encryption: 1, mac: 2, password: 3 };
const COUNTER_LENGTH = 4;

/** SHA-1 for keys of 16 bytes, SHA-256 for longer ones; those of Triple-DES get odd parity. */
export function deriveKey(secret: Uint8Array, suite: CipherSuite, purpose: KeyPurpose): Uint8Array {
  const counter = new Uint8Array(COUNTER_LENGTH);
  counter[COUNTER_LENGTH - 1] = COUNTERS[purpose];
  const hash = createHash(suite.keyLengthBytes === 16 ? 'sha1' : 'sha256').update(concat(secret, counter));
  const key = new Uint8Array(hash.digest()).slice(0, suite.keyLengthBytes);
  return suite.name === '3DES' ? key.map(withOddParity) : key;
}

/** The lowest bit makes the number of ones odd (FIPS 46-3, section 1). */
function withOddParity(byte: number): number {
  let ones = 0;
  for (let bit = 1; bit < 8; bit++) ones += (byte >> bit) & 1;
  return (byte & 0xfe) | (ones % 2 === 0 ? 1 : 0);
}
