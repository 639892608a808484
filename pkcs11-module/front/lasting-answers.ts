/** Answers to one program that the core said to hold: the front gives them again by itself, which spares the way to the core. */

/** A program asks of few sessions. */
const MAX_ANSWERS = 64;
const MAX_BYTES = 256;
/** Of a frame's header, where the code of its call stands (p11-kit/rpc-transport.c). */
const HEADER_BYTES = 12;

export class LastingAnswers {
  readonly #bodies = new Map<string, Uint8Array>();

  /** What a call is known by. Undefined: it is none that is remembered. */
  keyOf(body: Uint8Array): string | undefined {
    return body.length <= MAX_BYTES ? Buffer.from(body.buffer, body.byteOffset, body.length).toString('latin1') : undefined;
  }

  /** `body` is copied. */
  remember(key: string, body: Uint8Array): void {
    if (this.#bodies.size >= MAX_ANSWERS) this.#bodies.clear();
    if (body.length <= MAX_BYTES) this.#bodies.set(key, Uint8Array.from(body));
  }

  /** A whole frame, to the call with this code. */
  find(key: string, code: number): Uint8Array | undefined {
    const body = this.#bodies.get(key);
    return body && frameOf(code, body);
  }

  forget(): void {
    this.#bodies.clear();
  }
}

/** An answer without options. */
export function frameOf(code: number, body: Uint8Array): Uint8Array {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + body.length);
  frame.writeUInt32BE(code, 0);
  frame.writeUInt32BE(0, 4);
  frame.writeUInt32BE(body.length, 8);
  frame.set(body, HEADER_BYTES);
  return frame;
}
