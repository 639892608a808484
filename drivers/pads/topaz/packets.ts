/**
 * The packets of Topaz pads: five bytes, of which only the first has bit 7 set, so that a reader finds the next packet in any garbage.
 * There is no document of the vendor's; the source is the README of github.com/l1n/topaz-dext, which was worked out of SigPlus for Java 2.68. The names of
 * the sections below are its headings. Its "format 1", for lines of seven bits, is left out: two places there say different things of it.
 */

/** "Packet Format". */
const PACKET_BYTES = 5;
const SYNC = 0x80;
/** "Status Byte (Byte 0)". */
const NEAR = 0x40;
const DOWN = 0x01;
const TYPE_SHIFT = 2;
const TYPE_MASK = 0x07;
/** "Packet Types". */
const PEN_TYPES: readonly number[] = [0, 1, 4];
const TYPE_DEVICE = 2;
const TYPE_PRESSURE = 7;
/** "Bad Packet Detection": both coordinates, all ones. */
const NOISE = 0x0fff;
/** "Pressure Decoding": ten bits. */
export const PRESSURE_LEVELS = 1023;

export type TopazPacket =
  | { readonly kind: 'pen'; readonly x: number; readonly y: number; readonly isNear: boolean; readonly isDown: boolean }
  /** Of the pen packets that follow. */
  | { readonly kind: 'pressure'; readonly pressure: number }
  | { readonly kind: 'device'; readonly modelNumber: number; readonly serialNumber: number }
  /** To a command, or of a type that nothing is known of. */
  | { readonly kind: 'other'; readonly type: number };

/** Undefined for what the source calls a bad packet. */
export function decodePacket(bytes: Uint8Array): TopazPacket | undefined {
  const [status = 0, b1 = 0, b2 = 0, b3 = 0, b4 = 0] = bytes;
  if (bytes.length !== PACKET_BYTES || (status & SYNC) === 0 || ((b1 | b2 | b3 | b4) & SYNC) !== 0) return undefined;
  const type = (status >> TYPE_SHIFT) & TYPE_MASK;
  if (type === TYPE_DEVICE) return decodeDevice(b1 | (b2 << 7), b3 | (b4 << 7));
  if (type === TYPE_PRESSURE) return { kind: 'pressure', pressure: ((b4 & 0x07) << 7) | b3 };
  if (!PEN_TYPES.includes(type)) return { kind: 'other', type };
  const x = ((b2 & 0x1f) << 7) | b1;
  const y = ((b4 & 0x1f) << 7) | b3;
  if (x === NOISE && y === NOISE) return undefined;
  return { kind: 'pen', x, y, isNear: (status & NEAR) !== 0, isDown: (status & DOWN) !== 0 };
}

/** "Device Info Decoding": six bits of model, eighteen of serial number. */
function decodeDevice(high: number, low: number): TopazPacket {
  return { kind: 'device', modelNumber: (high & 0xfc) >> 2, serialNumber: ((high & 0x03) << 16) | low };
}

export interface PacketCounts {
  readonly packets: number;
  /** Bytes outside of any packet, and those of packets that were broken off. */
  readonly strayBytes: number;
  /** Complete, and all ones. */
  readonly badPackets: number;
}

/** Packets out of a stream that may begin anywhere. Holds at most one unfinished packet. */
export class PacketReader {
  readonly #unfinished = new Uint8Array(PACKET_BYTES);
  #length = 0;
  #packets = 0;
  #strayBytes = 0;
  #badPackets = 0;

  get counts(): PacketCounts {
    return { packets: this.#packets, strayBytes: this.#strayBytes, badPackets: this.#badPackets };
  }

  /** `broken` is told of each packet that began and was not finished: a sample that never came. */
  read(chunk: Uint8Array, on: { readonly packet: (packet: TopazPacket) => void; readonly broken: () => void }): void {
    for (const byte of chunk) {
      if ((byte & SYNC) !== 0) {
        if (this.#length > 0) this.#breakOff(on.broken);
      } else if (this.#length === 0) {
        this.#strayBytes += 1;
        continue;
      }
      this.#unfinished[this.#length++] = byte;
      if (this.#length === PACKET_BYTES) this.#finish(on);
    }
  }

  #breakOff(broken: () => void): void {
    this.#strayBytes += this.#length;
    this.#length = 0;
    broken();
  }

  #finish(on: { readonly packet: (packet: TopazPacket) => void; readonly broken: () => void }): void {
    this.#length = 0;
    const packet = decodePacket(this.#unfinished);
    if (!packet) {
      this.#badPackets += 1;
      on.broken();
      return;
    }
    this.#packets += 1;
    on.packet(packet);
  }
}

/** "LCD Control Characters". */
export const LCD_CLEAR = 0x04;
export const LCD_PERSISTENT_INK = 0x14;
