/**
 * SCARD_READERSTATE as bytes, and the names that SCardListReaders gives, for any platform's layout.
 * All platforms of PC/SC that Node runs on are little-endian.
 */
import type { PcscPlatform } from './platform.ts';

/** What is asked of SCardGetStatusChange about one reader. */
export interface ReaderQuery {
  readonly name: string;
  /** dwCurrentState: what the caller knows, SCARD_STATE_UNAWARE for nothing. */
  readonly currentState: number;
}

/** What it answered. */
export interface ReaderEvent {
  readonly name: string;
  /** dwEventState; its upper 16 bits count the reader's card events. */
  readonly eventState: number;
  readonly atr: Uint8Array;
}

export interface EncodedReaderStates {
  readonly bytes: Uint8Array;
  /** The names' bytes, to which `bytes` points: must live as long as `bytes` is used. */
  readonly names: readonly Uint8Array[];
}

/** An array of SCARD_READERSTATE. `addressOf` gives the address of a byte array that stays where it is. */
export function encodeReaderStates(
  platform: PcscPlatform,
  queries: readonly ReaderQuery[],
  addressOf: (bytes: Uint8Array) => bigint,
): EncodedReaderStates {
  const layout = platform.readerState;
  const bytes = new Uint8Array(Math.max(1, queries.length) * layout.sizeBytes);
  const view = new DataView(bytes.buffer);
  const names = queries.map(({ name, currentState }, index) => {
    const offset = index * layout.sizeBytes;
    const encoded = encodeName(platform, name);
    const address = addressOf(encoded);
    if (layout.pointerBytes === 8) view.setBigUint64(offset, address, true);
    else view.setUint32(offset, Number(address), true);
    view.setUint32(offset + layout.currentState, currentState, true);
    return encoded;
  });
  return { bytes, names };
}

/** Reads the answers back. An ATR length beyond its field is cut to the field. */
export function decodeReaderStates(
  platform: PcscPlatform,
  queries: readonly ReaderQuery[],
  bytes: Uint8Array,
): readonly ReaderEvent[] {
  const layout = platform.readerState;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return queries.map(({ name }, index) => {
    const offset = index * layout.sizeBytes;
    const atrLength = Math.min(view.getUint32(offset + layout.atrLength, true), layout.maxAtrLength);
    return {
      name,
      eventState: view.getUint32(offset + layout.eventState, true),
      atr: bytes.slice(offset + layout.atr, offset + layout.atr + atrLength),
    };
  });
}

/** A C string. Always on its own memory, which the garbage collector does not move. */
export function encodeName(platform: PcscPlatform, name: string): Uint8Array {
  return Buffer.from(`${name}\0`, platform.nameEncoding);
}

/** Splits the multi-string of SCardListReaders: names, each ended by a zero byte, and an empty one. */
export function decodeNames(platform: PcscPlatform, bytes: Uint8Array): readonly string[] {
  const names: string[] = [];
  for (let start = 0; start < bytes.length;) {
    const zero = bytes.indexOf(0, start);
    const end = zero < 0 ? bytes.length : zero;
    if (end === start) break;
    names.push(Buffer.from(bytes.subarray(start, end)).toString(platform.nameEncoding));
    start = end + 1;
  }
  return names;
}
