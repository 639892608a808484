import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { Heartbeat } from './heartbeat.ts';

const INTERVAL_MS = 60_000;

/** A server with two clients, and a clock that the test moves. */
async function setUp() {
  const clock = { now: 0 };
  const heartbeat = new Heartbeat({ intervalMs: INTERVAL_MS, now: () => clock.now });
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  const open = async (): Promise<{ client: WebSocket; socket: WebSocket }> => {
    const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const [[socket]] = (await Promise.all([once(server, 'connection'), once(client, 'open')])) as unknown as [[WebSocket]];
    heartbeat.add(socket);
    return { client, socket };
  };
  const [well, asleep] = [await open(), await open()];
  asleep.client.pause();
  const beat = (laterMs: number): void => {
    clock.now += laterMs;
    heartbeat.beat();
  };
  const close = async (): Promise<void> => {
    heartbeat[Symbol.dispose]();
    for (const { client } of [well, asleep]) client.terminate();
    for (const socket of server.clients) socket.terminate();
    server.close();
    await once(server, 'close');
  };
  return { well, asleep, beat, [Symbol.asyncDispose]: close };
}

it('ends the WebSocket of a client that does not answer, and no other', async () => {
  await using bench = await setUp();
  const heard = once(bench.well.socket, 'pong');
  bench.beat(INTERVAL_MS);
  await heard;
  const closed = once(bench.asleep.socket, 'close');
  bench.beat(INTERVAL_MS);
  await closed;
  expect(bench.well.socket.readyState).toBe(WebSocket.OPEN);
});

it('takes whatever comes for a sign of life', async () => {
  await using bench = await setUp();
  bench.beat(INTERVAL_MS);
  const heard = once(bench.asleep.socket, 'message');
  bench.asleep.client.send('still here');
  await heard;
  bench.beat(INTERVAL_MS);
  expect(bench.asleep.socket.readyState).toBe(WebSocket.OPEN);
});

it('gives everybody another round when this process itself was stopped', async () => {
  await using bench = await setUp();
  bench.beat(INTERVAL_MS);
  bench.beat(10 * INTERVAL_MS);
  expect(bench.asleep.socket.readyState).toBe(WebSocket.OPEN);
  const closed = once(bench.asleep.socket, 'close');
  bench.beat(INTERVAL_MS);
  await closed;
});
