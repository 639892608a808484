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
  statusIn,
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
  deepCalls: (options) =>
    onSockets(options, asProgram, (socket) => sendUntilClosed(socket, options, () => write(socket, deepCall()))),
  garbageFrames: (options) =>
    framesFromPage(options, async (socket, { random }) => {
      for (let round = 0; round < 20 && socket.writable; round++) await write(socket, maskedGarbage(random));
    }),
  garbageRequests: ({ target, random, count }) =>
    tallyOf(count, 50, () => statusOf(target.port, garbage(random, 1 + random.below(500)), 7_000)),
  halfClosed: ({ target, count, random }) =>
    tallyOf(count, 50, async () => {
      const socket = await openRaw(target.port);
      socket.end(
        random.pick([
          '',
          'GET /v1/readers HTTP/1.1\r\nHost:',
          requestText('GET /v1/readers', [`Host: 127.0.0.1:${target.port}`]),
        ]),
      );
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
    tallyOf(count, 8, () =>
      statusOf(target.port, requestText('GET /v1/readers', [...programHeaders(target), `X: ${'x'.repeat(65_536)}`])),
    ),
  pageCalls: pageCalls,
  pageTokens: pageTokens,
  pings: (options) =>
    framesFromPage(options, async (socket) => {
      const pings = Buffer.concat(Array.from({ length: 200 }, () => encodeFrame(Buffer.alloc(125), { opcode: PING_FRAME })));
      const end = performance.now() + options.durationMs;
      while (socket.writable && performance.now() < end) await write(socket, pings);
    }),
  resets: ({ target, count, random }) =>
    tallyOf(count, 30, async () => {
      const socket = await openRaw(target.port);
      const text = random.pick([
        requestText('GET /v1/readers', pageHeaders(target)),
        'GET /v1/rea',
        upgradeText(pageHeaders(target)),
        '',
      ]);
      await write(socket, Buffer.from(text));
      socket.resetAndDestroy();
      return 'reset';
    }),
  slowBodies: slowBodies,
  slowHeaders: slowHeaders,
  ungrantedRequests: ({ target, count }) => tallyOf(count, 200, (index) => ungrantedRequest(target, index)),
  unmaskedFrames: (options) =>
    framesFromPage(options, (socket) => write(socket, encodeFrame(Buffer.from('{}'), { opcode: TEXT_FRAME, isMasked: false }))),
  unreadByPage: (options) => unread(options, asPage),
  unreadByProgram: (options) => unread(options, asProgram),
  unreadRequests: unreadRequests,
  usedToken: usedToken,
} as const satisfies Record<string, Attack>;

export type AttackName = keyof typeof ATTACKS;

async function tallyOf(count: number, atOnce: number, one: (index: number) => Promise<string>): Promise<Tally> {
  return tally(await inParallel(count, atOnce, (index) => one(index).catch((error: unknown) => nameOf(error))));
}

function tally(outcomes: readonly string[]): Tally {
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

/** Connects and says nothing. How many are still open when the last has been taken in, and after the time for strangers. */
async function idleConnections({ target, count, durationMs }: AttackOptions): Promise<Tally> {
  const sockets: Socket[] = [];
  const openNow = (): number => sockets.filter((socket) => !socket.closed).length;
  const made = await tallyOf(count, 400, async () => {
    sockets.push(await openRaw(target.port));
    return 'made';
  });
  let open = openNow();
  for (let before = Number.POSITIVE_INFINITY; open < before; open = openNow()) {
    before = open;
    await delay(200);
  }
  await delay(durationMs);
  const later = openNow();
  for (const socket of sockets) socket.destroy();
  return { ...made, open, later };
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
    const status = statusIn((await answer).toString('latin1'));
    const outcome = socket.closed ? status : 'open';
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
    const status = statusIn((await answer).toString('latin1'));
    const outcome = socket.closed ? status : 'open';
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
  const status = statusIn((await answer).toString('latin1'));
  socket.destroy();
  return sent < 90 ? status : 'all was taken';
}

/** Each from an origin of its own; every second one asks for access, which is open to all. */
async function ungrantedRequest(target: Target, index: number): Promise<string> {
  const stranger = { ...target, origin: `https://page-${index % 5_000}.example` };
  if (index % 2 === 0) return await statusOf(target.port, requestText('GET /v1/cards', pageHeaders(stranger)));
  const body = '{"scopes":["card.read"]}';
  const headers = [...pageHeaders(stranger), 'Content-Type: application/json', `Content-Length: ${body.length}`];
  const socket = await openRaw(target.port);
  const answer = readAll(socket, 500);
  socket.write(requestText('POST /v1/access/request', headers, body));
  const status = statusIn((await answer).toString('latin1'));
  const outcome = status !== 'cut' || socket.closed ? status : 'waits';
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
    const status = first ? statusIn(first.toString('latin1')) : 'cut';
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

/** Nested as deep as a message is long, where a card is expected. */
function deepCall(): Buffer {
  const depth = 100_000;
  const params = `{"card":${'['.repeat(depth)}${']'.repeat(depth)}}`;
  return encodeFrame(Buffer.from(`{"jsonrpc":"2.0","id":1,"method":"card.read","idempotencyKey":"deep","params":${params}}`), {
    opcode: TEXT_FRAME,
  });
}

type Sender = (socket: Socket, options: AttackOptions) => Promise<void>;

type HeadersOf = (target: Target) => Promise<readonly string[]>;

/** A page needs a token for each WebSocket. */
const asPage: HeadersOf = async (target) => pageHeaders(target, await pageToken(target));
const asProgram: HeadersOf = (target) => Promise.resolve(programHeaders(target));

/** Opens all of them before the first begins. */
async function onSockets(
  { target, count }: AttackOptions,
  headersOf: HeadersOf,
  work: (socket: Socket) => Promise<string>,
): Promise<Tally> {
  const sockets: Socket[] = [];
  const opened = await tallyOf(count, 10, async () => {
    sockets.push(await openSocket(target, await headersOf(target)));
    return 'opened';
  });
  const outcomes = await Promise.all(sockets.map(work));
  for (const socket of sockets) socket.destroy();
  return { ...opened, ...tally(outcomes) };
}

/** On WebSockets of a page; how each was closed. */
function framesFromPage(options: AttackOptions, send: Sender): Promise<Tally> {
  return onSockets(options, asPage, (socket) => sendUntilClosed(socket, options, send));
}

async function sendUntilClosed(socket: Socket, options: AttackOptions, send: Sender): Promise<string> {
  const answer = readAll(socket, options.durationMs + 3_000);
  await send(socket, options);
  const code = closeCodeIn(await answer);
  return socket.closed ? String(code ?? 'cut') : 'open';
}

async function endlessContinuation(socket: Socket): Promise<void> {
  await write(socket, encodeFrame(Buffer.from('['), { opcode: TEXT_FRAME, isFinal: false }));
  const parts = Buffer.concat(
    Array.from({ length: 500 }, () => encodeFrame(Buffer.from(' '), { opcode: CONTINUATION_FRAME, isFinal: false })),
  );
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
function unread(options: AttackOptions, headersOf: HeadersOf): Promise<Tally> {
  const calls = Buffer.concat([
    callFrame('event.subscribe', 1),
    ...Array.from({ length: 100 }, (_, id) => callFrame('card.list', id + 2)),
  ]);
  return onSockets(options, headersOf, (socket) => writeWithoutReading(socket, calls, options.durationMs));
}

async function writeWithoutReading(socket: Socket, bytes: Uint8Array, durationMs: number): Promise<string> {
  socket.pause();
  const end = performance.now() + durationMs;
  while (socket.writable && performance.now() < end) {
    if (socket.writableLength < MEGABYTE) socket.write(bytes);
    await Promise.race([delay(20), closeOf(socket)]);
  }
  return socket.writable ? 'open' : 'cut';
}

/** REST calls one behind the other on one connection, of which no answer is read. */
async function unreadRequests({ target, count, durationMs }: AttackOptions): Promise<Tally> {
  const requests = Buffer.from(requestText('GET /v1/cards', programHeaders(target)).repeat(200));
  return await tallyOf(count, count, async () => {
    const socket = await openRaw(target.port);
    const outcome = await writeWithoutReading(socket, requests, durationMs);
    socket.destroy();
    return outcome;
  });
}
