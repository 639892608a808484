/** Certificates by EST, from a server whose parts are OpenSSL's. */
import { X509Certificate } from 'node:crypto';
import { chmod, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuthorityEntry } from '../../../daemon/access/issuance-policy.ts';
import { openAuthority } from '../../../daemon/issuance/authority/authority.ts';
import type { IssuedCertificate } from '../../../daemon/issuance/authority/issued.ts';
import type { PkiSigner } from '../../signing/pki.ts';
import { tool } from '../../support/program.ts';
import { createAuthorityDesk, type AuthorityDesk } from './desk.ts';
import { startEstServer, type EstServer, type EstServerOptions } from './est-server.ts';

const SERVER_EXTENSIONS = 'keyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\nsubjectAltName=IP:127.0.0.1';
const PASSWORD = 'desk-7:correct horse: battery';
let desk: AuthorityDesk;
let tls: PkiSigner;
let credentials: string;

beforeAll(async () => {
  desk = await createAuthorityDesk();
  tls = await desk.pki.issue('est', { extensions: SERVER_EXTENSIONS });
  credentials = await desk.secretFile('credentials', `${PASSWORD}\n`);
});
afterAll(() => desk[Symbol.asyncDispose]());

const start = (options: Partial<EstServerOptions> = {}): Promise<EstServer> =>
  startEstServer({ pki: desk.pki, tls, password: PASSWORD, ...options });

function ask(url: string, extra: Partial<AuthorityEntry> = {}): Promise<IssuedCertificate> {
  const trustAnchors = [desk.pki.root.certificateFile];
  const entry: AuthorityEntry = { name: 'office', protocol: 'est', url, timeoutMs: 10_000, trustAnchors, credentials, ...extra };
  return openAuthority(entry).requestCertificate(desk.request, { signal: AbortSignal.timeout(20_000) });
}

/** By the client certificate alone. */
function askWithoutPassword(url: string, clientKey = desk.workstation.keyFile): Promise<IssuedCertificate> {
  const trustAnchors = [desk.pki.root.certificateFile];
  const { certificateFile: clientCertificate } = desk.workstation;
  const entry: AuthorityEntry = { name: 'office', protocol: 'est', url, trustAnchors, clientCertificate, clientKey };
  return openAuthority(entry).requestCertificate(desk.request, { signal: AbortSignal.timeout(20_000) });
}

function expectIssued({ certificate, chain }: IssuedCertificate): void {
  const issued = new X509Certificate(certificate);
  expect(issued.verify(desk.pki.sub.certificate.publicKey)).toBe(true);
  expect(issued.publicKey.equals(desk.issued.certificate.publicKey)).toBe(true);
  expect(chain).toEqual([desk.pki.sub.der, desk.pki.root.der]);
}

describe('a certificate comes by EST', () => {
  test('with a password, and with the certificates of its issuers', async () => {
    await using ca = await start();
    expectIssued(await ask(ca.url));
    expect(ca.asked).toEqual(['/.well-known/est/cacerts', '/.well-known/est/simpleenroll']);
  });

  test('with a client certificate', async () => {
    await using ca = await startEstServer({ pki: desk.pki, tls });
    expectIssued(await askWithoutPassword(ca.url));
    await expect(ask(ca.url)).rejects.toMatchObject({ code: 'authority_refused' });
  });

  test('under the label of one of its authorities', async () => {
    await using ca = await start({ label: 'cards' });
    expectIssued(await ask(ca.url, { label: 'cards' }));
    await expect(ask(ca.url)).rejects.toMatchObject({ code: 'authority_refused', details: { problem: 'it answered 404' } });
  });

  test('over plain http, on this machine', async () => {
    await using ca = await startEstServer({ pki: desk.pki, password: PASSWORD });
    expectIssued(await ask(ca.url));
  });

  test('after as much waiting as the authority wants', async () => {
    await using ca = await start({ waits: { times: 2, retryAfter: '1' } });
    expectIssued(await ask(ca.url));
    expect(ca.asked).toHaveLength(4);
  });

  test('from a server at which a client of another make gets one, too', async () => {
    await using ca = await start();
    const { pki } = desk;
    const request = ['--est', '--url', ca.url, '--in', pki.path('holder.der'), '--outform', 'pem'];
    const trust = ['--cacert', pki.root.certificateFile, '--cacert', pki.sub.certificateFile, '--maxpolltime', '5'];
    const answer = await tool('pki', [...request, ...trust, '--userpass', PASSWORD]);
    expect(new X509Certificate(answer).publicKey.equals(desk.issued.certificate.publicKey)).toBe(true);
  });
});

describe('no certificate comes by EST', () => {
  test('when it takes longer than the deadline, and the person is told how long', async () => {
    await using ca = await start({ waits: { times: 1, retryAfter: '600' } });
    await expect(ask(ca.url)).rejects.toMatchObject({ code: 'authority_waits', details: { waitMs: 600_000 } });
    expectIssued(await ask(ca.url));
  });

  test('from a server that refuses, and the person is told why', async () => {
    await using ca = await start({
      refuses: (response) => response.writeHead(400, { 'content-type': 'text/plain' }).end('No such\u0007 person\n'),
    });
    await expect(ask(ca.url)).rejects.toMatchObject({
      code: 'authority_refused',
      details: { problem: 'it answered 400: No such person' },
    });
  });

  test('with a wrong password', async () => {
    await using ca = await start();
    const wrong = await desk.secretFile('wrong', 'desk-7:battery staple');
    await expect(ask(ca.url, { credentials: wrong })).rejects.toMatchObject({
      code: 'authority_refused',
      details: { problem: 'it does not let this workstation ask (401)' },
    });
    expect(ca.asked).toEqual(['/.well-known/est/cacerts']);
  });

  test('in a message that is signed, which certificates alone are not', async () => {
    const { pki, issued } = desk;
    const content = await pki.file('content.txt', 'hello');
    const signs = ['-signer', issued.certificateFile, '-inkey', issued.keyFile, '-nodetach', '-outform', 'DER'];
    await pki.openssl('cms', '-sign', '-in', content, ...signs, '-out', pki.path('signed.p7'));
    const body = Buffer.from(await pki.read('signed.p7')).toString('base64');
    await using ca = await start({
      refuses: (response) => response.writeHead(200, { 'content-type': 'application/pkcs7-mime' }).end(body),
    });
    await expect(ask(ca.url)).rejects.toMatchObject({
      code: 'authority_answer_invalid',
      details: { problem: 'it is more than certificates (certs-only CMS)' },
    });
  });

  test('of another key than was requested for', async () => {
    await using ca = await start({ issues: desk.strange });
    await expect(ask(ca.url)).rejects.toMatchObject({
      code: 'authority_answer_invalid',
      details: { problem: expect.stringMatching('another key') as string },
    });
  });

  test.each([
    ['of an authority that the policy does not name', 'other', '127.0.0.1'],
    ['of another machine', 'sub', '127.0.0.2'],
  ] as const)('from a server with a certificate %s, and it gets no password', async (_, issuer, address) => {
    const extensions = SERVER_EXTENSIONS.replace('127.0.0.1', address);
    const wrong = await desk.pki.issue(`wrong-${issuer}`, { issuer, extensions });
    await using ca = await start({ tls: wrong });
    await expect(ask(ca.url)).rejects.toMatchObject({
      code: 'authority_unreachable',
      details: { problem: expect.stringMatching('its certificate is not accepted') as string },
    });
    expect(ca.asked).toEqual([]);
  });
});

describe('what the policy names is not used', () => {
  test.each([
    ['a password', 'credentials'],
    ['a key', 'clientKey'],
  ] as const)('when %s can be read by others', async (_, which) => {
    const content = which === 'credentials' ? PASSWORD : await readFile(desk.workstation.keyFile, 'utf8');
    const file = await desk.secretFile(which, content);
    await chmod(file, 0o640);
    const nowhere = 'https://127.0.0.1:9';
    const asked = which === 'credentials' ? ask(nowhere, { credentials: file }) : askWithoutPassword(nowhere, file);
    await expect(asked).rejects.toMatchObject({
      code: 'authority_misconfigured',
      details: { problem: `${file}: others than its owner can read it` },
    });
  });

  test.each([
    ['a password without a name', 'credentials', 'secret\n', 'it is not one line of name, colon, and secret'],
    ['a key of another certificate', 'clientKey', undefined, 'it is not the key of'],
    ['no key', 'clientKey', 'none', 'it holds no private key'],
  ] as const)('when it is %s', async (_, which, content, problem) => {
    const file = await desk.secretFile('bad', content ?? (await readFile(desk.strange.keyFile, 'utf8')));
    const nowhere = 'https://127.0.0.1:9';
    const asked = which === 'credentials' ? ask(nowhere, { credentials: file }) : askWithoutPassword(nowhere, file);
    await expect(asked).rejects.toMatchObject({
      code: 'authority_misconfigured',
      details: { problem: expect.stringContaining(problem) as string },
    });
  });
});
