/**
 * How the structures of PKCS #11 v2.40 lie in memory: CK_ULONG is a C `unsigned long`, and on Windows everything is packed to one byte (Base Specification,
 * section 2.1). Reads what a module wrote and builds what it is given; nothing here calls anything.
 */
import type { CryptokiNumbers } from './cryptoki.ts';

/** One field after the other, each aligned as C does, or packed. */
class Cursor {
  offset = 0;
  readonly bytes: Buffer;
  readonly #numbers: CryptokiNumbers;

  constructor(bytes: Buffer, numbers: CryptokiNumbers) {
    this.bytes = bytes;
    this.#numbers = numbers;
  }

  readUlong(): bigint {
    const { ulongBytes } = this.#numbers;
    this.#align(ulongBytes);
    const value = readUlong(this.bytes, this.#numbers, this.offset);
    this.offset += ulongBytes;
    return value;
  }

  writeUlong(value: bigint): void {
    const { ulongBytes } = this.#numbers;
    this.#align(ulongBytes);
    if (ulongBytes === 8) this.bytes.writeBigUInt64LE(value, this.offset);
    else this.bytes.writeUInt32LE(Number(value), this.offset);
    this.offset += ulongBytes;
  }

  writePointer(address: bigint): void {
    const { pointerBytes } = this.#numbers;
    this.#align(pointerBytes);
    if (pointerBytes === 8) this.bytes.writeBigUInt64LE(address, this.offset);
    else this.bytes.writeUInt32LE(Number(address), this.offset);
    this.offset += pointerBytes;
  }

  /** Padded with blanks, not ended by a zero (section 3.1); what a person may be shown is left. */
  readText(length: number): string {
    const text = this.bytes.toString('utf8', this.offset, this.offset + length);
    this.offset += length;
    return text.replaceAll(/[\u0000-\u001f\u007f]/g, ' ').trim();
  }

  /** Major and minor as "2.40". */
  readVersion(): string {
    const [major = 0, minor = 0] = this.bytes.subarray(this.offset, this.offset + 2);
    this.offset += 2;
    return `${major}.${minor}`;
  }

  #align(size: number): void {
    if (!this.#numbers.isPacked) this.offset = Math.ceil(this.offset / size) * size;
  }
}

/** Larger than any of the structures on any system. */
export const STRUCTURE_BYTES = 256;

export function readUlong(bytes: Buffer, { ulongBytes }: CryptokiNumbers, offset = 0): bigint {
  return ulongBytes === 8 ? bytes.readBigUInt64LE(offset) : BigInt(bytes.readUInt32LE(offset));
}

export function encodeUlong(value: bigint | number, numbers: CryptokiNumbers): Buffer {
  const bytes = Buffer.alloc(numbers.ulongBytes);
  new Cursor(bytes, numbers).writeUlong(BigInt(value));
  return bytes;
}

/** CK_C_INITIALIZE_ARGS: no mutexes of ours, and the module may use those of the system. */
export function encodeInitializeArgs(flags: number, numbers: CryptokiNumbers): Buffer {
  const bytes = Buffer.alloc(STRUCTURE_BYTES);
  const cursor = new Cursor(bytes, numbers);
  for (let mutex = 0; mutex < 4; mutex++) cursor.writePointer(0n);
  cursor.writeUlong(BigInt(flags));
  cursor.writePointer(0n);
  return bytes;
}

export interface ModuleInfo {
  readonly cryptokiVersion: string;
  readonly manufacturer: string;
  readonly description: string;
  readonly version: string;
}

/** CK_INFO, section 3.1. */
export function decodeInfo(bytes: Buffer, numbers: CryptokiNumbers): ModuleInfo {
  const cursor = new Cursor(bytes, numbers);
  const cryptokiVersion = cursor.readVersion();
  const manufacturer = cursor.readText(32);
  cursor.readUlong();
  const description = cursor.readText(32);
  return { cryptokiVersion, manufacturer, description, version: cursor.readVersion() };
}

/** CK_SLOT_INFO, section 3.2. */
export function decodeSlotInfo(
  bytes: Buffer,
  numbers: CryptokiNumbers,
): { readonly description: string; readonly flags: number } {
  const cursor = new Cursor(bytes, numbers);
  const description = cursor.readText(64);
  cursor.readText(32);
  return { description, flags: low32(cursor.readUlong()) };
}

export interface TokenInfo {
  readonly label: string;
  readonly manufacturer: string;
  readonly model: string;
  readonly serialNumber: string;
  readonly flags: number;
  readonly maxPinLength: number;
  readonly minPinLength: number;
}

/** CK_TOKEN_INFO, section 3.2. */
export function decodeTokenInfo(bytes: Buffer, numbers: CryptokiNumbers): TokenInfo {
  const cursor = new Cursor(bytes, numbers);
  const [label, manufacturer, model, serialNumber] = [32, 32, 16, 16].map((length) => cursor.readText(length));
  const flags = low32(cursor.readUlong());
  for (let count = 0; count < 4; count++) cursor.readUlong();
  const [maxPinLength, minPinLength] = [low32(cursor.readUlong()), low32(cursor.readUlong())];
  return {
    label: label ?? '',
    manufacturer: manufacturer ?? '',
    model: model ?? '',
    serialNumber: serialNumber ?? '',
    flags,
    maxPinLength,
    minPinLength,
  };
}

/** CK_ATTRIBUTE and CK_MECHANISM: a number, a pointer, the length of what is there. */
export interface Field {
  readonly type: number;
  readonly address: bigint;
  readonly length: number;
}

export function fieldBytes(numbers: CryptokiNumbers): number {
  return 2 * numbers.ulongBytes + numbers.pointerBytes;
}

export function encodeFields(fields: readonly Field[], numbers: CryptokiNumbers): Buffer {
  const bytes = Buffer.alloc(Math.max(fields.length, 1) * fieldBytes(numbers));
  const cursor = new Cursor(bytes, numbers);
  for (const { type, address, length } of fields) {
    cursor.writeUlong(BigInt(type));
    cursor.writePointer(address);
    cursor.writeUlong(BigInt(length));
  }
  return bytes;
}

/** The lengths that a module wrote into attributes. */
export function decodeLengths(bytes: Buffer, count: number, numbers: CryptokiNumbers): readonly bigint[] {
  const size = fieldBytes(numbers);
  return Array.from({ length: count }, (_, index) => readUlong(bytes, numbers, (index + 1) * size - numbers.ulongBytes));
}

/** CK_RSA_PKCS_PSS_PARAMS (Current Mechanisms, section 2.1.10). */
export function encodePssParams(hash: number, mgf: number, saltLength: number, numbers: CryptokiNumbers): Buffer {
  const bytes = Buffer.alloc(3 * numbers.ulongBytes);
  const cursor = new Cursor(bytes, numbers);
  for (const value of [hash, mgf, saltLength]) cursor.writeUlong(BigInt(value));
  return bytes;
}

/** Flags and PIN lengths: all that PKCS #11 defines lies in the low 32 bits. */
function low32(value: bigint): number {
  return Number(value & 0xffff_ffffn);
}
