/**
 * Answer to Reset (ISO/IEC 7816-3:2006, section 8) and its historical bytes (ISO/IEC 7816-4:2020, section 12.1.1).
 */

export interface Atr {
  readonly bytes: Uint8Array;
  readonly convention: 'direct' | 'inverse';
  /** Protocols T=0, T=1 in the order offered; T=15 (global bytes) is left out. */
  readonly protocols: readonly number[];
  readonly historicalBytes: Uint8Array;
  /** Absent when the historical bytes carry no card capabilities (compact-TLV tag 7). */
  readonly capabilities?: CardCapabilities;
  /** False when TCK is required and does not make the XOR of T0..TCK zero. */
  readonly checksumValid: boolean;
}

/** Third software function table of the card capabilities (ISO/IEC 7816-4:2020, section 12.1.1.9); false where the card gives fewer bytes. */
export interface CardCapabilities {
  readonly commandChaining: boolean;
  readonly extendedLength: boolean;
}

export class AtrError extends Error {
  override readonly name = 'AtrError';
}

/** ISO/IEC 7816-3:2006, section 8.1: TS and at most 32 characters. */
export const MAX_ATR_LENGTH = 33;

const TS_DIRECT = 0x3b;
const TS_INVERSE = 0x3f;
const COMPACT_TLV_CARD_CAPABILITIES = 7;

/** Parses an ATR. Throws AtrError when it is cut short, too long, or does not start as one. */
export function parseAtr(bytes: Uint8Array): Atr {
  const [ts, t0] = bytes;
  if (ts !== TS_DIRECT && ts !== TS_INVERSE) throw new AtrError(`parsing an ATR: TS is neither 3B nor 3F`);
  if (t0 === undefined || bytes.length > MAX_ATR_LENGTH)
    throw new AtrError(`parsing an ATR: ${bytes.length} bytes are not 2..${MAX_ATR_LENGTH}`);
  const { offset, protocols } = readInterfaceBytes(bytes, t0);
  const historicalEnd = offset + (t0 & 0x0f);
  const hasTck = protocols.some((protocol) => protocol !== 0);
  if (bytes.length < historicalEnd + (hasTck ? 1 : 0))
    throw new AtrError('parsing an ATR: it ends before its historical bytes do');
  const historicalBytes = bytes.subarray(offset, historicalEnd);
  const capabilities = readCapabilities(historicalBytes);
  return {
    bytes,
    convention: ts === TS_DIRECT ? 'direct' : 'inverse',
    protocols: [...new Set(protocols.filter((protocol) => protocol !== 15))],
    historicalBytes,
    checksumValid: !hasTck || bytes.subarray(1, historicalEnd + 1).reduce((xor, byte) => xor ^ byte, 0) === 0,
    ...(capabilities ? { capabilities } : {}),
  };
}

/** Walks TA TB TC TD groups. Without TD1 the card speaks T=0 only. */
function readInterfaceBytes(bytes: Uint8Array, t0: number): { offset: number; protocols: readonly number[] } {
  const protocols: number[] = [];
  let presence = t0 >> 4;
  let offset = 2;
  for (;;) {
    const hasNext = (presence & 8) !== 0;
    offset += (presence & 1) + ((presence >> 1) & 1) + ((presence >> 2) & 1);
    if (!hasNext) break;
    const td = bytes[offset++];
    if (td === undefined) throw new AtrError('parsing an ATR: it ends within its interface bytes');
    protocols.push(td & 0x0f);
    presence = td >> 4;
  }
  return { offset, protocols: protocols.length > 0 ? protocols : [0] };
}

function readCapabilities(historical: Uint8Array): CardCapabilities | undefined {
  const category = historical[0];
  if (category !== 0x00 && category !== 0x80) return undefined;
  const end = category === 0x00 ? historical.length - 3 : historical.length;
  for (let offset = 1; offset < end;) {
    const head = historical[offset] ?? 0;
    const length = head & 0x0f;
    if (head >> 4 === COMPACT_TLV_CARD_CAPABILITIES && length > 0 && offset + length < end) {
      const third = length >= 3 ? (historical[offset + 3] ?? 0) : 0;
      return { commandChaining: (third & 0x80) !== 0, extendedLength: (third & 0x40) !== 0 };
    }
    offset += 1 + length;
  }
  return undefined;
}
