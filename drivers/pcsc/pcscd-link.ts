/**
 * One connection to pcscd: requests go out, and answers come back in the order of their requests, because pcscd serves each of its clients
 * in one thread. Nothing blocks, and the process is kept from ending only while an answer is due.
 * Bytes are read into memory of our own and decoded there; bytes that no request explains end the connection.
 */
import { connect, type Socket } from 'node:net';
import type { AnswerLayout } from './pcscd-messages.ts';
import { SCARD_E_NO_SERVICE, SCARD_E_SERVER_TOO_BUSY, SCARD_F_COMM_ERROR, SCARD_W_SECURITY_VIOLATION } from './result-code.ts';

/** Holds the table of readers, and any short response. */
const FIRST_CAPACITY = 4096;

export interface PcscdLink {
  /** The result that every further request gets; undefined while the connection stands. */
  readonly end: number | undefined;
  /** `message` must not change until the answer is here. */
  request<T extends { readonly result: number }>(message: Uint8Array, layout: AnswerLayout<T>): Promise<T>;
  /** A message that pcscd sends on top of the answers so far. */
  expect<T extends { readonly result: number }>(layout: AnswerLayout<T>): Promise<T>;
  /** Sends what has no answer of its own. */
  send(message: Uint8Array): void;
  /** Ends the connection; what is due gets `result`. */
  close(result?: number): void;
}

interface Due {
  readonly structBytes: number;
  dataBytes(answer: Buffer): number | undefined;
  settle(answer: Buffer): void;
  fail(result: number): void;
}

/** What has arrived, in memory that is used again and holds nothing of an answer once that is settled. */
interface Received {
  /** Where the next bytes go. */
  room(): Buffer;
  /** Settles the answers that are complete after another `length` bytes; false when the bytes cannot be what is due. */
  take(length: number, due: Due[]): boolean;
  wipe(): void;
}

function createReceived(): Received {
  let memory = Buffer.allocUnsafeSlow(FIRST_CAPACITY);
  let filled = 0;

  const grow = (capacity: number): void => {
    const larger = Buffer.allocUnsafeSlow(capacity);
    memory.copy(larger, 0, 0, filled);
    memory.fill(0);
    memory = larger;
  };
  /** Length of the answer at `start`, once it is all there; makes room for it otherwise. */
  const completeLength = (start: number, first: Due): number | 'incomplete' | 'impossible' => {
    const available = filled - start;
    if (available < first.structBytes) return 'incomplete';
    const data = first.dataBytes(memory.subarray(start, filled));
    if (data === undefined) return 'impossible';
    const total = first.structBytes + data;
    if (available >= total) return total;
    if (start + total > memory.length) grow(start + total);
    return 'incomplete';
  };
  const dropFirst = (length: number): void => {
    memory.copy(memory, 0, length, filled);
    memory.fill(0, filled - length, filled);
    filled -= length;
  };

  return {
    room: () => (filled === 0 ? memory : memory.subarray(filled)),
    wipe: () => memory.fill(0),
    take(received, due) {
      filled += received;
      let start = 0;
      for (let first = due[0]; first; first = due[0]) {
        const length = completeLength(start, first);
        if (length === 'impossible') return false;
        if (length === 'incomplete') break;
        due.shift();
        first.settle(memory.subarray(start, start + length));
        start += length;
      }
      dropFirst(start);
      return filled === 0 || due.length > 0;
    },
  };
}

/**
 * Connects to a Unix socket. Requests may be made at once; when there is no service, they get SCARD_E_NO_SERVICE, and
 * SCARD_E_SERVER_TOO_BUSY when others are connecting at this moment: pcscd lets one wait (listen with a backlog of 1).
 */
export function openPcscdLink(path: string): PcscdLink {
  const due: Due[] = [];
  const received = createReceived();
  let end: number | undefined;

  const close = (result = SCARD_E_NO_SERVICE): void => {
    if (end !== undefined) return;
    end = result;
    socket.destroy();
    received.wipe();
    for (const waiting of due.splice(0)) waiting.fail(result);
  };
  const onBytes = (length: number): boolean => {
    if (end !== undefined) return false;
    if (!received.take(length, due)) close(SCARD_F_COMM_ERROR);
    else if (due.length === 0) socket.unref();
    return true;
  };
  const socket: Socket = connect({ path, onread: { buffer: () => received.room(), callback: onBytes } });
  socket.on('error', (error: NodeJS.ErrnoException) =>
    close(error.code === 'EAGAIN' ? SCARD_E_SERVER_TOO_BUSY : SCARD_E_NO_SERVICE),
  );
  // As libpcsclite says it: pcscd hangs up on those whom polkit refuses, and when it stops.
  socket.on('end', () => close(SCARD_W_SECURITY_VIOLATION));
  socket.on('close', () => close());

  const expect = async <T extends { readonly result: number }>(layout: AnswerLayout<T>): Promise<T> => {
    if (end !== undefined) return layout.failed(end);
    if (due.length === 0) socket.ref();
    return new Promise<T>((resolve) => {
      due.push({
        structBytes: layout.structBytes,
        dataBytes: (answer) => (layout.dataBytes ? layout.dataBytes(answer) : 0),
        settle: (answer) => resolve(layout.decode(answer)),
        fail: (result) => resolve(layout.failed(result)),
      });
    });
  };
  const send = (message: Uint8Array): void => {
    if (end === undefined) socket.write(message);
  };
  return {
    get end() {
      return end;
    },
    expect,
    send,
    close,
    async request(message, layout) {
      const answer = expect(layout);
      send(message);
      return answer;
    },
  };
}
