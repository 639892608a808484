/** The few kinds of ASN.1 values that the files of PKCS #15 are made of, in DER (ITU-T X.690). */
import { encodeTlv } from '../../../../apdu/tlv/ber-tlv.ts';
import { encodeInteger, sequence } from '../../certificate.ts';

export { encodeInteger, encodeOid, sequence } from '../../certificate.ts';

export function octetString(bytes: Uint8Array): Uint8Array {
  return encodeTlv(0x04, bytes);
}

export function utf8String(text: string): Uint8Array {
  return encodeTlv(0x0c, new TextEncoder().encode(text));
}

/** BIT STRING of named bits, trailing zeros left out (X.690, section 11.2.2): bit 0 is the highest of the first octet. */
export function namedBits(...bits: readonly number[]): Uint8Array {
  const last = Math.max(-1, ...bits);
  const octets = new Uint8Array(Math.floor((last + 8) / 8));
  for (const bit of bits) octets[bit >> 3] = (octets[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
  return encodeTlv(0x03, Uint8Array.of(last === -1 ? 0 : 7 - (last & 7)), octets);
}

/** INTEGER of a number below 2^31. */
export function integer(value: number): Uint8Array {
  return encodeInteger(BigInt(value));
}

/** The same value under another tag: implicit tagging. */
export function retag(tag: number, encoded: Uint8Array): Uint8Array {
  const tagged = encoded.slice();
  tagged[0] = tag;
  return tagged;
}

/** `path [, index, length]`: `Path` of PKCS #15 v1.1, section 6.1.5. */
export function path(fileId: Uint8Array, part?: { readonly index: number; readonly lengthBytes: number }): Uint8Array {
  return part
    ? sequence(octetString(fileId), integer(part.index), retag(0x80, integer(part.lengthBytes)))
    : sequence(octetString(fileId));
}

/** GeneralizedTime to the second, UTC. */
export function generalizedTime(date: Date): Uint8Array {
  return encodeTlv(0x18, new TextEncoder().encode(`${date.toISOString().replaceAll(/[-:T]/g, '').slice(0, 14)}Z`));
}
