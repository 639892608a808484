/** Chromium and the authority of an installation: trusted by this user's NSS database, it opens https and wss on loopback; else nothing opens. */
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromium, type BrowserContext, type Page } from 'playwright-core';
import { WebSocketServer } from 'ws';
import { createAuthority } from '../../daemon/tls/authority.ts';
import { createTlsServer } from '../../daemon/tls/https-server.ts';
import {
  nssDatabaseFolder,
  trustInNss,
  untrustInNss,
  type AuthorityToTrust,
  type UserFolders,
} from '../../daemon/tls/nss-database.ts';
import { enableTls, type TlsFiles } from '../../daemon/tls/tls-folder.ts';
import { tool } from '../support/program.ts';

const EXECUTABLE = '/usr/bin/chromium';
const DEADLINE_MS = 60_000;

let folder = '';
let files: TlsFiles;
let port = 0;
const resources = new AsyncDisposableStack();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kortd-tls-'));
  resources.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  ({ files } = await enableTls(join(folder, 'data'), { now: new Date() }));
  const sockets = new WebSocketServer({ noServer: true });
  resources.defer(() => {
    for (const client of sockets.clients) client.terminate();
  });
  const server = createTlsServer(files, {});
  server.on('request', (_, response) => response.setHeader('Content-Type', 'text/html').end('<title>kortd</title>'));
  server.on('upgrade', (request, socket, head) =>
    sockets.handleUpgrade(request, socket, head, (webSocket) => webSocket.send('hello')),
  );
  port = await listen(server);
});
afterAll(() => resources.disposeAsync());

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  resources.defer(async () => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  });
  return (server.address() as AddressInfo).port;
}

/** A browser whose user has this home; names under `.example` are this computer. */
async function withChromium<T>({ home, data }: UserFolders, work: (context: BrowserContext) => Promise<T>): Promise<T> {
  const { XDG_DATA_HOME: _, ...inherited } = process.env;
  const dataHome = data === defaultData(home) ? {} : { XDG_DATA_HOME: data };
  const context = await chromium.launchPersistentContext(join(home, 'profile'), {
    executablePath: EXECUTABLE,
    headless: true,
    timeout: DEADLINE_MS,
    env: { ...inherited, ...dataHome, HOME: home, XDG_CONFIG_HOME: join(home, 'config'), XDG_CACHE_HOME: join(home, 'cache') },
    args: [
      ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
      ...['--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP *.example 127.0.0.1'],
    ],
  });
  context.setDefaultTimeout(DEADLINE_MS);
  try {
    return await work(context);
  } finally {
    await context.close();
  }
}

async function newUser(): Promise<UserFolders> {
  const home = await mkdtemp(join(folder, 'home-'));
  return { home, data: defaultData(home) };
}

function defaultData(home: string): string {
  return join(home, '.local', 'share');
}

/** "kortd", the title, or why not. */
async function open(context: BrowserContext, url: string): Promise<string> {
  const page = await context.newPage();
  try {
    await page.goto(url);
    return await page.title();
  } catch (error) {
    return /net::\w+/.exec(String(error))?.[0] ?? String(error);
  } finally {
    await page.close();
  }
}

/** The first message, or "refused". The page is blank: no local network permission is asked of it. */
async function openWebSocket(page: Page, url: string): Promise<string> {
  const expression = `new Promise((resolve) => {
    const socket = new WebSocket(${JSON.stringify(url)});
    socket.onmessage = ({ data }) => resolve(data);
    socket.onclose = () => resolve('refused');
  })`;
  return await page.evaluate<string>(expression);
}

describe('Chromium', () => {
  it('that was not told of the authority refuses', async () => {
    await withChromium(await newUser(), async (context) => {
      expect(await open(context, `https://localhost:${port}/`)).toBe('net::ERR_CERT_AUTHORITY_INVALID');
      expect(await openWebSocket(await context.newPage(), `wss://localhost:${port}/`)).toBe('refused');
    });
  });

  const earlierFolder = async (): Promise<UserFolders> => {
    const user = await newUser();
    await mkdir(join(user.home, '.pki', 'nssdb'), { recursive: true });
    return user;
  };
  const otherDataHome = async (): Promise<UserFolders> => {
    const { home } = await newUser();
    return { home, data: join(home, 'elsewhere') };
  };

  it.each([
    ['the folder that kortd makes', newUser, '.local/share/pki/nssdb'],
    ['the earlier folder, where it exists', earlierFolder, '.pki/nssdb'],
    ['XDG_DATA_HOME', otherDataHome, 'elsewhere/pki/nssdb'],
  ])('opens https and wss with the authority in %s, and no longer when it was taken out', async (_, makeUser, expected) => {
    const user = await makeUser();
    expect(nssDatabaseFolder(user)).toBe(join(user.home, expected));
    await trustInNss(nssDatabaseFolder(user), files.authority);
    await withChromium(user, async (context) => {
      for (const host of ['localhost', '127.0.0.1']) expect(await open(context, `https://${host}:${port}/`), host).toBe('kortd');
      const page = await context.newPage();
      await page.goto(`https://localhost:${port}/`);
      for (const host of ['localhost', '127.0.0.1'])
        expect(await openWebSocket(page, `wss://${host}:${port}/`), host).toBe('hello');
    });
    expect(await untrustInNss(files.authority, user)).toHaveLength(1);
    await withChromium(user, async (context) => {
      expect(await open(context, `https://localhost:${port}/`)).toBe('net::ERR_CERT_AUTHORITY_INVALID');
    });
  });

  it('holds a trusted authority to its names', async () => {
    const authority = await createAuthority(new Date());
    const path = join(folder, 'constrained.pem');
    await writeFile(path, authority.certificate);
    const answer = await tool('openssl', ['x509', '-in', path, '-noout', '-fingerprint', '-sha256']);
    const toTrust: AuthorityToTrust = {
      name: authority.name,
      path,
      fingerprint: answer.split('=')[1]?.trim().replaceAll(':', '') ?? '',
    };
    const serve = async (name: string): Promise<number> => {
      const { certificate, key } = await authority.issue([{ dNSName: name }]);
      return await listen(createServer({ cert: certificate, key }, (_, response) => response.end('<title>open</title>')));
    };
    const [good, evil] = [await serve('localhost'), await serve('evil.example')];
    const user = await newUser();
    await trustInNss(nssDatabaseFolder(user), toTrust);
    await withChromium(user, async (context) => {
      expect(await open(context, `https://localhost:${good}/`)).toBe('open');
      expect(await open(context, `https://evil.example:${evil}/`)).toBe('net::ERR_CERT_INVALID');
    });
  });
});
