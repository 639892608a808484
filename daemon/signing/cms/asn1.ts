/**
 * ASN.1 by asn1js, as CMS needs it: DER alone (X.690, section 10), bounded in depth and count, blocks as views of their input. What others signed comes out byte
 * for byte, so it is spliced in and not encoded anew.
 */
import {
  BaseBlock,
  Constructed,
  GeneralizedTime,
  ObjectIdentifier,
  OctetString,
  Set as Asn1Set,
  UTCTime,
  compareSchema,
  fromBER,
  type AsnSchemaType,
  type ViewWriter,
} from 'asn1js';

const MAX_DEPTH = 32;
/** asn1js makes objects of each, and nothing else is done meanwhile: these take half a second at worst. A revocation list of 20,000 entries with reasons has as many. */
const MAX_ELEMENTS = 120_000;
/** Bytes of identifiers, texts and times in all: the same list has a third of it. */
const MAX_DECODED = 1_000_000;
const CONSTRUCTED = 0x20;
/** Of the universal class: SEQUENCE, SET, EXTERNAL, EMBEDDED PDV. Strings are never in DER (X.690, section 10.2). */
const CONSTRUCTED_TAGS: readonly number[] = [0x30, 0x31, 0x28, 0x2b];
/** What asn1js takes as bytes: INTEGER, BIT STRING, OCTET STRING, NULL, ENUMERATED. */
const BYTES_TAGS: readonly number[] = [0x02, 0x03, 0x04, 0x05, 0x0a];

export class DerError extends Error {
  override readonly name = 'DerError';
}

/** The one element that these bytes are, with everything inside it. Throws DerError, also for bytes that follow it. */
export function readDer(bytes: Uint8Array): BaseBlock {
  requireDer(bytes);
  const { result, offset } = orDerError('no ASN.1', () =>
    fromBER(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength), {
      maxDepth: MAX_DEPTH,
      maxNodes: MAX_ELEMENTS,
      maxContentLength: bytes.length,
      parseEmbedded: false,
      copyInput: false,
    }),
  );
  if (offset !== bytes.length) throw new DerError(result.error || 'no ASN.1');
  return result;
}

/**
 * Tags and lengths alone, before asn1js sees them: it takes BER, lets an element go beyond the end of the one around it, and makes objects of every byte
 * of an identifier, gigabytes for one of 16 MB.
 */
function requireDer(bytes: Uint8Array): void {
  /** Of the elements around. */
  const ends = [bytes.length];
  let decoded = 0;
  let offset = 0;
  for (let count = 0; ends.length > 0;) {
    const end = ends.at(-1);
    if (offset === end && offset > 0) {
      ends.pop();
      continue;
    }
    if (ends.length === 1 && offset > 0) throw new DerError(`${bytes.length - offset} bytes follow the structure`);
    const { tag, start, length } = readHead(bytes, offset);
    if (start + length > (end ?? 0)) throw new DerError('an element goes beyond the end of the one around it');
    if (++count > MAX_ELEMENTS) throw new DerError(`more than ${MAX_ELEMENTS} elements`);
    const isUniversal = tag < 0x40;
    offset = start;
    if ((tag & CONSTRUCTED) !== 0) {
      if (isUniversal && !CONSTRUCTED_TAGS.includes(tag)) throw new DerError('a string in parts (BER)');
      if (ends.length > MAX_DEPTH) throw new DerError(`nested deeper than ${MAX_DEPTH} levels`);
      ends.push(start + length);
      continue;
    }
    if (isUniversal && !BYTES_TAGS.includes(tag)) decoded += length;
    if (decoded > MAX_DECODED) throw new DerError(`more than ${MAX_DECODED} bytes of identifiers and texts`);
    offset += length;
  }
}

function readHead(bytes: Uint8Array, offset: number): { readonly tag: number; readonly start: number; readonly length: number } {
  const [tag, first] = bytes.subarray(offset, offset + 2);
  if (tag === undefined || first === undefined) throw new DerError('it ends in the head of an element');
  if ((tag & 0x1f) === 0x1f || tag === 0) throw new DerError('a tag that is not known');
  if (first < 0x80) return { tag, start: offset + 2, length: first };
  if (first === 0x80) throw new DerError('a length that is not told beforehand (BER, indefinite form)');
  const digits = bytes.subarray(offset + 2, offset + 2 + (first & 0x7f));
  if (digits.length > 4 || digits.length < (first & 0x7f)) throw new DerError('a length that no input has');
  const length = digits.reduce((sum, digit) => sum * 256 + digit, 0);
  if (length < 0x80 || digits[0] === 0) throw new DerError('a length longer than it need be (BER)');
  return { tag, start: offset + 2 + digits.length, length };
}

/** As it stands in the input: a view. */
export function rawOf(block: BaseBlock): Uint8Array {
  return block.valueBeforeDecodeView;
}

export function childrenOf(block: BaseBlock): readonly BaseBlock[] {
  if (!(block instanceof Constructed)) throw new DerError('a structure is missing');
  return block.valueBlock.value;
}

/** The parts that a schema of asn1js names. Throws DerError for another structure. */
export function matchSchema(block: BaseBlock, schema: AsnSchemaType, what: string): MatchedParts {
  const compared = orDerError(`no ${what}`, () => compareSchema(block, block, schema));
  if (!compared.verified) throw new DerError(`no ${what}`);
  return new MatchedParts(compared.result);
}

export class MatchedParts {
  readonly #found: Readonly<Record<string, unknown>>;

  constructor(found: Readonly<Record<string, unknown>>) {
    this.#found = found;
  }

  one(name: string): BaseBlock {
    const block = this.optional(name);
    if (!block) throw new DerError(`${name} is missing`);
    return block;
  }

  optional(name: string): BaseBlock | undefined {
    const found = this.#found[name];
    return found instanceof BaseBlock ? found : undefined;
  }
}

/** Schemas let fields follow that they do not know. */
export function requireFields(block: BaseBlock, count: number): void {
  if (childrenOf(block).length > count) throw new DerError('a field too many');
}

/** What the libraries throw for what they cannot read. */
export function orDerError<R>(problem: string, read: () => R): R {
  try {
    return read();
  } catch (error) {
    if (error instanceof DerError) throw error;
    throw new DerError(problem, { cause: error });
  }
}

export function octetsOf(block: BaseBlock | undefined): Uint8Array {
  if (!(block instanceof OctetString)) throw new DerError('an OCTET STRING is missing');
  return block.valueBlock.valueHexView;
}

export function oidOf(block: BaseBlock | undefined): string {
  if (!(block instanceof ObjectIdentifier)) throw new DerError('an object identifier is missing');
  return block.getValue();
}

/** In UTC (RFC 5652, section 11.3). Throws DerError for what is no such time. */
export function timeOf(block: BaseBlock | undefined): Date {
  if (!(block instanceof UTCTime)) throw new DerError('a time is missing');
  const time = block.toDate();
  if (Number.isNaN(time.getTime())) throw new DerError('a time that is none');
  // The library takes the 40th of a month.
  const again = block instanceof GeneralizedTime ? new GeneralizedTime({ valueDate: time }) : new UTCTime({ valueDate: time });
  if (Buffer.compare(again.valueBlock.valueHexView, block.valueBlock.valueHexView) !== 0)
    throw new DerError('a time that is none');
  return time;
}

/** UTCTime until 2049, GeneralizedTime from then on (RFC 5652, section 11.3). */
export function timeBlock(time: Date): UTCTime {
  const valueDate = new Date(Math.floor(time.getTime() / 1000) * 1000);
  const isShort = time.getUTCFullYear() >= 1950 && time.getUTCFullYear() < 2050;
  return isShort ? new UTCTime({ valueDate }) : new GeneralizedTime({ valueDate });
}

/** By asn1js, but for joining the parts: it copies content anew at every level around it, and content may be long. */
export function encode(block: BaseBlock): Uint8Array<ArrayBuffer> {
  const parts = partsOf(block);
  const bytes = new Uint8Array(lengthOf(parts));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

function partsOf(block: BaseBlock): readonly Uint8Array[] {
  if (block instanceof Spliced) return [block.bytes];
  if (!(block instanceof OctetString || block instanceof Constructed)) return [new Uint8Array(block.toBER())];
  const inside = block instanceof OctetString ? [octetsOf(block)] : block.valueBlock.value.flatMap(partsOf);
  block.lenBlock.length = lengthOf(inside);
  return [new Uint8Array(block.idBlock.toBER()), new Uint8Array(block.lenBlock.toBER()), ...inside];
}

const lengthOf = (parts: readonly Uint8Array[]): number => parts.reduce((sum, { length }) => sum + length, 0);

/** Of the context-specific class, constructed ([n] EXPLICIT, or IMPLICIT of something constructed). */
export function tagged(tagNumber: number, value: BaseBlock[]): Constructed {
  return new Constructed({ idBlock: { tagClass: 3, tagNumber }, value });
}

/** DER wants the elements in the order of their bytes (X.690, section 11.6). */
export function inOrder(elements: readonly Uint8Array[]): BaseBlock[] {
  return [...elements].sort((one, other) => Buffer.compare(one, other)).map((bytes) => new Spliced(bytes));
}

export function setOf(elements: readonly Uint8Array[]): Asn1Set {
  return new Asn1Set({ value: inOrder(elements) });
}

/** An element that goes out as the bytes that it is. RawData of asn1js writes nothing when it is inside of others. */
export class Spliced extends BaseBlock {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    super();
    this.bytes = bytes;
  }

  override toBER(_sizeOnly?: boolean, writer?: ViewWriter): ArrayBuffer {
    const { buffer } = Uint8Array.from(this.bytes);
    writer?.write(buffer);
    return buffer;
  }
}
