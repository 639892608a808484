/** The signature creation service as a web app meets it: its ports, its JSON, and who is let in. The app is `fetch` with the page's origin. */
import { execFile } from 'node:child_process';
import { createHash, verify } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { enableTls } from '../../daemon/tls/tls-folder.ts';
import { keyUsage, signCertificate } from '../../drivers/simulated/certificate.ts';
import {
  INS,
  PIN,
  cardKey,
  http,
  openBench,
  resultOf,
  testKey,
  watchedPivCard,
  writePolicy,
  type Bench,
  type TestKeyKind,
  type WatchedPivCard,
} from '../api/support.ts';
import { TestStation } from '../prompts/station.ts';

const run = promisify(execFile);
const PAGE = 'https://portal.example';
const OTHER = 'https://other.example';
const READER = 'https://reader.example';
const POLICY = {
  scs: { httpPort: 0 },
  origins: [
    { origin: PAGE, scopes: ['sign'] },
    { origin: READER, scopes: ['card.read'] },
  ],
};
const ISSUER = 'CN=Test CA, O=Region, C=FI';
const CONTENT = Buffer.from('a receipt');

const made = new Map<string, string>();

/** The same one each time. */
function certificate(kind: TestKeyKind, usage: 'digitalSignature' | 'nonRepudiation'): string {
  const known = made.get(`${kind} ${usage}`) ?? makeCertificate(kind, usage);
  made.set(`${kind} ${usage}`, known);
  return known;
}

function makeCertificate(kind: TestKeyKind, usage: 'digitalSignature' | 'nonRepudiation'): string {
  const der = signCertificate(
    {
      serialNumber: 4712n,
      subject: [['CN', 'Anna']],
      issuer: [
        ['C', 'FI'],
        ['O', 'Region'],
        ['CN', 'Test CA'],
      ],
      notBefore: new Date('2024-01-01T00:00:00Z'),
      notAfter: new Date('2044-01-01T00:00:00Z'),
      publicKey: new Uint8Array(testKey(kind).publicKey.export({ type: 'spki', format: 'der' })),
      extensions: [keyUsage(usage)],
    },
    testKey('P-256', 'authority').privateKey,
  );
  return Buffer.from(der).toString('base64');
}

function holderCard(kind: TestKeyKind = 'RSA-2048'): WatchedPivCard {
  return watchedPivCard({
    keys: {
      '9A': cardKey('P-256', { certificate: certificate('P-256', 'digitalSignature') }),
      '9C': cardKey(kind, { certificate: certificate(kind, 'nonRepudiation') }),
    },
  });
}

interface Answer {
  readonly status: string;
  readonly reasonCode: number;
  readonly reasonText: string;
  readonly signature: string;
  readonly signatureAlgorithm: string;
  readonly chain: readonly string[];
}

const REQUEST = {
  version: '1.1',
  selector: { keyusages: ['nonrepudiation'] },
  content: CONTENT.toString('base64'),
  contentType: 'data',
  hashAlgorithm: 'SHA256',
  signatureType: 'signature',
};

function portOf(bench: Bench): number {
  const { http: port } = bench.daemon.scsPorts();
  if (port === undefined) throw new Error('the service is off');
  return port;
}

async function post(bench: Bench, body: object | string, origin = PAGE): Promise<Answer> {
  const answer = await fetch(`http://127.0.0.1:${portOf(bench)}/sign`, {
    method: 'POST',
    headers: { origin, 'content-type': 'application/json; charset=UTF-8' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return (await answer.json()) as Answer;
}

/** The person types the PIN as soon as they are asked. */
async function signed(bench: Bench, station: TestStation, body: object): Promise<Answer> {
  const answer = post(bench, body);
  const { id, prompt } = await station.prompt();
  expect(prompt).toMatchObject({ kind: 'pin', asker: { kind: 'origin', name: PAGE } });
  station.type(id, { pin: PIN });
  return await answer;
}

describe('a granted page', () => {
  it('learns what the service does', async () => {
    await using bench = await openBench({ policy: POLICY });
    const answer = await fetch(`http://localhost:${portOf(bench)}/version`, { headers: { origin: PAGE } });
    expect(answer.headers.get('access-control-allow-origin')).toBe(PAGE);
    expect(await answer.json()).toEqual({
      version: '1.1',
      httpMethods: 'GET, POST',
      contentTypes: 'data, digest',
      signatureTypes: 'signature, cms',
      selectorAvailable: true,
      hashAlgorithms: 'SHA256, SHA384, SHA512',
    });
  });

  it.each([
    ['RSA-2048', 'SHA256', 'data'],
    ['RSA-2048', 'SHA512', 'digest'],
    ['P-256', 'SHA256', 'data'],
    ['P-384', 'SHA384', 'digest'],
  ] as const)('has a %s key sign %s of %s; the person enters a PIN, and the chain verifies the signature', async (...row) => {
    const [kind, hashAlgorithm, contentType] = row;
    await using stack = new AsyncDisposableStack();
    const bench = stack.use(await openBench({ policy: POLICY }));
    await bench.insert(holderCard(kind));
    const station = stack.use(await TestStation.open(bench));
    const hash = hashAlgorithm.toLowerCase();
    const content = contentType === 'data' ? CONTENT : createHash(hash).update(CONTENT).digest();
    const answer = await signed(bench, station, { ...REQUEST, content: content.toString('base64'), contentType, hashAlgorithm });
    expect(answer).toMatchObject({
      status: 'ok',
      reasonCode: 200,
      signatureType: 'signature',
      signatureAlgorithm: `${hashAlgorithm}with${kind.startsWith('RSA') ? 'RSA' : 'ECDSA'}`,
      chain: [certificate(kind, 'nonRepudiation')],
    });
    // ECDSA in DER is what node:crypto takes unless it is told otherwise.
    expect(verify(hash, CONTENT, testKey(kind).publicKey, Buffer.from(answer.signature, 'base64'))).toBe(true);
    const native = await bench.socket();
    const { records } = resultOf(await native.call('audit.list', {}));
    expect(records).toMatchObject([{ method: 'sign.digest', origin: PAGE, outcome: 'ok' }]);
  });

  it('gets a detached CMS that OpenSSL verifies with the content', async () => {
    await using stack = new AsyncDisposableStack();
    const bench = stack.use(await openBench({ policy: POLICY }));
    await bench.insert(holderCard());
    const station = stack.use(await TestStation.open(bench));
    const answer = await signed(bench, station, { ...REQUEST, signatureType: 'cms' });
    expect(answer).toMatchObject({ status: 'ok', signatureType: 'cms', signatureAlgorithm: 'SHA256withRSA' });
    const [cms, content] = ['signature.der', 'content'].map((name) => join(bench.dataFolder, name));
    writeFileSync(cms ?? '', Buffer.from(answer.signature, 'base64'));
    const verifying = (text: string): Promise<unknown> => {
      writeFileSync(content ?? '', text);
      const options = ['-verify', '-noverify', '-binary', '-inform', 'DER', '-in', cms ?? '', '-content', content ?? ''];
      return run('openssl', ['cms', ...options]);
    };
    await verifying(CONTENT.toString());
    await expect(verifying('another receipt')).rejects.toThrow();
  });

  it.each([
    ['that no certificate fits', { selector: { issuers: ['CN=Nobody'] } }, 404],
    ['of an authority key that none has', { selector: { akis: ['AAAA'] } }, 404],
    ['of another kind of key', { selector: { keyusages: ['nonrepudiation'], keyalgorithms: ['ec'] } }, 404],
    ['that only a key for authentication fits', { selector: { keyusages: ['digitalsignature'] } }, 403],
    ['of a type that is not offered', { signatureType: 'cms-pades' }, 400],
    ['of SHA-1', { hashAlgorithm: 'SHA1' }, 400],
    ['of a digest too short', { contentType: 'digest' }, 400],
    ['of content that is not base64', { content: 'a receipt!' }, 400],
  ])('is told why a request fails %s, and nobody is asked', async (_what, change, reasonCode) => {
    await using stack = new AsyncDisposableStack();
    const bench = stack.use(await openBench({ policy: POLICY }));
    const card = holderCard();
    await bench.insert(card);
    const station = stack.use(await TestStation.open(bench));
    card.forget();
    const answer = await post(bench, { ...REQUEST, ...change });
    expect(answer).toMatchObject({ status: 'failed', reasonCode });
    expect(answer.reasonText).not.toBe('');
    expect(answer.signature).toBeUndefined();
    expect(card.exchanges).toBe(0);
    expect(station.messages).toEqual([]);
  });

  it('has the issuer written in either direction', async () => {
    await using stack = new AsyncDisposableStack();
    const bench = stack.use(await openBench({ policy: POLICY }));
    await bench.insert(holderCard());
    const station = stack.use(await TestStation.open(bench));
    for (const issuer of [ISSUER, 'c=fi,o=Region,cn=test ca']) {
      const selector = { issuers: ['CN=Nobody', issuer], keyusages: ['nonRepudiation'], keyalgorithms: ['RSA'] };
      expect(await signed(bench, station, { ...REQUEST, selector })).toMatchObject({ status: 'ok' });
    }
  });

  it('is told when there are no cards, several, none to type at, and that the person cancelled', async () => {
    await using stack = new AsyncDisposableStack();
    const bench = stack.use(await openBench({ policy: POLICY, readers: [{}, {}] }));
    expect(await post(bench, REQUEST)).toMatchObject({ status: 'failed', reasonCode: 404 });
    await bench.insert(holderCard(), 0);
    expect(await post(bench, REQUEST)).toMatchObject({ status: 'failed', reasonCode: 403 });
    const station = stack.use(await TestStation.open(bench));
    const cancelled = post(bench, REQUEST);
    station.answer((await station.prompt()).id, 'cancelled');
    expect(await cancelled).toMatchObject({ status: 'failed' });
    await bench.insert(holderCard(), 1);
    expect(await post(bench, REQUEST)).toMatchObject({ status: 'failed', reasonCode: 409 });
  });

  it('that goes away takes its prompt with it', async () => {
    await using stack = new AsyncDisposableStack();
    const bench = stack.use(await openBench({ policy: POLICY }));
    const card = holderCard();
    await bench.insert(card);
    const station = stack.use(await TestStation.open(bench));
    const abort = new AbortController();
    const gone = fetch(`http://127.0.0.1:${portOf(bench)}/sign`, {
      method: 'POST',
      headers: { origin: PAGE, 'content-type': 'application/json' },
      body: JSON.stringify(REQUEST),
      signal: abort.signal,
    });
    const { id } = await station.prompt();
    abort.abort();
    await expect(gone).rejects.toThrow();
    await station.withdrawn(id);
    expect(card.count(INS.verify, 'with data')).toBe(0);
  });

  it('may send a message of 262,144 bytes, and no more', async () => {
    await using bench = await openBench({ policy: POLICY });
    expect(await post(bench, { ...REQUEST, content: 'A'.repeat(262_144) })).toMatchObject({ status: 'failed', reasonCode: 413 });
    expect(await post(bench, 'no JSON')).toMatchObject({ status: 'failed', reasonCode: 400 });
  });
});

describe('nobody else', () => {
  const preflight = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' };

  it.each([
    ['a page without a grant', { origin: OTHER }, 403],
    ['a page that may not have anything signed', { origin: READER }, 403],
    ['no page at all', {}, 403],
    ['a page in a sandbox', { origin: 'null' }, 403],
    ['a name that was rebound', { origin: PAGE, host: 'portal.example' }, 421],
  ])('is answered: %s', async (_what, headers, status) => {
    await using bench = await openBench({ policy: POLICY });
    await bench.insert(holderCard());
    const port = portOf(bench);
    const common = { host: `127.0.0.1:${port}`, ...headers };
    const answers = [
      await http({ port, method: 'GET', path: '/version', headers: common }),
      await http({ port, method: 'OPTIONS', path: '/sign', headers: { ...common, ...preflight } }),
      await http({
        port,
        method: 'POST',
        path: '/sign',
        headers: { ...common, 'content-type': 'application/json' },
        body: JSON.stringify(REQUEST),
      }),
    ];
    for (const answer of answers) {
      expect(answer.status).toBe(status);
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
      expect(JSON.parse(answer.text)).toMatchObject({ status: 'failed' });
    }
  });

  it('is told of the door: preflights are answered for the granted origin alone, and never for a private network', async () => {
    await using bench = await openBench({ policy: POLICY });
    const port = portOf(bench);
    const headers = { host: `localhost:${port}`, origin: PAGE, ...preflight, 'access-control-request-private-network': 'true' };
    const answer = await http({ port, method: 'OPTIONS', path: '/sign', headers });
    expect(answer.status).toBe(204);
    expect(answer.headers['access-control-allow-origin']).toBe(PAGE);
    expect(answer.headers['access-control-allow-private-network']).toBeUndefined();
    expect((await http({ port, method: 'GET', path: '/', headers: { host: `localhost:${port}`, origin: PAGE } })).status).toBe(
      404,
    );
    expect(
      (await http({ port, method: 'GET', path: '/sign', headers: { host: `localhost:${port}`, origin: PAGE } })).status,
    ).toBe(404);
  });
});

describe('the service', () => {
  it('is off unless a policy says so, and opens, moves and closes when it is read again', async () => {
    await using bench = await openBench({ policy: { origins: POLICY.origins } });
    expect(bench.daemon.scsPorts()).toEqual({ http: undefined, https: undefined });
    writePolicy(`${bench.dataFolder}/policy.d`, POLICY);
    await bench.daemon.reload();
    const port = portOf(bench);
    await bench.daemon.reload();
    expect(portOf(bench)).toBe(port);
    writePolicy(`${bench.dataFolder}/policy.d`, {});
    await bench.daemon.reload();
    await expect(fetch(`http://127.0.0.1:${port}/version`, { headers: { origin: PAGE } })).rejects.toThrow();
  });

  it('says that its port is taken, and the rest of kortd goes on', async () => {
    await using other = await openBench({ policy: POLICY });
    await using bench = await openBench({ policy: { ...POLICY, scs: { httpPort: portOf(other) } } });
    const { problems } = await bench.daemon.reload();
    expect(problems).toMatchObject([{ file: 'scs', problem: expect.stringContaining('EADDRINUSE') as string }]);
    resultOf(await (await bench.socket()).call('system.info'));
  });

  it('is there over https with the certificate of the installation', async () => {
    await using bench = await openBench({ policy: { ...POLICY, scs: { httpsPort: 0 } } });
    expect(bench.daemon.scsPorts()).toEqual({ http: undefined, https: undefined });
    const { files } = await enableTls(bench.dataFolder, { now: new Date() });
    await bench.daemon.reload();
    const { https } = bench.daemon.scsPorts();
    const address = `https://localhost:${https ?? 0}/version`;
    const { stdout } = await run('curl', [
      '-sS',
      '--noproxy',
      '*',
      '--max-time',
      '10',
      '--cacert',
      files.authority.path,
      '-H',
      `Origin: ${PAGE}`,
      address,
    ]);
    expect(JSON.parse(stdout)).toMatchObject({ version: '1.1' });
  });
});
