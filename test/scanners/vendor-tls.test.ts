/** Vendors' services over TLS: whose certificate is believed, and that nothing is sent where none is. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { enableTls } from '../../daemon/tls/tls-folder.ts';
import { VendorClient } from '../../drivers/scanners/vendor-http.ts';

const DAY_MS = 86_400_000;
const stack: (() => unknown)[] = [];

afterEach(async () => {
  for (const undo of stack.splice(0).reverse()) await undo();
});

interface Identity {
  readonly ca: string;
  readonly key: string;
  readonly cert: string;
}

/** A certificate for localhost, 127.0.0.1 and [::1], of an authority of its own. */
async function identityMadeAt(now: Date): Promise<Identity> {
  const folder = mkdtempSync(join(tmpdir(), 'kortd-vendor-tls-'));
  stack.push(() => rmSync(folder, { recursive: true, force: true }));
  const { files } = await enableTls(folder, { now });
  return { ca: readFileSync(files.authority.path, 'utf8'), key: files.key, cert: files.certificate };
}

interface Service {
  readonly port: number;
  requests(): number;
  connections(): number;
}

async function serve({ key, cert }: Identity, host = '127.0.0.1', options: ServerOptions = {}): Promise<Service> {
  let requests = 0;
  let connections = 0;
  const server: Server = createServer({ key, cert, ...options }, (_, response) => {
    requests++;
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"it":"answers"}');
  });
  server.on('connection', () => connections++);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  stack.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as AddressInfo).port, requests: () => requests, connections: () => connections };
}

async function ask(baseUrl: string, ca?: string): Promise<unknown> {
  const client = new VendorClient({
    device: 'x',
    baseUrl,
    timeoutMs: 20_000,
    maxAnswerBytes: 1_024,
    pauseMs: 1,
    ...(ca === undefined ? {} : { ca }),
  });
  const signal = AbortSignal.timeout(25_000);
  return (await client.ask({ method: 'GET', path: 'it', attempt: 'asking', signal })).value;
}

describe('a service over TLS', () => {
  it.each(['localhost', '127.0.0.1'])('answers as %s where its authority is the configured one', async (host) => {
    const identity = await identityMadeAt(new Date());
    const { port } = await serve(identity);
    expect(await ask(`https://${host}:${port}/`, identity.ca)).toEqual({ it: 'answers' });
  });

  it('that is not who it should be is sent nothing, and asked once', async () => {
    const trusted = await identityMadeAt(new Date());
    const another = await identityMadeAt(new Date());
    const old = await identityMadeAt(new Date(Date.now() - 4_000 * DAY_MS));
    for (const [identity, host, ca, code] of [
      [trusted, 'localhost', another.ca, 'an authority of its own'],
      [trusted, 'localhost', undefined, 'one that the system does not know'],
      [old, 'localhost', old.ca, 'a certificate that has ended'],
      [trusted, '127.0.0.2', trusted.ca, 'another name'],
    ] as const) {
      const service = await serve(identity, host === 'localhost' ? undefined : host);
      const refused = await ask(`https://${host}:${service.port}/`, ca).catch((error: unknown) => error);
      expect(refused, code).toMatchObject({ driverCode: 'certificate_rejected' });
      expect([service.connections(), service.requests()], code).toEqual([1, 0]);
    }
  });

  it('of TLS 1.1 is not spoken to', async () => {
    const identity = await identityMadeAt(new Date());
    const service = await serve(identity, '127.0.0.1', {
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    await expect(ask(`https://localhost:${service.port}/`, identity.ca)).rejects.toMatchObject({
      driverCode: 'certificate_rejected',
    });
    expect(service.requests()).toBe(0);
  });
});
