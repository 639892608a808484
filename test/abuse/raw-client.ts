/** A client that minds no rule: bytes on sockets, WebSocket frames as wrong as wanted. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { SeededRandom } from '../fuzz/seeded.ts';

/** What an attacker knows of the daemon. */
export interface Target {
  readonly port: number;
  /** Of programs; an attacker that has it is the user's own program gone wild. */
  readonly token: string;
  /** A web origin with a grant. */
  readonly origin: string;
}

const CONNECT_DEADLINE_MS = 5_000;

/** Rejects when the connection is refused or reset before it stands. Errors after that end it. */
export async function openRaw(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  socket.on('error', () => socket.destroy());
  await once(socket, 'connect', { signal: AbortSignal.timeout(CONNECT_DEADLINE_MS) });
  socket.setMaxListeners(0);
  return socket;
}

/** Never rejects. */
export function closeOf(socket: Socket): Promise<void> {
  return socket.closed ? Promise.resolve() : new Promise((resolve) => socket.once('close', () => resolve()));
}

/** Header lines of a program of the user. */
export function programHeaders({ port, token }: Target): readonly string[] {
  return [`Host: 127.0.0.1:${port}`, `Authorization: Bearer ${token}`];
}

/** Header lines of a page. */
export function pageHeaders({ port, origin }: Target, token?: string): readonly string[] {
  return [`Host: 127.0.0.1:${port}`, `Origin: ${origin}`, ...(token === undefined ? [] : [`Authorization: Bearer ${token}`])];
}

export function requestText(line: string, headers: readonly string[], body = ''): string {
  return `${[`${line} HTTP/1.1`, ...headers].join('\r\n')}\r\n\r\n${body}`;
}

export function upgradeText(headers: readonly string[]): string {
  return requestText('GET /v1/ws', [
    ...headers,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ]);
}

/** Of an answer; "cut" when there is none. */
export function statusIn(answer: string): string {
  return /^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 'cut';
}

/** The message is the status of the answer. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
}

/** Everything that came until the connection ended, or until the deadline. */
export async function readAll(socket: Socket, deadlineMs = 5_000): Promise<Buffer> {
  const parts: Buffer[] = [];
  socket.on('data', (part) => parts.push(part));
  await Promise.race([closeOf(socket), delay(deadlineMs, undefined, { ref: false })]);
  return Buffer.concat(parts);
}

/** Sends bytes on a connection of its own and gives the status of the answer; "open" when nothing came of it. */
export async function statusOf(port: number, text: string | Uint8Array, deadlineMs?: number): Promise<string> {
  const socket = await openRaw(port);
  const answer = readAll(socket, deadlineMs);
  socket.write(text);
  const status = statusIn((await answer).toString('latin1'));
  const outcome = socket.closed || status !== 'cut' ? status : 'open';
  socket.destroy();
  return outcome;
}

/** A token of the origin, as its page gets one. */
export async function pageToken(target: Target): Promise<string> {
  const body = JSON.stringify({ scopes: ['card.read'] });
  const headers = [
    ...pageHeaders(target),
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
    'Connection: close',
  ];
  const socket = await openRaw(target.port);
  const answer = readAll(socket);
  socket.write(requestText('POST /v1/access/request', headers, body));
  const text = (await answer).toString();
  const token = /"token":"([^"]+)"/.exec(text)?.[1];
  if (token === undefined) throw new RefusedError(statusIn(text));
  return token;
}

/** A WebSocket that has been let in. Rejects when it is not. */
export async function openSocket(target: Target, headers: readonly string[]): Promise<Socket> {
  const socket = await openRaw(target.port);
  socket.write(upgradeText(headers));
  const [first] = (await once(socket, 'data', { signal: AbortSignal.timeout(CONNECT_DEADLINE_MS) })) as [Buffer];
  const status = statusIn(first.toString('latin1'));
  if (status === '101') return socket;
  socket.destroy();
  throw new RefusedError(status);
}

export interface FrameOptions {
  /** RFC 6455, section 5.2. */
  readonly opcode: number;
  readonly isFinal?: boolean;
  readonly isMasked?: boolean;
  /** Instead of the true one. */
  readonly declaredLength?: number;
  readonly reserved?: number;
}

export function encodeFrame(payload: Uint8Array, options: FrameOptions): Buffer {
  const { opcode, isFinal = true, isMasked = true, declaredLength = payload.length, reserved = 0 } = options;
  const length = declaredLength < 126 ? 0 : declaredLength < 65_536 ? 2 : 8;
  const head = Buffer.alloc(2 + length + (isMasked ? 4 : 0));
  head[0] = (isFinal ? 0x80 : 0) | (reserved << 4) | opcode;
  head[1] = (isMasked ? 0x80 : 0) | (length === 0 ? declaredLength : length === 2 ? 126 : 127);
  if (length === 2) head.writeUInt16BE(declaredLength, 2);
  if (length === 8) head.writeBigUInt64BE(BigInt(declaredLength), 2);
  return Buffer.concat([head, payload]); // a mask of zeros changes nothing
}

export const TEXT_FRAME = 1;
export const CONTINUATION_FRAME = 0;
export const PING_FRAME = 9;

/** Code of the close frame at the end of what came (RFC 6455, section 5.5.1); undefined when the connection ended without one. */
export function closeCodeIn(bytes: Buffer): number | undefined {
  let code: number | undefined;
  for (let at = 0; at + 2 <= bytes.length;) {
    const short = (bytes[at + 1] ?? 0) & 0x7f;
    const begin = at + 2 + (short === 126 ? 2 : short === 127 ? 8 : 0);
    if (begin > bytes.length) break;
    const length = short === 126 ? bytes.readUInt16BE(at + 2) : short === 127 ? Number(bytes.readBigUInt64BE(at + 2)) : short;
    if (((bytes[at] ?? 0) & 0x0f) === 8 && length >= 2 && begin + 2 <= bytes.length) code = bytes.readUInt16BE(begin);
    at = begin + length;
  }
  return code;
}

/** A call as a frame. */
export function callFrame(method: string, id: number, params: object = {}): Buffer {
  return encodeFrame(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, method, params })), { opcode: TEXT_FRAME });
}

/** Bytes that could be anything, and often look like the beginning of something. */
export function garbage(random: SeededRandom, length: number): Buffer {
  const beginnings = [
    '',
    'GET ',
    'POST /v1/',
    '\u0016\u0003\u0001',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: ',
  ] as const;
  return Buffer.concat([Buffer.from(random.pick(beginnings), 'latin1'), random.bytes(length)]);
}

/** Runs `one` so many times, so many at once; gives what became of each. */
export async function inParallel<T>(count: number, atOnce: number, one: (index: number) => Promise<T>): Promise<readonly T[]> {
  const results: T[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) results.push(await one(next++));
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, worker));
  return results;
}
