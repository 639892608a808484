/** Authorities that are of no use: each is told from the others, within the deadline, and nothing is taken from it. */
import { createServer as createHttp, type ServerResponse } from 'node:http';
import { createServer as createTcp, type AddressInfo, type Server } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuthorityEntry } from '../../../daemon/access/issuance-policy.ts';
import { openAuthority } from '../../../daemon/issuance/authority/authority.ts';
import { createAuthorityDesk, type AuthorityDesk } from './desk.ts';

const TIMEOUT_MS = 700;
/** What a machine under load may take beyond the deadline. */
const GRACE_MS = 3_000;
const TYPES = { cmp: 'application/pkixcmp', est: 'application/pkcs7-mime' };
const PROTOCOLS = ['cmp', 'est'] as const;
type Protocol = (typeof PROTOCOLS)[number];

let desk: AuthorityDesk;
let credentials: string;
beforeAll(async () => {
  desk = await createAuthorityDesk();
  credentials = await desk.secretFile('credentials', 'desk-7:secret');
});
afterAll(() => desk[Symbol.asyncDispose]());

function ask(url: string, protocol: Protocol, signal = AbortSignal.timeout(20_000)): Promise<unknown> {
  const entry: AuthorityEntry = { name: 'office', protocol, url, credentials, timeoutMs: TIMEOUT_MS };
  return openAuthority(entry).requestCertificate(desk.request, { signal });
}

async function listen(server: Server): Promise<AsyncDisposable & { readonly url: string }> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sockets = new Set<{ destroy: () => void }>();
  server.on('connection', (socket) => sockets.add(socket));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

type Mood = (response: ServerResponse, type: string) => void;

const base64 = (bytes: Uint8Array, type: string): Uint8Array | string =>
  type === TYPES.est ? Buffer.from(bytes).toString('base64') : bytes;

/** What it does, and what is said of that. */
const MOODS: readonly (readonly [string, Mood, string, RegExp])[] = [
  ['says nothing', () => undefined, 'authority_unreachable', /no certificate came within 700 ms/],
  [
    'never ends its answer',
    (response, type) => void response.writeHead(200, { 'content-type': type }).write('A'),
    'authority_unreachable',
    /no certificate came within 700 ms/,
  ],
  [
    'says more than anybody wants to hear',
    (response, type) => void response.writeHead(200, { 'content-type': type }).end(Buffer.alloc(1_000_000, 0x41)),
    'authority_answer_invalid',
    /longer than 262144 bytes/,
  ],
  [
    'sends people elsewhere',
    (response) => void response.writeHead(307, { location: 'http://127.0.0.2:9/' }).end(),
    'authority_answer_invalid',
    /it answered 307, to http:\/\/127\.0\.0\.2:9\/; redirects are not followed/,
  ],
  [
    'is a web page',
    (response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>It works</html>'),
    'authority_answer_invalid',
    /it is of type text\/html, not application/,
  ],
  [
    'answers in ASN.1 that is none',
    (response, type) =>
      void response.writeHead(200, { 'content-type': type }).end(base64(Buffer.from('30820fff02', 'hex'), type)),
    'authority_answer_invalid',
    /it is no C/,
  ],
  [
    'answers in ASN.1 without end (BER)',
    (response, type) =>
      void response.writeHead(200, { 'content-type': type }).end(base64(Buffer.from('3080'.repeat(20_000), 'hex'), type)),
    'authority_answer_invalid',
    /it is no C/,
  ],
  [
    'answers in ASN.1 of another kind',
    (response, type) => void response.writeHead(200, { 'content-type': type }).end(base64(desk.issued.der, type)),
    'authority_answer_invalid',
    /it is no C/,
  ],
  [
    'packs its answer',
    (response, type) => void response.writeHead(200, { 'content-type': type, 'content-encoding': 'gzip' }).end('x'),
    'authority_answer_invalid',
    /an encoding that nobody asked for: gzip/,
  ],
  ['has failed', (response) => void response.writeHead(500).end('trace'), 'authority_unreachable', /it failed with 500/],
  ['lets nobody in', (response) => void response.writeHead(403).end(), 'authority_refused', /403/],
];

describe.each(PROTOCOLS)('by %s, a server that', (protocol) => {
  test.each(MOODS)('%s is an error with words', async (_, mood, code, problem) => {
    await using server = await listen(createHttp((__, response) => mood(response, TYPES[protocol])));
    const began = performance.now();
    await expect(ask(server.url, protocol)).rejects.toMatchObject({
      code,
      details: { problem: expect.stringMatching(problem) as string },
    });
    expect(performance.now() - began).toBeLessThan(TIMEOUT_MS + GRACE_MS);
  });

  test('drips its answer is given up at the deadline', async () => {
    await using server = await listen(
      createHttp((_, response) => {
        response.writeHead(200, { 'content-type': TYPES[protocol] });
        const drip = setInterval(() => response.write('A'), 20);
        response.once('close', () => clearInterval(drip));
      }),
    );
    await expect(ask(server.url, protocol)).rejects.toMatchObject({ code: 'authority_unreachable' });
  });

  test.each([
    ['hangs up', '', 'authority_unreachable', /it cannot be reached \(ECONNRESET\)/],
    ['speaks another language', '220 mail ready\r\n\r\n', 'authority_answer_invalid', /it does not speak HTTP/],
  ])('%s is an error with words', async (_, greeting, code, problem) => {
    await using server = await listen(createTcp((socket) => void socket.on('error', () => undefined).end(greeting)));
    await expect(ask(server.url, protocol)).rejects.toMatchObject({
      code,
      details: { problem: expect.stringMatching(problem) as string },
    });
  });

  test('is not there is an error with words', async () => {
    const { url, ...server } = await listen(createTcp());
    await server[Symbol.asyncDispose]();
    await expect(ask(url, protocol)).rejects.toMatchObject({
      code: 'authority_unreachable',
      details: { problem: 'it cannot be reached (ECONNREFUSED)' },
    });
  });

  test('somebody stopped waiting for is left at once, with their reason', async () => {
    await using server = await listen(createHttp(() => undefined));
    const reason = new Error('the person went home');
    const controller = new AbortController();
    const asked = ask(server.url, protocol, controller.signal);
    controller.abort(reason);
    await expect(asked).rejects.toBe(reason);
  });
});
