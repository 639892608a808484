/** Writes messages of p11-kit's RPC protocol, big-endian, into one buffer that grows. */
import { UNAVAILABLE } from './reader.ts';

const FIRST_ROOM = 256;
export const NULL_LENGTH = 0xff_ff_ff_ff;

export class RpcWriter {
  // Out of Node's pool, as it is: only what was written over is taken.
  #bytes: Uint8Array = Buffer.allocUnsafe(FIRST_ROOM);
  #view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, FIRST_ROOM);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  byte(value: number): void {
    const at = this.#grow(1); // first: it may take the view away
    this.#view.setUint8(at, value);
  }

  uint32(value: number): void {
    const at = this.#grow(4);
    this.#view.setUint32(at, value);
  }

  /** CK_ULONG; UNAVAILABLE as all ones. */
  ulong(value: number): void {
    const at = this.#grow(8);
    if (value === UNAVAILABLE) this.#view.setBigInt64(at, -1n);
    else this.#view.setBigUint64(at, BigInt(value));
  }

  bytes(value: Uint8Array): void {
    const at = this.#grow(value.length);
    this.#bytes.set(value, at);
  }

  /** Length and value. */
  sized(value: Uint8Array): void {
    this.uint32(value.length);
    this.bytes(value);
  }

  /** Puts a length, which was not known before, in the place that was left for it. */
  patchUint32(at: number, value: number): void {
    this.#view.setUint32(at, value);
  }

  /** What was written; the writer is of no more use. */
  take(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #grow(length: number): number {
    const start = this.#length;
    this.#length += length;
    if (this.#length > this.#bytes.length) {
      const next = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length));
      next.set(this.#bytes);
      this.#bytes = next;
      this.#view = new DataView(next.buffer);
    }
    return start;
  }
}
