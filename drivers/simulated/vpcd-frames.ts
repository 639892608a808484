/** vpcd's framing: two bytes of length, big-endian, then as many bytes. TCP may split it anywhere. */

const LENGTH_BYTES = 2;
export const MAX_FRAME = 0xffff;

/** Length and body in one piece, so that they go out in one segment. Throws RangeError for more than 65,535 bytes. */
export function encodeFrame(body: Uint8Array): Uint8Array {
  if (body.length > MAX_FRAME) throw new RangeError(`framing for vpcd: ${body.length} bytes are more than ${MAX_FRAME}`);
  const frame = new Uint8Array(LENGTH_BYTES + body.length);
  frame[0] = body.length >> 8;
  frame[1] = body.length;
  frame.set(body, LENGTH_BYTES);
  return frame;
}

/** Collects chunks, gives whole messages. Holds at most one message and what came with it. */
export class VpcdFrames {
  #buffer: Uint8Array = new Uint8Array();

  push(chunk: Uint8Array): void {
    if (this.#buffer.length === 0) {
      this.#buffer = chunk;
      return;
    }
    const joined = new Uint8Array(this.#buffer.length + chunk.length);
    joined.set(this.#buffer);
    joined.set(chunk, this.#buffer.length);
    this.#buffer = joined;
  }

  /** The body of the next message, or undefined while it has not come whole. */
  next(): Uint8Array | undefined {
    const [high, low] = this.#buffer;
    if (high === undefined || low === undefined) return undefined;
    const end = LENGTH_BYTES + ((high << 8) | low);
    if (this.#buffer.length < end) return undefined;
    const body = this.#buffer.slice(LENGTH_BYTES, end);
    this.#buffer = this.#buffer.subarray(end);
    return body;
  }
}
