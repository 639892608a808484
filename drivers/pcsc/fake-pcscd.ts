/**
 * pcscd's end of its socket, for tests: takes requests apart by their headers alone and answers with the bytes that a test gives it.
 * It is written from pcsc-lite 1.9.9, src/winscard_svc.c, and imports no layout from the client.
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface FakeRequest {
  readonly command: number;
  /** Structure and data. */
  readonly body: Buffer;
  readonly socket: Socket;
}

/** What is written back; nothing when undefined. */
export type FakeAnswer = (request: FakeRequest) => Buffer | undefined;

export interface FakePcscd extends AsyncDisposable {
  /** What a client is given as its environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly commands: readonly number[];
  readonly connections: number;
  readonly minorVersions: readonly number[];
  /** Puts an answer in place of the ordinary one. */
  answer(command: number, answer: FakeAnswer): void;
  /** Readers in the table, and an event for who waits. */
  setReaders(readers: readonly FakeReader[]): void;
  hangUp(): void;
}

export interface FakeReader {
  readonly name: string;
  readonly state: number;
  readonly eventCounter?: number;
  readonly sharing?: number;
  readonly atr?: Uint8Array;
}

const NAME_BYTES = 128;
/** Commands with data behind their structure: its length, and where the data's length is in it. */
const STRUCTS_WITH_DATA: ReadonlyMap<number, { readonly bytes: number; readonly lengthAt: number }> = new Map([
  [0x09, { bytes: 32, lengthAt: 12 }],
  [0x0a, { bytes: 24, lengthAt: 8 }],
]);

interface World {
  readers: readonly FakeReader[];
  readonly waiting: Set<Socket>;
  readonly minorVersions: number[];
  readonly acceptsMinor: (minor: number) => boolean;
}

export async function startFakePcscd(acceptsMinor: (minor: number) => boolean = (minor) => minor === 4): Promise<FakePcscd> {
  const folder = await mkdtemp(join(tmpdir(), 'kortd-fake-pcscd-'));
  const path = join(folder, 'pcscd.comm');
  const answers = new Map<number, FakeAnswer>();
  const commands: number[] = [];
  const world: World = { readers: [], waiting: new Set(), minorVersions: [], acceptsMinor };
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => {
      sockets.delete(socket);
      world.waiting.delete(socket);
    });
    socket.on('error', () => undefined);
    let received = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      for (let request = takeRequest(received); request; request = takeRequest(received)) {
        received = received.subarray(request.lengthBytes);
        commands.push(request.command);
        const { command, body } = request;
        const answer = answers.get(command) ?? ((asked: FakeRequest) => ordinaryAnswer(world, asked));
        const bytes = answer({ command, body, socket });
        if (bytes) socket.write(bytes);
      }
    });
  });
  server.listen(path);
  await once(server, 'listening');
  const hangUp = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    environment: { PCSCLITE_CSOCK_NAME: path },
    commands,
    minorVersions: world.minorVersions,
    get connections() {
      return sockets.size;
    },
    answer: (command, answer) => void answers.set(command, answer),
    setReaders(changed) {
      world.readers = changed;
      for (const socket of world.waiting) socket.write(words(0, 0));
      world.waiting.clear();
    },
    hangUp,
    async [Symbol.asyncDispose]() {
      hangUp();
      server.close();
      await once(server, 'close');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function ordinaryAnswer(world: World, { command, body, socket }: FakeRequest): Buffer | undefined {
  switch (command) {
    case 0x11: {
      const minor = body.readUInt32LE(4);
      world.minorVersions.push(minor);
      return words(4, 4, world.acceptsMinor(minor) ? 0 : 0x8010001e);
    }
    case 0x01:
      return words(2, 0x01020304, 0);
    case 0x12:
      return encodeTable(world.readers);
    case 0x13:
      world.waiting.add(socket);
      return encodeTable(world.readers);
    case 0x14:
      return world.waiting.delete(socket) ? words(0, 0) : undefined;
    case 0x04:
      body.writeUInt32LE(0x55, 140);
      body.writeUInt32LE(2, 144);
      return body;
    case 0x09: {
      const response = Buffer.concat([body.subarray(32).subarray(0, 4), Buffer.of(0x90, 0x00)]);
      return Buffer.concat([words(0x55, 2, 16, 4, 3, 16, response.length, 0), response]);
    }
    default:
      return body;
  }
}

export function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => bytes.writeUInt32LE(value >>> 0, 4 * index));
  return bytes;
}

function takeRequest(
  bytes: Buffer,
): { readonly command: number; readonly body: Buffer; readonly lengthBytes: number } | undefined {
  if (bytes.length < 8) return undefined;
  const command = bytes.readUInt32LE(4);
  const structEnd = 8 + bytes.readUInt32LE(0);
  if (bytes.length < structEnd) return undefined;
  const data = STRUCTS_WITH_DATA.get(command);
  const lengthBytes = structEnd + (data ? bytes.readUInt32LE(8 + data.lengthAt) : 0);
  if (bytes.length < lengthBytes) return undefined;
  return { command, body: Buffer.from(bytes.subarray(8, lengthBytes)), lengthBytes };
}

/** 16 rows of 184 bytes. */
export function encodeTable(readers: readonly FakeReader[]): Buffer {
  const table = Buffer.alloc(16 * 184);
  readers.forEach(({ name, state, eventCounter = 0, sharing = 0, atr = new Uint8Array() }, index) => {
    const row = table.subarray(184 * index, 184 * (index + 1));
    row.write(name, 'utf8');
    words(eventCounter, state, sharing).copy(row, NAME_BYTES);
    row.set(atr, 140);
    words(atr.length, 2).copy(row, 176);
  });
  return table;
}
