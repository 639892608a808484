/** Frames of p11-kit's RPC protocol out of a stream of bytes: code, length of options, length of body, options, body. Each length has a bound. */
import { RpcProtocolError } from './reader.ts';
import { RpcWriter } from './writer.ts';

/** Of every frame (p11-kit/rpc-transport.c): three numbers of four bytes. */
const HEADER_BYTES = 12;
/** The options are the name of the module's configuration: "client". */
export const MAX_OPTIONS_BYTES = 4_096;
/** More than any message to a card: whole files to be signed come in pieces. */
export const MAX_BODY_BYTES = 4_194_304;

const NO_OPTIONS = new Uint8Array();

export interface Frame {
  /** By which the client finds the answer to its request; never 0. */
  readonly code: number;
  readonly options: Uint8Array;
  readonly body: Uint8Array;
  /** All of it, as it came. */
  readonly bytes: Uint8Array;
}

/** Takes what comes in pieces of any size. */
export class FrameReader {
  readonly #pieces: Uint8Array[] = [];
  #buffered = 0;

  /** Bytes of a frame that is not whole yet. */
  get buffered(): number {
    return this.#buffered;
  }

  /** The frames that are whole now. Throws RpcProtocolError. */
  push(piece: Uint8Array): readonly Frame[] {
    if (piece.length > 0) this.#pieces.push(piece);
    this.#buffered += piece.length;
    const frames: Frame[] = [];
    for (let frame = this.#next(); frame; frame = this.#next()) frames.push(frame);
    return frames;
  }

  #next(): Frame | undefined {
    if (this.#buffered < HEADER_BYTES) return undefined;
    const head = this.#join(HEADER_BYTES);
    const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
    const [code, optionsLength, bodyLength] = [view.getUint32(0), view.getUint32(4), view.getUint32(8)];
    if (code === 0) throw new RpcProtocolError('reading a frame: its code is 0');
    if (optionsLength > MAX_OPTIONS_BYTES) throw new RpcProtocolError(`reading a frame: ${optionsLength} bytes of options`);
    if (bodyLength > MAX_BODY_BYTES) throw new RpcProtocolError(`reading a frame: a body of ${bodyLength} bytes`);
    const length = HEADER_BYTES + optionsLength + bodyLength;
    if (this.#buffered < length) return undefined;
    const whole = this.#join(length);
    this.#pieces[0] = whole.subarray(length);
    this.#buffered -= length;
    const body = HEADER_BYTES + optionsLength;
    return {
      code,
      options: whole.subarray(HEADER_BYTES, body),
      body: whole.subarray(body, length),
      bytes: whole.subarray(0, length),
    };
  }

  /** The first piece, at least this long. A long frame is put together once, not at each of its pieces. */
  #join(length: number): Uint8Array {
    const [first] = this.#pieces;
    if (first && first.length >= length) return first;
    const joined = new Uint8Array(this.#buffered);
    let offset = 0;
    for (const piece of this.#pieces) {
      joined.set(piece, offset);
      offset += piece.length;
    }
    this.#pieces.splice(0, this.#pieces.length, joined);
    return joined;
  }
}

/** An answer, in one piece. `write` gives its body. Options are for a front alone (lasting.ts). */
export function encodeFrame(code: number, write: (body: RpcWriter) => void, options: Uint8Array = NO_OPTIONS): Uint8Array {
  const writer = new RpcWriter();
  writer.uint32(code);
  writer.uint32(options.length);
  writer.uint32(0);
  if (options.length > 0) writer.bytes(options);
  write(writer);
  writer.patchUint32(8, writer.length - HEADER_BYTES - options.length);
  return writer.take();
}
