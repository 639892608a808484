/** Attributes in and out of a module: templates built in memory, and values read with every length doubted. */
import { CKR_ATTRIBUTE_SENSITIVE, CKR_ATTRIBUTE_TYPE_INVALID, CKR_BUFFER_TOO_SMALL, CKR_OK } from './constants.ts';
import type { Cryptoki } from './cryptoki.ts';
import { decodeLengths, encodeFields, encodeUlong, readUlong } from './layout.ts';
import { ModuleFaultError, ReturnedError } from './faults.ts';
import { MAX_VALUE_BYTES, type AttributeKind, type TemplateRow } from './messages.ts';

export interface Template {
  readonly bytes: Buffer;
  readonly count: number;
  /** What the template points to: must be alive until the module's function has returned. */
  readonly values: readonly Uint8Array[];
}

/** Values of `bytes` rows are taken from `blobs` in their order. */
export function encodeTemplate(cryptoki: Cryptoki, rows: readonly TemplateRow[], blobs: readonly Uint8Array[]): Template {
  const { numbers } = cryptoki;
  let next = 0;
  const values = rows.map(({ kind, value = 0 }) => {
    if (kind === 'boolean') return Uint8Array.of(value);
    return kind === 'number' ? encodeUlong(value, numbers) : Buffer.from(blobs[next++] ?? []);
  });
  const fields = rows.map(({ type }, index) => {
    const value = values[index] ?? new Uint8Array();
    return { type, address: value.length === 0 ? 0n : cryptoki.addressOf(value), length: value.length };
  });
  return { bytes: encodeFields(fields, numbers), count: rows.length, values };
}

/** How many of a template's values come as bytes. */
export function blobCount(rows: readonly TemplateRow[]): number {
  return rows.filter(({ kind }) => kind === 'bytes').length;
}

/** Returns that leave some attributes unavailable and the others good (Base Specification, section 5.7, C_GetAttributeValue). */
const PARTIAL: ReadonlySet<number> = new Set([CKR_OK, CKR_ATTRIBUTE_SENSITIVE, CKR_ATTRIBUTE_TYPE_INVALID]);
/** A value may grow between asking for its length and for itself. */
const READ_TRIES = 3;

export type AttributeValue = number | Uint8Array | null;

/** In the order of `wanted`; null for what the object has not. Throws ReturnedError, and ModuleFaultError for impossible lengths. */
export function readAttributes(
  cryptoki: Cryptoki,
  session: bigint,
  object: bigint,
  wanted: readonly { readonly type: number; readonly kind: AttributeKind }[],
): readonly AttributeValue[] {
  for (let attempt = 1; ; attempt++) {
    const lengths = askLengths(cryptoki, session, object, wanted);
    const buffers = lengths.map((length) => Buffer.alloc(length ?? 0));
    const fields = wanted.map(({ type }, index) => {
      const buffer = buffers[index] ?? Buffer.alloc(0);
      return { type, address: buffer.length === 0 ? 0n : cryptoki.addressOf(buffer), length: buffer.length };
    });
    const bytes = encodeFields(fields, cryptoki.numbers);
    const result = cryptoki.of('C_GetAttributeValue')(session, object, bytes, wanted.length);
    if (result === CKR_BUFFER_TOO_SMALL && attempt < READ_TRIES) continue;
    if (!PARTIAL.has(result)) throw new ReturnedError('C_GetAttributeValue', result);
    const written = decodeLengths(bytes, wanted.length, cryptoki.numbers);
    return wanted.map(({ kind }, index) => {
      const buffer = buffers[index];
      const length = written[index];
      if (!buffer || lengths[index] === undefined || length === undefined || isUnavailable(length, cryptoki)) return null;
      if (length > BigInt(buffer.length))
        throw new ModuleFaultError(`C_GetAttributeValue wrote ${length} bytes where ${buffer.length} fit`);
      return decodeValue(cryptoki, kind, buffer.subarray(0, Number(length)));
    });
  }
}

function askLengths(
  cryptoki: Cryptoki,
  session: bigint,
  object: bigint,
  wanted: readonly { readonly type: number }[],
): readonly (number | undefined)[] {
  const bytes = encodeFields(
    wanted.map(({ type }) => ({ type, address: 0n, length: 0 })),
    cryptoki.numbers,
  );
  const result = cryptoki.of('C_GetAttributeValue')(session, object, bytes, wanted.length);
  if (!PARTIAL.has(result)) throw new ReturnedError('C_GetAttributeValue', result);
  return decodeLengths(bytes, wanted.length, cryptoki.numbers).map((length) => {
    if (isUnavailable(length, cryptoki)) return undefined;
    if (length > BigInt(MAX_VALUE_BYTES)) throw new ModuleFaultError(`C_GetAttributeValue gave an attribute of ${length} bytes`);
    return Number(length);
  });
}

/** CK_UNAVAILABLE_INFORMATION: all bits set. */
function isUnavailable(length: bigint, { numbers }: Cryptoki): boolean {
  return length === (1n << BigInt(8 * numbers.ulongBytes)) - 1n;
}

/** One whose length does not go with its kind is as good as none. */
function decodeValue({ numbers }: Cryptoki, kind: AttributeKind, bytes: Buffer): AttributeValue {
  if (kind === 'bytes') return bytes;
  if (kind === 'boolean') return bytes.length === 1 ? (bytes[0] === 0 ? 0 : 1) : null;
  if (bytes.length !== numbers.ulongBytes) return null;
  const value = readUlong(bytes, numbers);
  return value <= 0xffff_ffffn ? Number(value) : null;
}
