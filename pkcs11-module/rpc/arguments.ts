/** Arguments of calls and answers, by their signatures: "uayfy" is a number, bytes, and room for bytes. Types of the arguments follow from the signature. */
import {
  readAttributes,
  readQueries,
  writeAnswers,
  type Attribute,
  type AttributeAnswer,
  type AttributeQuery,
} from './attributes.ts';
import { CALLS, type CallName, type Dialect } from './calls.ts';
import { readMechanism, type Mechanism } from './mechanisms.ts';
import { RpcProtocolError, type RpcReader } from './reader.ts';
import { NULL_LENGTH, type RpcWriter } from './writer.ts';

/** CK_VERSION. */
export interface Version {
  readonly major: number;
  readonly minor: number;
}

/** Bytes, or how many there would be: asked for, or more than there is room for. */
export type BytesAnswer = { readonly bytes: Uint8Array } | { readonly length: number };
/** Numbers, or how many there would be. */
export type UlongsAnswer = { readonly values: readonly number[] } | { readonly count: number };

interface Given {
  y: number;
  u: number;
  s: string;
  z: string;
  /** Undefined: a NULL pointer. */
  ay: Uint8Array | undefined;
  /** Room; undefined: a NULL pointer, which asks for the length. */
  fy: number | undefined;
  fu: number | undefined;
  aA: readonly Attribute[];
  fA: readonly AttributeQuery[];
  /** Undefined: a NULL pointer, which ends the operation. */
  M: Mechanism | undefined;
}

interface Answered {
  u: number;
  v: Version;
  /** Padded with blanks to its length. */
  s: string;
  ay: BytesAnswer;
  au: UlongsAnswer;
  aA: readonly AttributeAnswer[];
  /** The updated parameter of a mechanism: none. */
  P: undefined;
}

type Parts<S extends string, T> = S extends ''
  ? []
  : S extends `ay${infer R}`
    ? ['ay' extends keyof T ? T['ay'] : never, ...Parts<R, T>]
    : S extends `au${infer R}`
      ? ['au' extends keyof T ? T['au'] : never, ...Parts<R, T>]
      : S extends `aA${infer R}`
        ? ['aA' extends keyof T ? T['aA'] : never, ...Parts<R, T>]
        : S extends `fy${infer R}`
          ? ['fy' extends keyof T ? T['fy'] : never, ...Parts<R, T>]
          : S extends `fu${infer R}`
            ? ['fu' extends keyof T ? T['fu'] : never, ...Parts<R, T>]
            : S extends `fA${infer R}`
              ? ['fA' extends keyof T ? T['fA'] : never, ...Parts<R, T>]
              : S extends `${infer C}${infer R}`
                ? [C extends keyof T ? T[C] : never, ...Parts<R, T>]
                : never;

export type Arguments<N extends CallName> = Parts<(typeof CALLS)[N]['request'], Given>;
export type Answer<N extends CallName> = Parts<(typeof CALLS)[N]['reply'], Answered>;

const PART = /[af][yuA]|[a-zA-Z]/g;
const SIGNATURES = new Map<string, readonly string[]>();

export function partsOf(signature: string): readonly string[] {
  const known = SIGNATURES.get(signature) ?? signature.match(PART) ?? [];
  SIGNATURES.set(signature, known);
  return known;
}

interface PlannedPart {
  readonly part: string;
  /** How many bytes of the message are behind it; undefined where it is not always the same. */
  readonly bytesAfter: number | undefined;
}

const PLANS = new Map<string, readonly PlannedPart[]>();

function planOf(signature: string): readonly PlannedPart[] {
  const known = PLANS.get(signature);
  if (known) return known;
  const parts = partsOf(signature);
  const plan = parts.map((part, index) => ({ part, bytesAfter: fixedLength(parts.slice(index + 1)) }));
  PLANS.set(signature, plan);
  return plan;
}

/** Of the call that the message names; the message holds nothing else. Throws RpcProtocolError. */
export function readArguments<N extends CallName>(reader: RpcReader, name: N, dialect: Dialect): Arguments<N> {
  const values = planOf(CALLS[name].request).map(({ part, bytesAfter }) => readPart(reader, part, dialect, bytesAfter));
  reader.end();
  return values as Arguments<N>;
}

function fixedLength(parts: readonly string[]): number | undefined {
  return parts.every((part) => part === 'u') ? parts.length * 8 : undefined;
}

function readPart(reader: RpcReader, part: string, dialect: Dialect, bytesAfter: number | undefined): unknown {
  switch (part) {
    case 'y':
      return reader.byte();
    case 'u':
      return reader.ulong();
    case 's':
    case 'z':
      return new TextDecoder().decode(reader.sized());
    case 'ay':
      return readByteArray(reader);
    case 'fy':
      return readRoom(reader, dialect);
    case 'fu':
      return reader.uint32() || undefined;
    case 'aA':
      return readAttributes(reader);
    case 'fA':
      return readQueries(reader);
    case 'M':
      return readMechanism(reader, dialect, bytesAfter);
    default:
      throw new RpcProtocolError(`reading arguments: ${part} is none of a call`);
  }
}

/** Without the bytes comes their number, which says nothing. */
function readByteArray(reader: RpcReader): Uint8Array | undefined {
  if (reader.byte() !== 0) return reader.sized();
  reader.uint32();
  return undefined;
}

function readRoom(reader: RpcReader, dialect: Dialect): number | undefined {
  const room = reader.uint32();
  if (room === NULL_LENGTH && dialect > 0) return 0;
  return room === 0 ? undefined : room;
}

export function writeAnswer<N extends CallName>(writer: RpcWriter, name: N, answer: Answer<N>): void {
  const values: readonly unknown[] = answer;
  for (const [index, part] of partsOf(CALLS[name].reply).entries()) writePart(writer, part, values[index]);
}

function writePart(writer: RpcWriter, part: string, value: unknown): void {
  switch (part) {
    case 'u':
      writer.ulong(value as number);
      return;
    case 'v': {
      const { major, minor } = value as Version;
      writer.byte(major);
      writer.byte(minor);
      return;
    }
    case 's':
      writer.sized(new TextEncoder().encode(value as string));
      return;
    case 'ay':
      writeBytes(writer, value as BytesAnswer);
      return;
    case 'au':
      writeUlongs(writer, value as UlongsAnswer);
      return;
    case 'aA':
      writeAnswers(writer, value as readonly AttributeAnswer[]);
      return;
    case 'P':
      writer.byte(0);
      return;
    default:
      throw new Error(`writing an answer: ${part} is none of an answer`);
  }
}

function writeBytes(writer: RpcWriter, answer: BytesAnswer): void {
  writer.byte('bytes' in answer ? 1 : 0);
  if ('bytes' in answer) writer.sized(answer.bytes);
  else writer.uint32(answer.length);
}

function writeUlongs(writer: RpcWriter, answer: UlongsAnswer): void {
  writer.byte('values' in answer ? 1 : 0);
  writer.uint32('values' in answer ? answer.values.length : answer.count);
  if ('values' in answer) for (const value of answer.values) writer.ulong(value);
}
