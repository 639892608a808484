/** A reader of machine-readable zones at the end of a serial line: a document is swiped through it, and the zone comes out between two marks, in pieces. */
import type { SerialDevice, SerialDeviceLine } from '../ports/serial-lines.ts';

export interface LineReaderOptions {
  /** Around a reading. Default: STX and ETX (ISO/IEC 646). */
  readonly marks?: { readonly start: Uint8Array; readonly end: Uint8Array };
  /** Default: 7, so that a line of a zone comes in several. */
  readonly pieceBytes?: number;
}

const STX = 0x02;
const ETX = 0x03;
const PIECE_BYTES = 7;

export class SimulatedLineReader implements SerialDevice {
  /** What it was sent, all in one. */
  received: Uint8Array = new Uint8Array();
  readonly #start: Uint8Array;
  readonly #end: Uint8Array;
  readonly #pieceBytes: number;
  #line: SerialDeviceLine | undefined;

  constructor({ marks, pieceBytes = PIECE_BYTES }: LineReaderOptions = {}) {
    this.#start = marks?.start ?? Uint8Array.of(STX);
    this.#end = marks?.end ?? Uint8Array.of(ETX);
    this.#pieceBytes = pieceBytes;
  }

  attach(line: SerialDeviceLine): void {
    this.#line = line;
  }

  receive(bytes: Uint8Array): void {
    this.received = Uint8Array.from([...this.received, ...bytes]);
  }

  /** Lines end with CR, as such readers are usually set. */
  swipe(lines: readonly string[]): void {
    const text = new TextEncoder().encode(lines.map((line) => `${line}\r`).join(''));
    this.send(Uint8Array.from([...this.#start, ...text, ...this.#end]));
  }

  /** Whatever else comes out of it. */
  send(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += this.#pieceBytes) this.#line?.send(bytes.subarray(at, at + this.#pieceBytes));
  }

  /** In the middle of a reading the plug is pulled. */
  breakOff(lines: readonly string[]): void {
    const text = new TextEncoder().encode(lines.join('\r'));
    this.send(Uint8Array.from([...this.#start, ...text.subarray(0, text.length / 2)]));
    this.#line?.unplug();
  }
}
