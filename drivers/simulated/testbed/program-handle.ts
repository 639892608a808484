/**
 * One open handle of the program under test, which is one connection of the preload library: its calls are answered in their order, and its memory is
 * read and written while it waits. A handle whose other side does not keep to the protocol is closed.
 */
import type { Socket } from 'node:net';
import { DeviceFault, ERRNO } from './device-fault.ts';
import {
  FRAME_BYTES,
  MAX_MEMORY_BYTES,
  PreloadProtocolError,
  decodeCall,
  decodeResult,
  encodeDone,
  encodePeek,
  encodePoke,
  encodeRun,
  type CallResult,
  type ProgramCall,
} from './preload-frames.ts';

/** The program's memory, as long as its call lasts. */
export interface ProgramMemory {
  read(pointer: bigint, lengthBytes: number): Promise<Uint8Array>;
  write(pointer: bigint, bytes: Uint8Array): void;
}

/** A number is what the call returns; `'run'` lets the program make the real call. A `DeviceFault` is its errno. */
export type CallHandler = (call: ProgramCall, memory: ProgramMemory) => Promise<number | 'run'> | number | 'run';

/** Ends, without an error, when the program closes the handle. Throws what the handler threw, faults excepted, and `PreloadProtocolError`. */
export async function serveHandle(socket: Socket, handler: CallHandler): Promise<void> {
  const bytes = new ByteQueue(socket);
  const memory: ProgramMemory = {
    read: async (pointer, lengthBytes) => {
      if (lengthBytes > MAX_MEMORY_BYTES) throw new PreloadProtocolError(`reading ${lengthBytes} bytes of the program: too many`);
      if (lengthBytes === 0) return new Uint8Array();
      socket.write(encodePeek(pointer, lengthBytes));
      return await bytes.take(lengthBytes);
    },
    write: (pointer, data) => {
      if (data.length > 0) socket.write(encodePoke(pointer, data));
    },
  };
  try {
    for (;;) {
      const call = decodeCall(await bytes.take(FRAME_BYTES));
      const result = await answer(call, handler, memory);
      socket.write(encodeDone(result === 'run' ? await runReally(socket, bytes) : result));
    }
  } catch (error) {
    if (!(error instanceof HandleClosed)) throw error;
  } finally {
    socket.destroy();
  }
}

async function answer(call: ProgramCall, handler: CallHandler, memory: ProgramMemory): Promise<CallResult | 'run'> {
  try {
    const value = await handler(call, memory);
    return value === 'run' ? value : { value: BigInt(value), errno: 0n };
  } catch (error) {
    if (!(error instanceof DeviceFault)) throw error;
    return { value: -1n, errno: BigInt(ERRNO[error.errno]) };
  }
}

async function runReally(socket: Socket, bytes: ByteQueue): Promise<CallResult> {
  socket.write(encodeRun());
  return decodeResult(await bytes.take(FRAME_BYTES));
}

/** The other side is gone: nothing that a handler could do anything about. */
class HandleClosed extends Error {
  override readonly name = 'HandleClosed';
}

/** Bytes of a socket in the pieces that are asked for. Holds one chunk of the socket at most beyond what is asked for. */
class ByteQueue {
  readonly #socket: Socket;
  #bytes: Buffer = Buffer.alloc(0);
  #wanted:
    | { readonly length: number; readonly resolve: (bytes: Uint8Array) => void; readonly reject: (error: Error) => void }
    | undefined;
  #isClosed = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#give();
    });
    // `close` follows, and is what counts.
    socket.on('error', () => undefined);
    socket.once('close', () => {
      this.#isClosed = true;
      this.#give();
    });
  }

  take(length: number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#wanted = { length, resolve, reject };
      this.#give();
    });
  }

  #give(): void {
    const wanted = this.#wanted;
    if (wanted && this.#bytes.length >= wanted.length) {
      this.#wanted = undefined;
      const taken = Uint8Array.from(this.#bytes.subarray(0, wanted.length));
      this.#bytes = this.#bytes.subarray(wanted.length);
      wanted.resolve(taken);
    } else if (wanted && this.#isClosed) {
      this.#wanted = undefined;
      wanted.reject(new HandleClosed());
    }
    // While nobody waits the socket must still tell when it closes, which it does only when it is read.
    if (!this.#isClosed && this.#bytes.length > MAX_MEMORY_BYTES) this.#socket.pause();
    else if (!this.#isClosed) this.#socket.resume();
  }
}
