/** Connections over TLS are counted as any: those that never shake hands, and those that do and are refused. */
import { readFileSync, readdirSync } from 'node:fs';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { expect, it } from 'vitest';
import { LIMITS } from '../../api-spec/wire.ts';
import { enableTls } from '../../daemon/tls/tls-folder.ts';
import { openBench, within, type Bench } from '../api/support.ts';

async function enabled(bench: Bench): Promise<{ port: number; ca: Buffer }> {
  const { authority } = await enableTls(bench.dataFolder, { now: new Date() }).then(({ files }) => files);
  const { tlsPort } = await (await bench.client()).call('system.reload');
  return { port: tlsPort ?? 0, ca: readFileSync(authority.path) };
}

/** What comes until the other side closes. */
async function overTls({ port, ca }: { port: number; ca: Buffer }, text: string): Promise<string> {
  const socket = connectTls({ port, host: '127.0.0.1', servername: 'localhost', ca });
  const parts: Buffer[] = [];
  socket.on('data', (part: Buffer) => parts.push(part));
  socket.on('error', () => socket.destroy());
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.write(text.replaceAll('\n', '\r\n'));
  await within(closed, 'the end of a connection');
  return Buffer.concat(parts).toString('latin1');
}

it('connections that do not shake hands keep nobody out, and leave nothing open', async () => {
  await using bench = await openBench();
  const tls = await enabled(bench);
  const get = `GET /v1/cards HTTP/1.1\nHost: localhost:${tls.port}\nConnection: close\n`;
  const authorized = `${get}Authorization: Bearer ${bench.token}\n\n`;
  expect(await overTls(tls, authorized)).toMatch(/^HTTP\/1\.1 200 /);
  const descriptors = (): number => readdirSync('/proc/self/fd').length;
  const before = descriptors();
  const idle: Socket[] = [];
  for (let count = 0; count < LIMITS.unknownConnections.value + 50; count++) {
    const socket = connectTcp(tls.port, '127.0.0.1');
    socket.on('error', () => socket.destroy());
    idle.push(socket);
  }
  await expect.poll(() => idle.filter(({ closed }) => closed).length).toBeGreaterThanOrEqual(50);
  expect(await overTls(tls, authorized)).toMatch(/^HTTP\/1\.1 200 /);
  expect(idle.filter(({ closed }) => !closed).length).toBeGreaterThan(0);
  for (const socket of idle) socket.destroy();
  await expect.poll(descriptors).toBe(before);
});

it('what is refused over TLS is told why and then closed, and its descriptor with it', async () => {
  await using bench = await openBench();
  const tls = await enabled(bench);
  const descriptors = (): number => readdirSync('/proc/self/fd').length;
  const before = descriptors();
  const host = `Host: localhost:${tls.port}\n`;
  const upgrade =
    'Connection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n';
  for (const [request, status] of [
    [`GET /v1/cards HTTP/1.1\n${host}\n`, 401],
    [`GET /v1/ws HTTP/1.1\n${host}${upgrade}\n`, 401],
    ['GET /v1/cards HTTP/1.1\nHost: evil.example\n\n', 421],
    ['no HTTP\n\n', 400],
  ] as const)
    expect(await overTls(tls, request)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  // Plain HTTP where TLS is spoken: no answer could be understood.
  const plain = connectTcp(tls.port, '127.0.0.1');
  plain.on('error', () => plain.destroy());
  const closed = new Promise<void>((resolve) => plain.once('close', () => resolve()));
  plain.resume().write(`GET /v1/cards HTTP/1.1\r\n${host}\r\n`);
  await within(closed, 'the end of the plain connection');
  await expect.poll(descriptors, { timeout: 10_000 }).toBe(before);
});
