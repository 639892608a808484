/**
 * Frames on the pipe between kortd and the process of a module: the length of the whole, the length of the JSON, the JSON, then byte strings with a length each.
 * Lengths are 32 bits, big end first. A frame is wiped by whoever is done with it, since any may carry a PIN.
 */
import { MessageError } from './messages.ts';

/** Every object of a full card with its certificate fits; more is a process gone wild. */
export const MAX_FRAME_BYTES = 16 * 1_024 * 1_024;
const MAX_JSON_BYTES = 1_024 * 1_024;
const MAX_BLOBS = 16_384;
const LENGTH_BYTES = 4;

export interface Message {
  readonly content: unknown;
  readonly blobs: readonly Uint8Array[];
}

/** Throws MessageError when it is too large. */
export function encodeFrame(content: unknown, blobs: readonly Uint8Array[] = []): Buffer {
  const json = Buffer.from(JSON.stringify(content));
  const length = LENGTH_BYTES + json.length + blobs.reduce((sum, blob) => sum + LENGTH_BYTES + blob.length, 0);
  if (length > MAX_FRAME_BYTES || json.length > MAX_JSON_BYTES || blobs.length > MAX_BLOBS)
    throw new MessageError(`sending a message: ${length} bytes are too many`);
  const frame = Buffer.alloc(LENGTH_BYTES + length);
  frame.writeUInt32BE(length, 0);
  frame.writeUInt32BE(json.length, LENGTH_BYTES);
  frame.set(json, 2 * LENGTH_BYTES);
  let offset = 2 * LENGTH_BYTES + json.length;
  for (const blob of blobs) {
    frame.writeUInt32BE(blob.length, offset);
    frame.set(blob, offset + LENGTH_BYTES);
    offset += LENGTH_BYTES + blob.length;
  }
  return frame;
}

/** The bytes are views of `body`, the frame without its own length. */
export function decodeFrame(body: Buffer): Message {
  if (body.length < LENGTH_BYTES) throw new MessageError('reading a message: it is too short');
  const jsonLength = body.readUInt32BE(0);
  let offset = LENGTH_BYTES + jsonLength;
  if (jsonLength > MAX_JSON_BYTES || offset > body.length) throw new MessageError('reading a message: its JSON is not all there');
  const blobs: Uint8Array[] = [];
  const content = parseJson(body.toString('utf8', LENGTH_BYTES, offset));
  while (offset < body.length) {
    const start = offset + LENGTH_BYTES;
    if (start > body.length || blobs.length >= MAX_BLOBS)
      throw new MessageError('reading a message: its bytes are not all there');
    offset = start + body.readUInt32BE(offset);
    if (offset > body.length) throw new MessageError('reading a message: its bytes are not all there');
    blobs.push(body.subarray(start, offset));
  }
  return { content, blobs };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new MessageError('reading a message: it is no JSON', { cause: error });
  }
}

/** Puts frames together from chunks as they come, each chunk wiped when it was taken over. */
export class FrameReader {
  readonly #header = Buffer.alloc(LENGTH_BYTES);
  #headerBytes = 0;
  #body: Buffer | undefined;
  #bodyBytes = 0;

  /** The bodies that this chunk completes. Throws MessageError for one that is too large. */
  *push(chunk: Buffer): Generator<Buffer> {
    let rest = chunk;
    while (rest.length > 0) {
      rest = this.#body ? this.#takeBody(rest, this.#body) : this.#takeHeader(rest);
      if (!this.#body || this.#bodyBytes < this.#body.length) continue;
      const body = this.#body;
      this.#body = undefined;
      this.#bodyBytes = 0;
      yield body;
    }
    chunk.fill(0);
  }

  #takeHeader(chunk: Buffer): Buffer {
    const taken = Math.min(LENGTH_BYTES - this.#headerBytes, chunk.length);
    this.#header.set(chunk.subarray(0, taken), this.#headerBytes);
    this.#headerBytes += taken;
    if (this.#headerBytes === LENGTH_BYTES) {
      const length = this.#header.readUInt32BE(0);
      if (length > MAX_FRAME_BYTES || length < LENGTH_BYTES)
        throw new MessageError(`reading a message: it cannot have ${length} bytes`);
      this.#headerBytes = 0;
      this.#body = Buffer.alloc(length);
    }
    return chunk.subarray(taken);
  }

  #takeBody(chunk: Buffer, body: Buffer): Buffer {
    const taken = Math.min(body.length - this.#bodyBytes, chunk.length);
    body.set(chunk.subarray(0, taken), this.#bodyBytes);
    this.#bodyBytes += taken;
    return chunk.subarray(taken);
  }
}
