/**
 * Reports of STU pads on a serial line (STU-430V, STU-540 in their serial mode): framed, packed to seven bits a byte so that only the first byte of a frame
 * has bit 7 set, and checked by a CRC. After STU SDK, SerialProtocol.cpp; the CRC is CRC-16/ARC (catalogue of parametrised CRC algorithms).
 *
 * Byte 0: 1, CRC flag, bits 12 to 7 of the length. Byte 1: bits 6 to 0. The length is that of the packed bytes that follow.
 */

const START = 0x80;
const HAS_CRC = 0x40;
const CRC_BYTES = 2;
/** The longest report, ReportSizeCollection, has 512 bytes; with its CRC and packed. */
const MAX_PACKED_BYTES = packedLength(512 + CRC_BYTES);

export function encodeFrame(report: Uint8Array): Uint8Array {
  const crc = crc16(report);
  const packed = pack(Uint8Array.from([...report, crc & 0xff, crc >> 8]));
  return Uint8Array.from([START | HAS_CRC | (packed.length >> 7), packed.length & 0x7f, ...packed]);
}

export interface FrameListener {
  readonly report: (report: Uint8Array) => void;
  /** A frame that was broken off, is too long, or whose CRC is wrong. */
  readonly broken: () => void;
}

/** Frames out of a stream that may begin anywhere. Holds at most one unfinished frame. */
export class FrameReader {
  readonly #listener: FrameListener;
  #header = 0;
  /** Undefined until its second byte is here. */
  #packedBytes: number | undefined;
  #packed: number[] = [];
  #isInFrame = false;

  constructor(listener: FrameListener) {
    this.#listener = listener;
  }

  read(chunk: Uint8Array): void {
    for (const byte of chunk) this.#take(byte);
  }

  #take(byte: number): void {
    if ((byte & START) !== 0) {
      if (this.#isInFrame) this.#listener.broken();
      this.#begin(byte);
    } else if (!this.#isInFrame) return;
    else if (this.#packedBytes === undefined) this.#measure(byte);
    else {
      this.#packed.push(byte);
      if (this.#packed.length === this.#packedBytes) this.#finish();
    }
  }

  #begin(byte: number): void {
    this.#isInFrame = true;
    this.#header = byte;
    this.#packedBytes = undefined;
    this.#packed = [];
  }

  #measure(byte: number): void {
    const length = ((this.#header & 0x3f) << 7) | byte;
    if (length > 0 && length <= MAX_PACKED_BYTES) {
      this.#packedBytes = length;
      return;
    }
    this.#isInFrame = false;
    this.#listener.broken();
  }

  #finish(): void {
    this.#isInFrame = false;
    const content = unpack(this.#packed);
    if ((this.#header & HAS_CRC) === 0) {
      this.#listener.report(content);
      return;
    }
    const report = content.subarray(0, Math.max(0, content.length - CRC_BYTES));
    const [low = 0, high = 0] = content.subarray(report.length);
    if (report.length > 0 && crc16(report) === (low | (high << 8))) this.#listener.report(report);
    else this.#listener.broken();
  }
}

/** Eight bits into seven, the most significant first; the last group is filled with zeros. */
function pack(bytes: Uint8Array): Uint8Array {
  const packed = new Uint8Array(packedLength(bytes.length));
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    if ((((bytes[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1) === 0) continue;
    const at = Math.floor(bit / 7);
    packed[at] = (packed[at] ?? 0) | (1 << (6 - (bit % 7)));
  }
  return packed;
}

/** Whole bytes; what fills the last group is dropped. */
function unpack(packed: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(Math.floor((packed.length * 7) / 8));
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    if ((((packed[Math.floor(bit / 7)] ?? 0) >> (6 - (bit % 7))) & 1) === 0) continue;
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
  }
  return bytes;
}

function packedLength(bytes: number): number {
  return Math.ceil((bytes * 8) / 7);
}

/** CRC-16/ARC: polynomial 8005 reflected, from 0. Check value BB3D. */
export function crc16(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >> 1 : (crc >> 1) ^ 0xa001;
  }
  return crc;
}
