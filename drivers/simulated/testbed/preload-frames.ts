/**
 * The messages between libumockdev-preload and whoever plays a device, as umockdev 0.17 has them (src/libumockdev-preload.c, remote_emulate).
 * A frame is three numbers of eight bytes, little endian: kind and two arguments. Bytes of the program's memory follow a PEEK from the program
 * and a POKE to it.
 */
import { DeviceError } from '../../errors.ts';

export const FRAME_BYTES = 24;
/** No ioctl carries more than 16 KiB (asm-generic/ioctl.h, _IOC_SIZEBITS), and no report or serial read here more than this. */
export const MAX_MEMORY_BYTES = 65_536;

/** From the program. */
const IOCTL = 1n;
const RESULT = 2n;
const READ = 7n;
const WRITE = 8n;
/** To the program. */
const DONE = 3n;
const RUN = 4n;
const PEEK = 5n;
const POKE = 6n;

/** What the program called on its handle. Pointers are addresses in the program. */
export type ProgramCall =
  | { readonly operation: 'ioctl'; readonly request: number; readonly argument: bigint }
  | { readonly operation: 'read'; readonly pointer: bigint; readonly lengthBytes: number }
  | { readonly operation: 'write'; readonly pointer: bigint; readonly lengthBytes: number };

export interface CallResult {
  readonly value: bigint;
  readonly errno: bigint;
}

/** The other side does not speak as the preload library of umockdev 0.17 does. */
export class PreloadProtocolError extends DeviceError {
  override readonly name = 'PreloadProtocolError';
}

export function decodeCall(frame: Uint8Array): ProgramCall {
  const [kind, first, second] = decodeFrame(frame);
  switch (kind) {
    case IOCTL:
      // Requests are 32 bits; the upper half of an unsigned long is not defined.
      return { operation: 'ioctl', request: Number(first & 0xffff_ffffn), argument: second };
    case READ:
    case WRITE:
      return { operation: kind === READ ? 'read' : 'write', pointer: first, lengthBytes: lengthOf(second) };
    default:
      throw new PreloadProtocolError(`reading a call of the program: no message has the kind ${kind}`);
  }
}

/** What the real call gave, after RUN. */
export function decodeResult(frame: Uint8Array): CallResult {
  const [kind, value, errno] = decodeFrame(frame);
  if (kind !== RESULT) throw new PreloadProtocolError(`reading what a call gave: a message of the kind ${kind} came`);
  return { value: BigInt.asIntN(64, value), errno };
}

export function encodeDone({ value, errno }: CallResult): Uint8Array {
  return encodeFrame(DONE, value, errno);
}

/** Asks the program's side to make the real call. */
export function encodeRun(): Uint8Array {
  return encodeFrame(RUN, 0n, 0n);
}

/** Asks for bytes of the program's memory; they come without a frame. */
export function encodePeek(pointer: bigint, lengthBytes: number): Uint8Array {
  return encodeFrame(PEEK, pointer, BigInt(lengthBytes));
}

/** Puts bytes into the program's memory; nothing comes back. */
export function encodePoke(pointer: bigint, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([encodeFrame(POKE, pointer, BigInt(bytes.length)), bytes]);
}

/** A read may ask for more than is ever given: SSIZE_MAX is what read(2) allows. */
function lengthOf(count: bigint): number {
  return Number(count < BigInt(MAX_MEMORY_BYTES) ? count : BigInt(MAX_MEMORY_BYTES));
}

function encodeFrame(kind: bigint, first: bigint, second: bigint): Uint8Array {
  const frame = Buffer.alloc(FRAME_BYTES);
  frame.writeBigUInt64LE(kind, 0);
  frame.writeBigUInt64LE(BigInt.asUintN(64, first), 8);
  frame.writeBigUInt64LE(BigInt.asUintN(64, second), 16);
  return frame;
}

function decodeFrame(frame: Uint8Array): readonly [bigint, bigint, bigint] {
  if (frame.length !== FRAME_BYTES) throw new PreloadProtocolError(`reading a frame: it has ${frame.length} bytes`);
  const view = new DataView(frame.buffer, frame.byteOffset, FRAME_BYTES);
  return [view.getBigUint64(0, true), view.getBigUint64(8, true), view.getBigUint64(16, true)];
}
