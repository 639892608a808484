/** Command APDUs, short and extended (ISO/IEC 7816-4:2020, section 5.2 and ISO/IEC 7816-3:2006, section 12.1.3). */

export interface CommandApdu {
  readonly cla: number;
  readonly ins: number;
  readonly p1: number;
  readonly p2: number;
  /** Nc is its length, 0 to 65,535. Absent and empty are the same: no Lc field. */
  readonly data?: Uint8Array;
  /** Ne, the most bytes wanted in the response: 1 to 65,536. Absent: no Le field. */
  readonly ne?: number;
  /** Keeps the data field out of every trace; the card is reset when the connection ends. */
  readonly sensitive?: boolean;
}

/** Greatest Nc of a short command. */
export const MAX_SHORT_NC = 255;
/** Greatest Ne of a short command; encoded as Le 00. */
export const MAX_SHORT_NE = 256;
export const MAX_EXTENDED_NC = 65_535;
/** Greatest Ne of an extended command; encoded as Le 0000. */
export const MAX_EXTENDED_NE = 65_536;

/** Thrown for a command that has no encoding, and for bytes that are no command. */
export class CommandApduError extends RangeError {
  override readonly name = 'CommandApduError';
}

/** True when the command fits no short encoding. */
export function needsExtendedLength(command: CommandApdu): boolean {
  return (command.data?.length ?? 0) > MAX_SHORT_NC || (command.ne ?? 0) > MAX_SHORT_NE;
}

/** Encodes in the shortest form that fits: cases 1 to 4, short, or extended where Nc > 255 or Ne > 256. */
export function encodeCommandApdu(command: CommandApdu): Uint8Array {
  const nc = command.data?.length ?? 0;
  const ne = command.ne ?? 0;
  if (nc > MAX_EXTENDED_NC) throw new CommandApduError(`encoding a command: Nc ${nc} exceeds ${MAX_EXTENDED_NC}`);
  if (ne < 0 || ne > MAX_EXTENDED_NE) throw new CommandApduError(`encoding a command: Ne ${ne} is not in 0..${MAX_EXTENDED_NE}`);
  const encoded = needsExtendedLength(command) ? allocateExtended(nc, ne) : allocateShort(nc, ne);
  encoded.bytes[0] = command.cla;
  encoded.bytes[1] = command.ins;
  encoded.bytes[2] = command.p1;
  encoded.bytes[3] = command.p2;
  if (command.data && nc > 0) encoded.bytes.set(command.data, encoded.dataOffset);
  return encoded.bytes;
}

function allocateShort(nc: number, ne: number): { bytes: Uint8Array; dataOffset: number } {
  const bytes = new Uint8Array(4 + (nc > 0 ? 1 + nc : 0) + (ne > 0 ? 1 : 0));
  if (nc > 0) bytes[4] = nc;
  if (ne > 0) bytes[bytes.length - 1] = ne; // 256 is stored as 00
  return { bytes, dataOffset: 5 };
}

function allocateExtended(nc: number, ne: number): { bytes: Uint8Array; dataOffset: number } {
  const leLength = ne === 0 ? 0 : nc > 0 ? 2 : 3;
  const bytes = new Uint8Array(4 + (nc > 0 ? 3 + nc : 0) + leLength);
  if (nc > 0) {
    bytes[5] = nc >> 8;
    bytes[6] = nc;
  }
  if (ne > 0) {
    bytes[bytes.length - 2] = ne >> 8; // 65,536 is stored as 0000
    bytes[bytes.length - 1] = ne;
  }
  return { bytes, dataOffset: 7 };
}

/** Parses an encoded command. Throws CommandApduError for anything that is none of the seven cases. */
export function parseCommandApdu(bytes: Uint8Array): CommandApdu {
  if (bytes.length < 4) throw new CommandApduError(`parsing a command: ${bytes.length} bytes are fewer than 4`);
  const [cla = 0, ins = 0, p1 = 0, p2 = 0, b5 = 0] = bytes;
  const header = { cla, ins, p1, p2 };
  const length = bytes.length;
  if (length === 4) return header;
  if (length === 5) return { ...header, ne: b5 === 0 ? MAX_SHORT_NE : b5 };
  if (b5 !== 0) {
    const le = bytes[length - 1] ?? 0;
    if (length === 5 + b5) return { ...header, data: bytes.subarray(5) };
    if (length === 6 + b5) return { ...header, data: bytes.subarray(5, length - 1), ne: le === 0 ? MAX_SHORT_NE : le };
    throw new CommandApduError(`parsing a command: Lc ${b5} does not fit ${length} bytes`);
  }
  return { ...header, ...parseExtendedBody(bytes) };
}

function parseExtendedBody(bytes: Uint8Array): Pick<CommandApdu, 'data' | 'ne'> {
  const length = bytes.length;
  const extendedLe = (): number => ((bytes[length - 2] ?? 0) << 8) | (bytes[length - 1] ?? 0) || MAX_EXTENDED_NE;
  if (length === 7) return { ne: extendedLe() };
  const nc = length > 7 ? ((bytes[5] ?? 0) << 8) | (bytes[6] ?? 0) : 0;
  if (nc > 0 && length === 7 + nc) return { data: bytes.subarray(7) };
  if (nc > 0 && length === 9 + nc) return { data: bytes.subarray(7, 7 + nc), ne: extendedLe() };
  throw new CommandApduError(`parsing a command: extended Lc ${nc} does not fit ${length} bytes`);
}
