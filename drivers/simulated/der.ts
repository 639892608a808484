/** The few kinds of ASN.1 values that the simulators write themselves, in DER (ITU-T X.690). */
import { encodeTlv } from '../../apdu/tlv/ber-tlv.ts';
import { bigIntToBytes } from './bytes.ts';

/** Non-negative INTEGER (X.690, section 8.3). */
export function encodeInteger(value: bigint): Uint8Array {
  const digits = value.toString(16);
  return encodeTlv(
    0x02,
    bigIntToBytes(value, Math.floor(digits.length / 2) + (isHighBitSet(digits) || digits.length % 2 === 1 ? 1 : 0)),
  );
}

function isHighBitSet(digits: string): boolean {
  return digits.length % 2 === 0 && parseInt(digits.charAt(0), 16) >= 8;
}

/** OBJECT IDENTIFIER (X.690, section 8.19). */
export function encodeOid(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes: number[] = [];
  for (const arc of [first * 40 + second, ...rest]) {
    const groups = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) groups.unshift((left % 128) | 0x80);
    bytes.push(...groups);
  }
  return encodeTlv(0x06, Uint8Array.from(bytes));
}

export function sequence(...parts: readonly Uint8Array[]): Uint8Array {
  return encodeTlv(0x30, ...parts);
}

/** SET OF: its members in the order of their encodings (X.690, section 11.6). */
export function setOf(...members: readonly Uint8Array[]): Uint8Array {
  return encodeTlv(0x31, ...members.toSorted((left, right) => Buffer.compare(left, right)));
}
