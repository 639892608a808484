/** The answer to what never becomes a call, written by hand where Node has no response for it: one refusal, and the end of the connection. */
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { ERRORS, type WireError } from '../../api-spec/errors.ts';

/** The head of the answer; `more` are header lines. The body is the error as everywhere in the API. */
export function encodeRefusal(error: WireError, more: readonly string[] = []): string {
  const body = JSON.stringify({ error });
  const status = ERRORS[error.code].httpStatus;
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Refused'}`,
    'Connection: close',
    'Cache-Control: no-store',
    'X-Content-Type-Options: nosniff',
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...more,
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}

/** Closes when it is written; what the other side still sends is read and forgotten, or it would never see the answer. */
export function refuseOn(socket: Duplex, error: WireError, more?: readonly string[]): void {
  socket.on('error', () => socket.destroy());
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  socket.once('end', () => socket.destroy());
  socket.end(encodeRefusal(error, more));
  socket.resume();
}
