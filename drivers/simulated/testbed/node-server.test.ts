/** A node's socket against programs that speak, that half speak, and that speak anything. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DeviceFault } from './device-fault.ts';
import { NodeServer } from './node-server.ts';
import { MAX_MEMORY_BYTES, PreloadProtocolError } from './preload-frames.ts';
import type { CallHandler } from './program-handle.ts';

let folder = '';
let path = '';
let errors: unknown[] = [];
let server: NodeServer | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kortd-node-'));
  path = join(folder, 'socket');
  errors = [];
});

afterEach(async () => {
  await server?.[Symbol.asyncDispose]();
  expect(existsSync(path)).toBe(false);
  await rm(folder, { recursive: true });
});

function frame(...numbers: readonly bigint[]): Uint8Array {
  return new Uint8Array(BigUint64Array.from(numbers, (number) => BigInt.asUintN(64, number)).buffer);
}

async function listen(handler: CallHandler): Promise<void> {
  server = await NodeServer.listen(path, handler, { onError: (error) => errors.push(error) });
}

async function open(): Promise<Socket> {
  const socket = connect(path);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

async function bytes(socket: Socket, length: number): Promise<Buffer> {
  for (;;) {
    const chunk = socket.read(length) as Buffer | null;
    if (chunk) return chunk;
    await once(socket, 'readable', { signal: AbortSignal.timeout(10_000) });
  }
}

/** Numbers from a seed: the same each time (xorshift32). */
function numbersFrom(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

describe('the socket of a node', () => {
  it('answers a call that comes in pieces of one byte', async () => {
    await listen((call) => (call.operation === 'read' ? call.lengthBytes : 0));
    const socket = await open();
    for (const byte of frame(7n, 0x1000n, 42n)) {
      socket.write(Uint8Array.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await bytes(socket, 24)).toEqual(Buffer.from(frame(3n, 42n, 0n)));
    socket.destroy();
  });

  it('reads and writes the memory of the program while it waits', async () => {
    await listen(async (call, memory) => {
      if (call.operation !== 'ioctl') return 0;
      const read = await memory.read(call.argument, 4);
      memory.write(call.argument, read.toReversed());
      return read.length;
    });
    const socket = await open();
    socket.write(frame(1n, 1n, 0x5000n));
    expect(await bytes(socket, 24)).toEqual(Buffer.from(frame(5n, 0x5000n, 4n)));
    socket.write(Uint8Array.of(1, 2, 3, 4));
    expect(await bytes(socket, 28)).toEqual(Buffer.concat([frame(6n, 0x5000n, 4n), Uint8Array.of(4, 3, 2, 1)]));
    expect(await bytes(socket, 24)).toEqual(Buffer.from(frame(3n, 4n, 0n)));
    socket.destroy();
  });

  it('gives on what the real call gave', async () => {
    await listen(() => 'run');
    const socket = await open();
    socket.write(frame(8n, 0n, 5n));
    expect(await bytes(socket, 24)).toEqual(Buffer.from(frame(4n, 0n, 0n)));
    socket.write(frame(2n, -1n, 11n));
    expect(await bytes(socket, 24)).toEqual(Buffer.from(frame(3n, -1n, 11n)));
    socket.destroy();
  });

  it('answers a fault with its errno, and closes after a defect', async () => {
    await listen((call) => {
      if (call.operation === 'read') throw new DeviceFault('EPIPE');
      throw new TypeError('a defect');
    });
    const socket = await open();
    socket.write(frame(7n, 0n, 1n));
    expect(await bytes(socket, 24)).toEqual(Buffer.from(frame(3n, -1n, 32n)));
    socket.write(frame(8n, 0n, 1n));
    await once(socket.resume(), 'close');
    expect(errors).toEqual([new TypeError('a defect')]);
    expect(server?.openHandles).toBe(0);
  });

  it('reads no more memory than a call can have', async () => {
    await listen(async (_, memory) => (await memory.read(0n, MAX_MEMORY_BYTES + 1)).length);
    const socket = await open();
    socket.write(frame(7n, 0n, 1n));
    await once(socket.resume(), 'close');
    expect(errors).toEqual([expect.any(PreloadProtocolError)]);
  });

  it('keeps a program that says more than it was asked in bounds', async () => {
    let answer: (value: number) => void = () => undefined;
    await listen(() => new Promise((resolve) => (answer = resolve)));
    const socket = await open();
    socket.write(frame(7n, 0n, 1n));
    const flood = Buffer.concat(Array.from({ length: 1000 }, () => frame(7n, 0n, 1n)));
    for (let part = 0; part < 64; part += 1) socket.write(flood);
    await new Promise((resolve) => setTimeout(resolve, 50));
    // The rest waits at the program's end: the kernel's buffer and 64 KiB of ours are full.
    expect(socket.writableLength).toBeGreaterThan(0);
    answer(1);
    expect(await bytes(socket, 24)).toEqual(Buffer.from(frame(3n, 1n, 0n)));
    socket.destroy();
  });

  it('answers or closes whatever bytes come, and serves the next program', async () => {
    await listen((call) => (call.operation === 'ioctl' ? 'run' : call.lengthBytes));
    const rounds = process.env['KORTD_LONG'] === '1' ? 20_000 : 300;
    for (let round = 0; round < rounds; round += 1) {
      const next = numbersFrom(round + 1);
      const socket = await open();
      socket.resume();
      const noise = Uint8Array.from({ length: next() % 200 }, () => next());
      // Every other time it begins as a call would.
      socket.end(round % 2 === 0 ? noise : Buffer.concat([frame(BigInt(next() % 10), BigInt(next()), BigInt(next())), noise]));
      await once(socket, 'close', { signal: AbortSignal.timeout(10_000) });
    }
    expect(errors.filter((error) => !(error instanceof PreloadProtocolError))).toEqual([]);
    expect(errors.length).toBeGreaterThan(rounds / 4);
    const socket = await open();
    socket.write(frame(7n, 0n, 9n));
    expect(await bytes(socket, 24)).toEqual(Buffer.from(frame(3n, 9n, 0n)));
    expect(server?.openHandles).toBe(1);
    socket.destroy();
  });
});
