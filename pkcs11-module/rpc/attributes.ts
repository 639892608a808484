/**
 * Attributes on the wire (p11-kit/rpc-message.c, p11_rpc_buffer_get_attribute; which type travels how: map_attribute_to_value_type). Inside, a value is what a C
 * program would hold on a 64-bit computer: one byte for a CK_BBOOL, eight little-endian ones for a CK_ULONG. Template attributes hold attributes.
 */
import { RpcProtocolError, UNAVAILABLE, type RpcReader } from './reader.ts';
import { NULL_LENGTH, type RpcWriter } from './writer.ts';

export type AttributeValue = Uint8Array | readonly Attribute[];

export interface Attribute {
  readonly type: number;
  /** Undefined: there is none to be had (ulValueLen is CK_UNAVAILABLE_INFORMATION). */
  readonly value: AttributeValue | undefined;
}

/** What C_GetAttributeValue asks for. Room 0: only how long it is. */
export interface AttributeQuery {
  readonly type: number;
  readonly room: number;
}

/** What C_GetAttributeValue answers. */
export type AttributeAnswer =
  | { readonly type: number; readonly value: AttributeValue; readonly length?: undefined }
  | { readonly type: number; readonly value?: undefined; readonly length: number }
  | { readonly type: number; readonly value?: undefined; readonly length?: undefined };

const MAX_ATTRIBUTES = 1_024;
/** As in p11-kit 0.26.3, after CVE-2026-13757. */
const MAX_NESTING = 8;
export const ULONG_BYTES = 8;

type Kind = 'attributes' | 'byte' | 'bytes' | 'date' | 'mechanisms' | 'ulong';

/** PKCS #11 v3.0, pkcs11t.h: CKA_ values, by how they travel. Everything else is bytes. */
const BYTE_TYPES = new Set([
  ...[0x01, 0x02, 0x86, 0x103, 0x104, 0x105, 0x106, 0x107, 0x108, 0x109, 0x10a, 0x10b, 0x10c],
  ...[0x162, 0x163, 0x164, 0x165, 0x170, 0x171, 0x200, 0x202, 0x210, 0x301, 0x302, 0x405],
]);
const ULONG_TYPES = new Set([
  ...[0x00, 0x80, 0x87, 0x88, 0x100, 0x121, 0x133, 0x134, 0x160, 0x161, 0x166, 0x201, 0x300],
  ...[0x400, 0x401, 0x402, 0x403, 0x404, 0x406, 0x500],
]);
const TEMPLATE_TYPES = new Set([0x4000_0211, 0x4000_0212, 0x4000_0213]);
const MECHANISM_LIST = 0x4000_0600;
const CKA_DESTROYABLE = 0x172;
const DATE_TYPES = new Set([0x110, 0x111]);

/** CK_BBOOL, whether or not it travels as one. */
export function isBoolean(type: number): boolean {
  return BYTE_TYPES.has(type) || type === CKA_DESTROYABLE;
}

function kindOf(type: number): Kind {
  if (BYTE_TYPES.has(type)) return 'byte';
  if (ULONG_TYPES.has(type)) return 'ulong';
  if (TEMPLATE_TYPES.has(type)) return 'attributes';
  if (type === MECHANISM_LIST) return 'mechanisms';
  return DATE_TYPES.has(type) ? 'date' : 'bytes';
}

export function readAttributes(reader: RpcReader, depth = 0): readonly Attribute[] {
  if (depth > MAX_NESTING) throw new RpcProtocolError('reading attributes: they are nested too deep');
  const count = readCount(reader);
  const attributes: Attribute[] = [];
  for (let index = 0; index < count; index++) attributes.push(readAttribute(reader, depth));
  return attributes;
}

function readAttribute(reader: RpcReader, depth: number): Attribute {
  const type = reader.uint32();
  if (reader.byte() === 0) return { type, value: undefined };
  const length = reader.uint32();
  switch (kindOf(type)) {
    case 'byte':
      return { type, value: Uint8Array.of(reader.byte()) };
    case 'ulong':
      return { type, value: encodeUlong(reader.ulong()) };
    case 'attributes':
      return { type, value: readAttributes(reader, depth + 1) };
    case 'mechanisms': {
      const count = readCount(reader);
      return { type, value: encodeUlongs(Array.from({ length: count }, () => reader.ulong())) };
    }
    case 'date':
    case 'bytes': {
      const value = reader.sized() ?? new Uint8Array();
      if (value.length !== length) throw new RpcProtocolError(`reading attribute ${type}: its two lengths differ`);
      return { type, value };
    }
  }
}

/**
 * The last argument of its call, and of two forms: clients 0.25.4 and 0.25.5 put a nested list behind each template attribute, those before none, later ones one
 * where the room is not 0. The form that the message fits to its end is the one.
 */
export function readQueries(reader: RpcReader): readonly AttributeQuery[] {
  const start = reader.offset;
  for (const nesting of ['with room', 'always', 'never'] as const) {
    reader.rewind(start);
    try {
      const queries = readQueriesAs(reader, nesting, 0);
      if (reader.remaining === 0) return queries;
    } catch (error) {
      if (!(error instanceof RpcProtocolError)) throw error;
    }
  }
  throw new RpcProtocolError('reading a query of attributes: it has no form that is known');
}

function readQueriesAs(reader: RpcReader, nesting: 'with room' | 'always' | 'never', depth: number): AttributeQuery[] {
  if (depth > MAX_NESTING) throw new RpcProtocolError('reading a query of attributes: they are nested too deep');
  const count = readCount(reader);
  const queries: AttributeQuery[] = [];
  for (let index = 0; index < count; index++) {
    const type = reader.uint32();
    const room = reader.uint32();
    const isNested = kindOf(type) === 'attributes' && (nesting === 'always' || (nesting === 'with room' && room !== 0));
    if (isNested) readQueriesAs(reader, nesting, depth + 1);
    queries.push({ type, room });
  }
  return queries;
}

function readCount(reader: RpcReader): number {
  const count = reader.uint32();
  if (count > MAX_ATTRIBUTES) throw new RpcProtocolError(`reading a list: ${count} members are too many`);
  return count;
}

export function writeAnswers(writer: RpcWriter, answers: readonly AttributeAnswer[]): void {
  writer.uint32(answers.length);
  for (const answer of answers) {
    writer.uint32(answer.type);
    const isKnown = answer.value !== undefined || answer.length !== undefined;
    writer.byte(isKnown ? 1 : 0);
    if (answer.value !== undefined) writeValue(writer, answer.type, answer.value);
    else if (answer.length !== undefined) writeLength(writer, answer.type, answer.length);
  }
}

function writeAttributes(writer: RpcWriter, attributes: readonly Attribute[]): void {
  writer.uint32(attributes.length);
  for (const { type, value } of attributes) {
    writer.uint32(type);
    writer.byte(value === undefined ? 0 : 1);
    if (value !== undefined) writeValue(writer, type, value);
  }
}

/** What stands for the value is told by its kind; the client reads it and leaves it. */
function writeLength(writer: RpcWriter, type: number, length: number): void {
  writer.uint32(length);
  switch (kindOf(type)) {
    case 'byte':
      writer.byte(0);
      return;
    case 'ulong':
      writer.ulong(0);
      return;
    case 'attributes':
    case 'mechanisms':
      writer.uint32(0);
      return;
    case 'date':
    case 'bytes':
      writer.uint32(NULL_LENGTH);
  }
}

function writeValue(writer: RpcWriter, type: number, value: AttributeValue): void {
  const kind = kindOf(type);
  writer.uint32(lengthOf(value));
  if (!(value instanceof Uint8Array)) {
    if (kind !== 'attributes') throw new Error(`writing attribute ${type}: it holds no attributes`);
    writeAttributes(writer, value);
    return;
  }
  switch (kind) {
    case 'byte':
      writer.byte(value[0] ?? 0);
      return;
    case 'ulong':
      writer.ulong(decodeUlong(value) ?? 0);
      return;
    case 'mechanisms': {
      const types = decodeUlongs(value);
      writer.uint32(types.length);
      for (const mechanism of types) writer.ulong(mechanism);
      return;
    }
    case 'attributes':
      writer.uint32(0);
      return;
    case 'date':
    case 'bytes':
      writer.sized(value);
  }
}

/** In bytes, as ulValueLen counts. */
export function lengthOf(value: AttributeValue): number {
  return value instanceof Uint8Array ? value.length : value.length * ATTRIBUTE_BYTES;
}
/** sizeof(CK_ATTRIBUTE) on a 64-bit computer. */
const ATTRIBUTE_BYTES = 24;

export function encodeUlong(value: number): Uint8Array {
  return encodeUlongs([value]);
}

export function encodeUlongs(values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * ULONG_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [index, value] of values.entries())
    if (value === UNAVAILABLE) view.setBigInt64(index * ULONG_BYTES, -1n, true);
    else view.setBigUint64(index * ULONG_BYTES, BigInt(value), true);
  return bytes;
}

/** Undefined when it has not the length of one. */
export function decodeUlong(bytes: Uint8Array): number | undefined {
  return bytes.length === ULONG_BYTES ? decodeUlongs(bytes)[0] : undefined;
}

function decodeUlongs(bytes: Uint8Array): readonly number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: Math.floor(bytes.length / ULONG_BYTES) }, (_, index) => {
    const value = view.getBigInt64(index * ULONG_BYTES, true);
    return value === -1n ? UNAVAILABLE : Number(BigInt.asUintN(64, value));
  });
}
