/**
 * Reads what a client of p11-kit's RPC protocol sent: big-endian, every length checked against what is there. There is no specification; the C code is it
 * (p11-glue/p11-kit, p11-kit/rpc-message.c and rpc-server.c, 0.24.1 to 0.26.4).
 */

/** What was sent is no message of the protocol: the connection is of no more use. */
export class RpcProtocolError extends Error {
  override readonly name = 'RpcProtocolError';
}

/** A length that stands for a NULL pointer. */
const NULL_LENGTH = 0xff_ff_ff_ff;
/** Lengths from here on are illegal (p11-kit/rpc-message.c, p11_rpc_buffer_get_byte_array). */
const FIRST_ILLEGAL_LENGTH = 0x7f_ff_ff_ff;
/** CK_UNAVAILABLE_INFORMATION (PKCS #11 v3.0, section 3.2): all ones, as -1. */
export const UNAVAILABLE = -1;
const ALL_ONES = 0xff_ff_ff_ff_ff_ff_ff_ffn;

export class RpcReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  /** To come back to. */
  get offset(): number {
    return this.#offset;
  }

  rewind(offset: number): void {
    this.#offset = offset;
  }

  byte(): number {
    return this.#view.getUint8(this.#take(1));
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  /** CK_ULONG. Handles and flags of ours are small; a larger number is none of them, and need not be exact. */
  ulong(): number {
    const value = this.#view.getBigUint64(this.#take(8));
    return value === ALL_ONES ? UNAVAILABLE : Number(value);
  }

  bytes(length: number): Uint8Array {
    const start = this.#take(length);
    return new Uint8Array(this.#bytes.subarray(start, start + length)); // a Buffer's own slice() would be a view of what is wiped
  }

  /** Length and value; undefined for a NULL pointer. */
  sized(): Uint8Array | undefined {
    const length = this.uint32();
    if (length === NULL_LENGTH) return undefined;
    if (length >= FIRST_ILLEGAL_LENGTH) throw new RpcProtocolError(`reading a value: its length ${length} is illegal`);
    return this.bytes(length);
  }

  /** Throws when anything is left over. */
  end(): void {
    if (this.remaining > 0) throw new RpcProtocolError(`reading a message: ${this.remaining} bytes are left over`);
  }

  #take(length: number): number {
    if (length > this.remaining) throw new RpcProtocolError(`reading ${length} bytes of a message: ${this.remaining} are left`);
    const start = this.#offset;
    this.#offset += length;
    return start;
  }
}
