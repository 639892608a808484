/** The server with the TLS files, met by curl, openssl and ws. */
import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { Server } from 'node:https';
import { connect as connectPlain, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { createTlsServer, replaceTlsFiles } from '../../daemon/tls/https-server.ts';
import { enableTls, type TlsFiles } from '../../daemon/tls/tls-folder.ts';
import { tool } from '../support/program.ts';

const DEADLINE_MS = 10_000;
const TIMEOUTS = { headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 5_000 };

let folder = '';
let resources: AsyncDisposableStack;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kortd-tls-'));
  resources = new AsyncDisposableStack();
  resources.defer(() => rm(folder, { recursive: true, force: true }));
});
afterEach(() => resources.disposeAsync());

async function makeFiles(name = 'data'): Promise<TlsFiles> {
  return (await enableTls(join(folder, name), { now: new Date() })).files;
}

interface Listening {
  readonly server: Server;
  readonly port: number;
  readonly handshakeErrors: readonly Error[];
  /** The other loopback address. */
  readonly port6: number;
}

async function listen(files: TlsFiles): Promise<Listening> {
  const sockets = new WebSocketServer({ noServer: true });
  const handshakeErrors: Error[] = [];
  const servers = ['127.0.0.1', '::1'].map((host) => {
    const server = createTlsServer(files, { ...TIMEOUTS, requireHostHeader: false });
    server.on('request', (request, response) => response.end(`${request.url ?? ''} of ${request.headers.host ?? 'nobody'}`));
    server.on('upgrade', (request, socket, head) =>
      sockets.handleUpgrade(request, socket, head, (webSocket) =>
        webSocket.on('message', (data: Buffer) => webSocket.send(`got ${data.toString()}`)),
      ),
    );
    server.on('tlsClientError', (error) => handshakeErrors.push(error));
    server.listen(0, host);
    resources.defer(async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      for (const client of sockets.clients) client.terminate();
      await closed;
    });
    return server;
  });
  await Promise.all(servers.map((server) => once(server, 'listening', { signal: AbortSignal.timeout(DEADLINE_MS) })));
  const [first, second] = servers;
  if (!first || !second) throw new Error('no server');
  const portOf = (server: Server): number => (server.address() as AddressInfo).port;
  return { server: first, port: portOf(first), port6: portOf(second), handshakeErrors };
}

const curl = (...parameters: string[]): Promise<string> =>
  tool('curl', ['-sS', '--noproxy', '*', '--max-time', '10', ...parameters]);

/** `openssl s_client`: what it said, whether it came through or not. */
async function handshake(port: number, ...parameters: string[]): Promise<string> {
  const child = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, ...parameters], { timeout: DEADLINE_MS });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stdin.end();
  await once(child, 'close');
  return said;
}

describe('curl', () => {
  it('with the authority reaches all three names', async () => {
    const files = await makeFiles();
    const { port, port6 } = await listen(files);
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port6}`])
      expect(
        await curl('--cacert', files.authority.path, '--ipv4', ...(host.startsWith('[') ? ['--ipv6'] : []), `https://${host}/x`),
      ).toBe(`/x of ${host}`);
  });

  it('without it, or with that of another installation, does not', async () => {
    const [files, other] = [await makeFiles(), await makeFiles('other')];
    const { port, handshakeErrors } = await listen(files);
    await expect(curl(`https://127.0.0.1:${port}/`)).rejects.toThrow(/curl: \(60\) SSL certificate problem/);
    await expect(curl('--cacert', other.authority.path, `https://127.0.0.1:${port}/`)).rejects.toThrow(/curl: \(60\)/);
    await curl('--cacert', files.authority.path, `https://127.0.0.1:${port}/`);
    expect(handshakeErrors).toHaveLength(2);
    expect(handshakeErrors[0]?.message).toMatch(/unknown ca/i);
  });
});

describe('the protocol', () => {
  it.each([
    ['-tls1_2', 'TLSv1.2'],
    ['-tls1_3', 'TLSv1.3'],
  ])('%s is spoken', async (flag, version) => {
    const files = await makeFiles();
    const { port } = await listen(files);
    const said = await handshake(port, flag, '-CAfile', files.authority.path, '-verify_return_error');
    expect(said).toMatch(new RegExp(`New, ${version.replace('.', '\\.')}, Cipher is`));
    expect(said).toMatch(/Verify return code: 0 \(ok\)|Verification: OK/);
  });

  it.each(['-tls1', '-tls1_1'])('%s is refused by the server', async (flag) => {
    const { port } = await listen(await makeFiles());
    expect(await handshake(port, flag, '-cipher', 'ALL:@SECLEVEL=0')).toMatch(/alert protocol version/);
  });

  it('plain HTTP is cut off, and others go on', async () => {
    const files = await makeFiles();
    const { port } = await listen(files);
    const plain = connectPlain(port, '127.0.0.1');
    let answer = '';
    plain.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
    plain.on('error', () => undefined); // a reset is an end as well
    plain.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await once(plain, 'close', { signal: AbortSignal.timeout(DEADLINE_MS) });
    expect(answer).not.toContain('HTTP/1.1 200');
    expect(await curl('--cacert', files.authority.path, `https://127.0.0.1:${port}/`)).toContain('/ of');
  });

  it('upgrades to a WebSocket', async () => {
    const files = await makeFiles();
    const { port } = await listen(files);
    const socket = new WebSocket(`wss://localhost:${port}/`, { ca: files.ca, family: 4 });
    resources.defer(() => socket.terminate());
    const deadline = { signal: AbortSignal.timeout(DEADLINE_MS) };
    await once(socket, 'open', deadline);
    socket.send('hello');
    const [message] = (await once(socket, 'message', deadline)) as [Buffer];
    expect(message.toString()).toBe('got hello');
  });

  it('leaves a missing Host to whoever answers', async () => {
    const files = await makeFiles();
    const { port } = await listen(files);
    const socket = await openTls(port, files);
    expect(await ask(socket, 'GET /y HTTP/1.1\r\n\r\n')).toContain('/y of nobody');
  });
});

describe('new files', () => {
  it('are served to new connections, and open ones go on', async () => {
    const [before, after] = [await makeFiles(), await makeFiles('after')];
    const { server, port } = await listen(before);
    const open = await openTls(port, before);
    expect(await ask(open, 'GET /1 HTTP/1.1\r\nHost: a\r\n\r\n')).toContain('/1 of a');
    replaceTlsFiles(server, after);
    expect(await ask(open, 'GET /2 HTTP/1.1\r\nHost: a\r\n\r\n')).toContain('/2 of a');
    expect(await servedBy(port, after)).toBe(new X509Certificate(after.certificate).fingerprint256);
    await expect(servedBy(port, before)).rejects.toThrow(/unable to verify|self.signed|unable to get/i);
  });

  it('that are of no use change nothing', async () => {
    const [files, other] = [await makeFiles(), await makeFiles('other')];
    const { server, port } = await listen(files);
    for (const bad of [
      { ...files, key: other.key },
      { ...files, certificate: 'nothing' },
    ]) {
      expect(() => replaceTlsFiles(server, bad)).toThrow();
      expect(await servedBy(port, files)).toBe(new X509Certificate(files.certificate).fingerprint256);
    }
  });

  it('still let nobody in with an old version of TLS', async () => {
    const files = await makeFiles();
    const { server, port } = await listen(files);
    replaceTlsFiles(server, files);
    expect(await handshake(port, '-tls1_1', '-cipher', 'ALL:@SECLEVEL=0')).toMatch(/alert protocol version/);
  });
});

async function openTls(port: number, { ca }: TlsFiles): Promise<TLSSocket> {
  const socket = connectTls({ port, host: '127.0.0.1', ca });
  resources.defer(() => void socket.destroy());
  await once(socket, 'secureConnect', { signal: AbortSignal.timeout(DEADLINE_MS) });
  return socket;
}

async function ask(socket: TLSSocket, request: string): Promise<string> {
  socket.write(request);
  const [chunk] = (await once(socket, 'data', { signal: AbortSignal.timeout(DEADLINE_MS) })) as [Buffer];
  return chunk.toString();
}

/** The certificate's fingerprint, from a connection of its own that trusts only the authority of `files`. */
async function servedBy(port: number, files: TlsFiles): Promise<string> {
  const socket = await openTls(port, files);
  return socket.getPeerCertificate().fingerprint256;
}
