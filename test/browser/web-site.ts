/**
 * The web sites of these tests: every name under .test over https on one port, with a certificate made by openssl, and the same pages over
 * http on another. Chromium is told that the first port is out in the world; the second stays what it is: another program on this computer.
 */
import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'tsup';
import { tool } from '../support/program.ts';

export interface WebSite extends AsyncDisposable {
  readonly port: number;
  /** Of http: another program on this computer. */
  readonly localPort: number;
  /** "https://app.test:<port>". */
  origin(name: string): string;
  readonly localOrigin: string;
  /** SHA-256 of the certificate's public key, base64: Chromium takes it for trusted. */
  readonly publicKeyHash: string;
  /** A further page, on every host. */
  addPage(path: string, page: Page): void;
  page(path: string): Page;
}

export interface Page {
  readonly html: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly status?: number;
}

const ROOT = join(import.meta.dirname, '..', '..');
/** The page of most tests. */
export const PLAIN: Page = { html: '<!doctype html><title>test</title><script type="module" src="/page.js"></script>' };

export async function openWebSite(): Promise<WebSite> {
  await using undo = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'kortd-site-'));
  undo.defer(() => rm(folder, { recursive: true }));
  const scripts = join(folder, 'scripts');
  await Promise.all([bundle(scripts), makeCertificate(folder)]);
  const pages = new Map<string, Page>([['/', PLAIN]]);
  const answer: RequestListener = (request, response) => {
    const path = request.url ?? '';
    const page = pages.get(path);
    if (page) {
      response.writeHead(page.status ?? 200, { 'content-type': 'text/html; charset=utf-8', ...page.headers }).end(page.html);
      return;
    }
    // Scripts of sandboxed frames come from an opaque origin.
    const headers = { 'content-type': 'text/javascript; charset=utf-8', 'access-control-allow-origin': '*' };
    readFile(join(scripts, path.replace(/[^a-zA-Z0-9.-]/g, ''))).then(
      (script) => response.writeHead(200, headers).end(script),
      () => response.writeHead(404).end(),
    );
  };
  const [key, cert] = await Promise.all([readFile(join(folder, 'key.pem')), readFile(join(folder, 'certificate.pem'))]);
  const secure = createHttpsServer({ key, cert }, answer);
  const local = createHttpServer(answer);
  for (const server of [secure, local]) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    undo.defer(() => close(server));
  }
  const port = (secure.address() as AddressInfo).port;
  const localPort = (local.address() as AddressInfo).port;
  const publicKey = new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' });
  const resources = undo.move();
  return {
    port,
    localPort,
    origin: (name) => `https://${name}.test:${port}`,
    localOrigin: `http://localhost:${localPort}`,
    publicKeyHash: createHash('sha256').update(publicKey).digest('base64'),
    addPage: (path, page) => void pages.set(path, page),
    page: (path) => pages.get(path) ?? PLAIN,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** client.js is the client as it ships; page.js brings its own. */
async function bundle(outDir: string): Promise<void> {
  const entry = { client: join(ROOT, 'api-spec/client/client.ts'), page: join(ROOT, 'test/browser/page.ts') };
  await build({
    config: false,
    entry,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    outDir,
    splitting: false,
    silent: true,
  });
}

async function makeCertificate(folder: string): Promise<void> {
  await tool('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=Test sites'],
    ...['-addext', 'subjectAltName=DNS:*.test,DNS:app.test'],
    ...['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'certificate.pem')],
  ]);
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
