/** What a hostile page, a program without the token, a granted origin gone wild and a mistaken program do to the daemon. Each tells what became of it. */
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { SeededRandom } from '../fuzz/seeded.ts';
import {
  CONTINUATION_FRAME,
  PING_FRAME,
  TEXT_FRAME,
  callFrame,
  closeCodeIn,
  closeOf,
  encodeFrame,
  garbage,
  inParallel,
  openRaw,
  openSocket,
  pageHeaders,
  pageToken,
  programHeaders,
  readAll,
  requestText,
  statusOf,
  upgradeText,
  type Target,
} from './raw-client.ts';

/** How often each outcome came: a status, a close code, "open", "cut". */
export type Tally = Readonly<Record<string, number>>;

export interface AttackOptions {
  readonly target: Target;
  readonly random: SeededRandom;
  /** Connections, or rounds. */
  readonly count: number;
  /** How long those that last go on. */
  readonly durationMs: number;
}

export type Attack = (options: AttackOptions) => Promise<Tally>;

const MEGABYTE = 1_048_576;

/** Sorted by name. */
export const ATTACKS = {
  continuations: (options) => framesFromPage(options, endlessContinuation),
  garbageFrames: (options) =>
    framesFromPage(options, async (socket, { random }) => {
      for (let round = 0; round < 20 && socket.writable; round++) await write(socket, maskedGarbage(random));
    }),
  garbageRequests: ({ target, random, count }) => tallyOf(count, 50, () => statusOf(target.port, garbage(random, 1 + random.below(500)).toString('latin1'))),
  halfClosed: ({ target, count, random }) =>
    tallyOf(count, 50, async () => {
      const socket = await openRaw(target.port);
      socket.end(random.pick(['', 'GET /v1/readers HTTP/1.1\r\nHost:', requestText('GET /v1/readers', [`Host: 127.0.0.1:${target.port}`])]));
      const answer = await readAll(socket, 8_000);
      return socket.closed ? (answer.length > 0 ? 'answered' : 'cut') : 'open';
    }),
  idleConnections: idleConnections,
  largeBodies: ({ target, count }) => tallyOf(count, 4, () => largeBody(target)),
  largeFrames: (options) =>
    framesFromPage(options, (socket) =>
      write(socket, encodeFrame(Buffer.alloc(MEGABYTE), { opcode: TEXT_FRAME, declaredLength: 90 * MEGABYTE })),
    ),
  largeHeaders: ({ target, count }) =>
    tallyOf(count, 8, () => statusOf(target.port, requestText('GET /v1/readers', [...programHeaders(target), `X: ${'x'.repeat(65_536)}`]))),
  pageCalls: pageCalls,
  pageTokens: pageTokens,
  pings: (options) =>
    framesFromPage(options, async (socket) => {
      const pings = Buffer.concat(Array.from({ length: 200 }, () => encodeFrame(Buffer.alloc(125), { opcode: PING_FRAME })));
      const end = performance.now() + options.durationMs;
      while (socket.writable && performance.now() < end) await write(socket, pings);
    }),
  resets: ({ target, count, random }) =>
    tallyOf(count, 100, async () => {
      const socket = await openRaw(target.port);
      const text = random.pick([requestText('GET /v1/readers', programHeaders(target)), 'GET /v1/rea', upgradeText(programHeaders(target)), '']);
      await write(socket, Buffer.from(text));
      socket.resetAndDestroy();
      return 'reset';
    }),
  slowBodies: slowBodies,
  slowHeaders: slowHeaders,
  ungrantedRequests: ({ target, count }) => tallyOf(count, 200, (index) => ungrantedRequest(target, index)),
  unmaskedFrames: (options) =>
    framesFromPage(options, (socket) => write(socket, encodeFrame(Buffer.from('{}'), { opcode: TEXT_FRAME, isMasked: false }))),
  unreadByPage: (options) => unread(options, async (target) => pageHeaders(target, await pageToken(target))),
  unreadByProgram: (options) => unread(options, (target) => Promise.resolve(programHeaders(target))),
  unreadRequests: unreadRequests,
  usedToken: usedToken,
} as const satisfies Record<string, Attack>;

export type AttackName = keyof typeof ATTACKS;

async function tallyOf(count: number, atOnce: number, one: (index: number) => Promise<string | number>): Promise<Tally> {
  return tally(await inParallel(count, atOnce, (index) => one(index).catch((error: unknown) => nameOf(error))));
}

function tally(outcomes: readonly (string | number)[]): Tally {
  const counts: Record<string, number> = {};
  for (const outcome of outcomes) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

function nameOf(error: unknown): string {
  return error instanceof Error ? ('code' in error ? String(error.code) : error.message) : String(error);
}

/** Waits as long as the other side takes nothing, and no longer than the connection lasts. */
async function write(socket: Socket, bytes: Uint8Array): Promise<void> {
  if (!socket.writable || socket.write(bytes)) return;
  await Promise.race([new Promise<void>((resolve) => socket.once('drain', resolve)), closeOf(socket)]);
}

/** Connects and says nothing. How many are still open while all have been made, and after the time for strangers. */
async function idleConnections({ target, count, durationMs }: AttackOptions): Promise<Tally> {
  const sockets: Socket[] = [];
  const failed = await tallyOf(count, 400, async () => {
    sockets.push(await openRaw(target.port));
    return 'made';
  });
  await delay(100);
  const open = sockets.filter((socket) => !socket.closed).length;
  await delay(durationMs);
  const later = sockets.filter((socket) => !socket.closed).length;
  for (const socket of sockets) socket.destroy();
  return { ...failed, open, later };
}

/** One byte a second; how the connection ends. */
function slowHeaders({ target, count, durationMs }: AttackOptions): Promise<Tally> {
  const text = requestText('GET /v1/readers', [...programHeaders(target), `X: ${'x'.repeat(100)}`]);
  return tallyOf(count, count, async () => {
    const socket = await openRaw(target.port);
    const answer = readAll(socket, durationMs);
    for (const byte of Buffer.from(text)) {
      await Promise.race([delay(1_000, undefined, { ref: false }), answer]);
      if (!socket.writable) break;
      socket.write(Uint8Array.of(byte));
    }
    const status = /^HTTP\/1\.1 (\d{3})/.exec((await answer).toString('latin1'))?.[1];
    const outcome = socket.closed ? (status ?? 'cut') : 'open';
    socket.destroy();
    return outcome;
  });
}

/** Of a page that was let in: the body never ends. More than the origin may have are refused at once. */
async function slowBodies({ target, count, durationMs }: AttackOptions): Promise<Tally> {
  const token = await pageToken(target);
  const headers = [...pageHeaders(target, token), 'Content-Type: application/json', 'Content-Length: 1000'];
  return await tallyOf(count, count, async () => {
    const socket = await openRaw(target.port);
    const answer = readAll(socket, durationMs);
    socket.write(requestText('POST /v1/cards/read', headers, '{"card":'));
    const status = /^HTTP\/1\.1 (\d{3})/.exec((await answer).toString('latin1'))?.[1];
    const outcome = socket.closed ? (status ?? 'cut') : 'open';
    socket.destroy();
    return outcome;
  });
}

/** Says that 90 MB come, and sends them until it is told to stop. */
async function largeBody(target: Target): Promise<string> {
  const socket = await openRaw(target.port);
  const answer = readAll(socket);
  const headers = [...programHeaders(target), 'Content-Type: application/json', `Content-Length: ${90 * MEGABYTE}`];
  socket.write(requestText('POST /v1/cards/read', headers));
  const chunk = Buffer.alloc(MEGABYTE, ' ');
  let sent = 0;
  for (; sent < 90 && socket.writable; sent++) await write(socket, chunk);
  const status = /^HTTP\/1\.1 (\d{3})/.exec((await answer).toString('latin1'))?.[1];
  socket.destroy();
  return sent < 90 ? (status ?? 'cut') : 'all was taken';
}

/** Each from an origin of its own; every second one asks for access, which is open to all. */
async function ungrantedRequest(target: Target, index: number): Promise<string | number> {
  const stranger = { ...target, origin: `https://page-${index % 5_000}.example` };
  if (index % 2 === 0) return await statusOf(target.port, requestText('GET /v1/cards', pageHeaders(stranger)));
  const body = '{"scopes":["card.read"]}';
  const headers = [...pageHeaders(stranger), 'Content-Type: application/json', `Content-Length: ${body.length}`];
  const socket = await openRaw(target.port);
  const answer = readAll(socket, 500);
  socket.write(requestText('POST /v1/access/request', headers, body));
  const status = /^HTTP\/1\.1 (\d{3})/.exec((await answer).toString('latin1'))?.[1];
  const outcome = status ?? (socket.closed ? 'cut' : 'waits');
  socket.destroy();
  return outcome;
}

/** Upgrades with one token: it opens one WebSocket. */
async function usedToken({ target, count }: AttackOptions): Promise<Tally> {
  const text = upgradeText(pageHeaders(target, await pageToken(target)));
  const opened: Socket[] = [];
  const result = await tallyOf(count, 200, async () => {
    const socket = await openRaw(target.port);
    socket.write(text);
    const first = await Promise.race([new Promise<Buffer>((resolve) => socket.once('data', resolve)), closeOf(socket)]);
    const status = (first && /^HTTP\/1\.1 (\d{3})/.exec(first.toString('latin1'))?.[1]) ?? 'cut';
    if (status === '101') opened.push(socket);
    else socket.destroy();
    return status;
  });
  for (const socket of opened) socket.destroy();
  return result;
}

/** As many WebSockets as there are tokens to be had. */
async function pageTokens({ target, count }: AttackOptions): Promise<Tally> {
  const opened: Socket[] = [];
  const result = await tallyOf(count, 10, async () => {
    const socket = await openSocket(target, pageHeaders(target, await pageToken(target)));
    opened.push(socket);
    return 'opened';
  });
  const open = opened.filter((socket) => !socket.closed).length;
  for (const socket of opened) socket.destroy();
  return { ...result, open };
}

/** A granted origin that calls without end, on all the connections that it can have, and reads the answers. */
async function pageCalls(options: AttackOptions): Promise<Tally> {
  const batch = Buffer.concat(Array.from({ length: 50 }, (_, id) => callFrame('card.list', id)));
  return await framesFromPage(options, async (socket) => {
    const end = performance.now() + options.durationMs;
    while (socket.writable && performance.now() < end) {
      await write(socket, batch);
      await delay(1);
    }
  });
}

type Sender = (socket: Socket, options: AttackOptions) => Promise<void>;

/** On WebSockets of a page; how each was closed. */
async function framesFromPage(options: AttackOptions, send: Sender): Promise<Tally> {
  const { target, count, durationMs } = options;
  return await tallyOf(count, 20, async () => {
    const socket = await openSocket(target, pageHeaders(target, await pageToken(target)));
    const answer = readAll(socket, durationMs + 3_000);
    await send(socket, options);
    const code = closeCodeIn(await answer);
    const outcome = socket.closed ? (code ?? 'cut') : 'open';
    socket.destroy();
    return outcome;
  });
}

async function endlessContinuation(socket: Socket): Promise<void> {
  await write(socket, encodeFrame(Buffer.from('['), { opcode: TEXT_FRAME, isFinal: false }));
  const parts = Buffer.concat(Array.from({ length: 500 }, () => encodeFrame(Buffer.from(' '), { opcode: CONTINUATION_FRAME, isFinal: false })));
  while (socket.writable) await write(socket, parts);
}

function maskedGarbage(random: SeededRandom): Buffer {
  const payload = random.bytes(random.below(300));
  const options = {
    opcode: random.below(16),
    isFinal: random.below(4) > 0,
    reserved: random.pick([0, 0, 0, random.below(8)]),
    ...(random.below(8) === 0 ? { declaredLength: random.below(70_000) } : {}),
  };
  return encodeFrame(payload, options);
}

/** Subscribes, calls for large answers as fast as it can, and reads nothing. */
async function unread({ target, count, durationMs }: AttackOptions, headersOf: (target: Target) => Promise<readonly string[]>): Promise<Tally> {
  const calls = Buffer.concat([
    callFrame('event.subscribe', 1),
    ...Array.from({ length: 100 }, (_, id) => callFrame('card.list', id + 2)),
  ]);
  return await tallyOf(count, count, async () => {
    const socket = await openSocket(target, await headersOf(target));
    socket.pause();
    const end = performance.now() + durationMs;
    while (socket.writable && performance.now() < end) {
      socket.write(calls);
      await Promise.race([delay(20), closeOf(socket)]);
    }
    const outcome = socket.writable ? 'open' : 'cut';
    socket.destroy();
    return outcome;
  });
}

/** REST calls one behind the other on one connection, of which no answer is read. */
async function unreadRequests({ target, count, durationMs }: AttackOptions): Promise<Tally> {
  const requests = Buffer.from(requestText('GET /v1/cards', programHeaders(target)).repeat(200));
  return await tallyOf(count, count, async () => {
    const socket = await openRaw(target.port);
    socket.pause();
    const end = performance.now() + durationMs;
    while (socket.writable && performance.now() < end) {
      if (socket.writableLength < MEGABYTE) socket.write(requests);
      await Promise.race([delay(20), closeOf(socket)]);
    }
    const outcome = socket.writable ? 'open' : 'cut';
    socket.destroy();
    return outcome;
  });
}
