/**
 * What certificates are made of, decoded by asn1js and @peculiar's schemas (RFC 5280). They take BER, and pass over what a schema does not know; certificates are DER
 * (ITU-T X.690, section 10), and no byte of one may be read in two ways: what is laxer is refused here. Everything that does not decode is a TlvError.
 */
import { AsnParser } from '@peculiar/asn1-schema';
import { BitString, Boolean as Asn1Boolean, Constructed, Integer, ObjectIdentifier, fromBER, type AsnType } from 'asn1js';
import { TlvError } from '../../apdu/tlv/ber-tlv.ts';

/** X.690, section 8.1.2.2, as asn1js counts. */
export const CLASS_UNIVERSAL = 1;

export type Asn1Object = AsnType;
type Schema<T> = new () => T;

/** `bytes` as a whole, as `schema` has it. */
export function decodeAs<T extends object>(bytes: Uint8Array, schema: Schema<T>): T {
  return readAs(decodeObject(bytes), schema);
}

/** `object` as `schema` has it, each part of it a field. The library would take a SEQUENCE under any tag "[n]", too. */
export function readAs<T extends object>(object: Asn1Object, schema: Schema<T>): T {
  if (object.idBlock.tagClass !== CLASS_UNIVERSAL) throw new TlvError('decoding ASN.1: another type than was expected');
  const value = attempt(() => AsnParser.fromASN(object, schema));
  const fields = Object.values(value).filter((field) => field !== undefined);
  if (partsOf(object).length > fields.length) throw new TlvError('decoding ASN.1: a part that is unknown or out of place');
  return value;
}

/** The one object that `bytes` are, in DER. */
export function decodeObject(bytes: Uint8Array): Asn1Object {
  const { offset, result } = attempt(() => fromBER(bytes, { parseEmbedded: false }));
  if (offset !== bytes.length || !isDer(result)) throw new TlvError('decoding ASN.1: not DER, or not that alone');
  return result;
}

export function partsOf(object: Asn1Object): readonly Asn1Object[] {
  return object instanceof Constructed ? object.valueBlock.value : [];
}

/** Lengths in their shortest form, strings in one piece (X.690, sections 10.1 and 10.2). asn1js lets a part reach beyond the end of what it is a part of. */
function isDer(object: Asn1Object): boolean {
  const { length, blockLength, isIndefiniteForm } = object.lenBlock;
  const shortest = length < 0x80 ? 1 : 1 + Math.ceil(Math.log2(length + 1) / 8);
  if (isIndefiniteForm || blockLength !== shortest) return false;
  if (object instanceof Constructed) {
    const parts = partsOf(object);
    return parts.reduce((sum, part) => sum + part.valueBeforeDecodeView.length, 0) === length && parts.every(isDer);
  }
  const content = object.valueBeforeDecodeView.subarray(object.idBlock.blockLength + blockLength);
  return content.length === length && !object.idBlock.isConstructed && isDerContent(object, content);
}

/** TRUE is FF (X.690, section 11.1), bits that are unused are 0 (11.2.1), numbers of an identifier are not padded (8.19.2), and a number has a byte (8.3.1). */
function isDerContent(object: Asn1Object, content: Uint8Array): boolean {
  const [first = -1] = content;
  if (object instanceof Asn1Boolean) return content.length === 1 && (first === 0 || first === 0xff);
  if (object instanceof BitString)
    return first === 0 || (content.length > 1 && ((content.at(-1) ?? 0) & ((1 << first) - 1)) === 0);
  if (object instanceof ObjectIdentifier)
    return first !== -1 && !content.some((byte, at) => byte === 0x80 && (content[at - 1] ?? 0) < 0x80);
  return first !== -1 || !(object instanceof Integer);
}

/** In decimals all through (X.690, section 8.19): of numbers from nine bytes, as UUIDs have, asn1js gives their septets in hexadecimal and braces. */
export function dotted(oid: string): string {
  return oid.replaceAll(/\{([0-9a-f]+)\}/gi, (_, septets: string) =>
    Buffer.from(septets, 'hex')
      .reduce((sum, septet) => sum * 128n + BigInt(septet), 0n)
      .toString(),
  );
}

/** The libraries throw errors of all kinds. */
function attempt<T>(decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    throw new TlvError('decoding ASN.1: it does not decode', { cause: error });
  }
}
