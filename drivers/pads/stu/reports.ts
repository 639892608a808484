/**
 * Reports of Wacom's STU pads, byte for byte, after the report table of Wacom's own STU SDK (Protocol.hpp): identifiers, lengths, and what is in them. Pure:
 * nothing is sent here. Lengths count the identifier, which is the first byte of every report. Numbers are big endian unless said otherwise.
 */
import { DeviceProtocolError } from '../../errors.ts';

export const REPORT = {
  penData: 0x01,
  status: 0x03,
  reset: 0x04,
  information: 0x08,
  capability: 0x09,
  uid: 0x0a,
  uid2: 0x0b,
  penDataEncrypted: 0x10,
  hostPublicKey: 0x13,
  devicePublicKey: 0x14,
  startCapture: 0x15,
  endCapture: 0x16,
  dhPrime: 0x1a,
  dhBase: 0x1b,
  clearScreen: 0x20,
  inkingMode: 0x21,
  inkThreshold: 0x22,
  startImageData: 0x25,
  imageDataBlock: 0x26,
  endImageData: 0x27,
  penDataOption: 0x30,
  penDataEncryptedOption: 0x31,
  penDataOptionMode: 0x32,
  penDataTimeCountSequenceEncrypted: 0x33,
  penDataTimeCountSequence: 0x34,
  encryptionCommand: 0x40,
  encryptionStatus: 0x50,
} as const;

export const LENGTH = {
  status: 5,
  information: 17,
  capability: 17,
  uid: 5,
  uid2: 11,
  publicKey: 17,
  dhBase: 3,
  inkThreshold: 5,
  imageDataBlock: 256,
  encryptionCommand: 68,
  encryptionStatus: 17,
} as const;

/** STU SDK, StatusCode. */
export const STATUS = { ready: 0, image: 1, capture: 2, calculation: 3 } as const;
/** STU SDK, ErrorCode. */
const LAST_RESULTS: Readonly<Record<number, string>> = {
  0x00: 'none',
  0x01: 'wrong report id',
  0x02: 'wrong state',
  0x03: 'wrong checksum',
  0x04: 'wrong parameter',
  0x10: 'wrong image encoding',
  0x11: 'outside the video memory',
  0x12: 'bad compressed data',
  0x15: 'bad area',
};

export interface StuStatus {
  readonly code: number;
  readonly lastResult: string;
}

export function parseStatus(report: Uint8Array): StuStatus {
  requireLength(report, REPORT.status, 3);
  const result = report[2] ?? 0;
  return { code: report[1] ?? 0, lastResult: LAST_RESULTS[result] ?? `result ${result.toString(16)}` };
}

export interface StuInformation {
  readonly model: string;
  readonly firmware: string;
}

/** Model: nine characters, filled with NUL; then the firmware's two numbers. */
export function parseInformation(report: Uint8Array): StuInformation {
  requireLength(report, REPORT.information, 12);
  return { model: textOf(report.subarray(1, 10)), firmware: `${report[10] ?? 0}.${report[11] ?? 0}` };
}

export interface StuCapability {
  readonly maxX: number;
  readonly maxY: number;
  readonly maxPressure: number;
  readonly screenWidth: number;
  readonly screenHeight: number;
  /** 0 on the STU-300 and STU-500, which do not tell these three. */
  readonly rateHz: number;
  readonly unitsPerInch: number;
  readonly encodings: number;
}

export function parseCapability(report: Uint8Array): StuCapability {
  requireLength(report, REPORT.capability, 15);
  const view = viewOf(report);
  const capability = {
    maxX: view.getUint16(1),
    maxY: view.getUint16(3),
    maxPressure: view.getUint16(5),
    screenWidth: view.getUint16(7),
    screenHeight: view.getUint16(9),
    rateHz: view.getUint8(11),
    unitsPerInch: view.getUint16(12),
    encodings: view.getUint8(14),
  };
  const { maxX, maxY, maxPressure, screenWidth, screenHeight } = capability;
  if ([maxX, maxY, maxPressure].includes(0) || screenWidth < 64 || screenHeight < 64 || screenWidth * screenHeight > 4_000_000)
    throw new DeviceProtocolError('reading what the pad can do: it says sizes that cannot be');
  return capability;
}

/** Of the factory where the pad has one, else the number that its owner gave it; undefined for none. */
export function parseSerialNumber(report: Uint8Array): string | undefined {
  if (report[0] === REPORT.uid2) return textOf(report.subarray(1)) || undefined;
  requireLength(report, REPORT.uid, 5);
  const number = viewOf(report).getUint32(1);
  return number === 0 ? undefined : number.toString(16).padStart(8, '0');
}

/** In units of the pad. */
export interface RawSample {
  readonly isNear: boolean;
  readonly isTouching: boolean;
  readonly pressure: number;
  readonly x: number;
  readonly y: number;
  /** Milliseconds, modulo 65536. */
  readonly timeCount?: number;
  /** Modulo 65536. */
  readonly sequence?: number;
}

const SAMPLE_BYTES = 6;
const BLOCK_BYTES = 16;

export type PenReport =
  | { readonly kind: 'samples'; readonly samples: readonly RawSample[] }
  /** One AES block; `withSequence`: one sample with time and sequence in it, else two without. */
  | {
      readonly kind: 'encrypted';
      readonly block: Uint8Array;
      readonly withSequence: boolean;
      readonly options: readonly number[];
    };

/** Undefined for a report that is none of the pen's. Throws DeviceProtocolError for one that is not whole. */
export function parsePenReport(report: Uint8Array): PenReport | undefined {
  const view = viewOf(report);
  const body = report.subarray(1);
  switch (report[0]) {
    case REPORT.penData:
      requireLength(report, REPORT.penData, 1 + SAMPLE_BYTES);
      return { kind: 'samples', samples: [parseSample(body)] };
    case REPORT.penDataOption:
      requireLength(report, REPORT.penDataOption, 1 + SAMPLE_BYTES + 2);
      return { kind: 'samples', samples: [{ ...parseSample(body), timeCount: view.getUint16(7) }] };
    case REPORT.penDataTimeCountSequence:
      requireLength(report, REPORT.penDataTimeCountSequence, 1 + SAMPLE_BYTES + 4);
      return { kind: 'samples', samples: [parseTimedSample(body)] };
    case REPORT.penDataEncrypted:
      requireLength(report, REPORT.penDataEncrypted, 1 + BLOCK_BYTES);
      return { kind: 'encrypted', block: body.subarray(0, BLOCK_BYTES), withSequence: false, options: [] };
    case REPORT.penDataEncryptedOption:
      requireLength(report, REPORT.penDataEncryptedOption, 1 + BLOCK_BYTES + 4);
      return {
        kind: 'encrypted',
        block: body.subarray(0, BLOCK_BYTES),
        withSequence: false,
        options: [view.getUint16(17), view.getUint16(19)],
      };
    case REPORT.penDataTimeCountSequenceEncrypted:
      requireLength(report, REPORT.penDataTimeCountSequenceEncrypted, 1 + BLOCK_BYTES);
      return { kind: 'encrypted', block: body.subarray(0, BLOCK_BYTES), withSequence: true, options: [] };
    default:
      return undefined;
  }
}

/** A block that was decrypted. Throws when it is not of this session: what decrypts to another one was made by nobody here. */
export function parsePlainBlock(
  plain: Uint8Array,
  { withSequence, options }: { readonly withSequence: boolean; readonly options: readonly number[] },
  session: number,
): readonly RawSample[] {
  const view = viewOf(plain);
  if (view.getUint32(withSequence ? 12 : 0) !== session)
    throw new DeviceProtocolError('reading encrypted pen data: it is not of this session');
  if (withSequence) return [parseTimedSample(plain)];
  return [4, 10].map((at, index) => {
    const timeCount = options[index];
    return { ...parseSample(plain.subarray(at)), ...(timeCount === undefined ? {} : { timeCount }) };
  });
}

/** STU SDK, PenData: bit 7 near, bits 6 to 4 the switch, then twelve bits of pressure, x and y. */
function parseSample(bytes: Uint8Array): RawSample {
  const view = viewOf(bytes);
  const head = view.getUint16(0);
  return {
    isNear: (head & 0x8000) !== 0,
    isTouching: (head & 0x7000) !== 0,
    pressure: head & 0x0fff,
    x: view.getUint16(2),
    y: view.getUint16(4),
  };
}

function parseTimedSample(bytes: Uint8Array): RawSample {
  const view = viewOf(bytes);
  return { ...parseSample(bytes), timeCount: view.getUint16(SAMPLE_BYTES), sequence: view.getUint16(SAMPLE_BYTES + 2) };
}

/** Thresholds of pressure, little endian. */
export function parseInkThreshold(report: Uint8Array): { readonly on: number; readonly off: number } {
  requireLength(report, REPORT.inkThreshold, 5);
  const view = viewOf(report);
  return { on: view.getUint16(1, true), off: view.getUint16(3, true) };
}

/** A piece of a picture: its length, little endian, and always 253 bytes. */
export function imageBlock(piece: Uint8Array): Uint8Array {
  const report = new Uint8Array(LENGTH.imageDataBlock);
  report.set([REPORT.imageDataBlock, piece.length & 0xff, piece.length >> 8]);
  report.set(piece, 3);
  return report;
}

export const IMAGE_BLOCK_BYTES = 253;

export function startCapture(session: number): Uint8Array {
  const report = new Uint8Array(5);
  report[0] = REPORT.startCapture;
  new DataView(report.buffer).setUint32(1, session);
  return report;
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('latin1')
    .replaceAll(/[^\x20-\x7e]/g, '')
    .trim();
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function requireLength(report: Uint8Array, id: number, length: number): void {
  if (report[0] === id && report.length >= length) return;
  throw new DeviceProtocolError(
    `reading report ${id.toString(16)} of the pad: ${report.length} bytes came, beginning with ${(report[0] ?? 0).toString(16)}`,
  );
}
