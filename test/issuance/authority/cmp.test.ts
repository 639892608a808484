/** Certificates by CMP from a server of another make: OpenSSL's. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuthorityEntry } from '../../../daemon/access/issuance-policy.ts';
import { openAuthority } from '../../../daemon/issuance/authority/authority.ts';
import type { IssuedCertificate } from '../../../daemon/issuance/authority/issued.ts';
import type { PkiSigner } from '../../signing/pki.ts';
import { startCmpServer, type CmpServer } from './cmp-server.ts';
import { createAuthorityDesk, type AuthorityDesk } from './desk.ts';

const SERVER_EXTENSIONS = 'keyUsage=critical,digitalSignature\nextendedKeyUsage=cmcRA';
let desk: AuthorityDesk;
let server: PkiSigner;
let credentials: string;

beforeAll(async () => {
  desk = await createAuthorityDesk();
  server = await desk.pki.issue('cmp', { extensions: SERVER_EXTENSIONS, kind: 'RSA-2048' });
  credentials = await desk.secretFile('credentials', 'kortd-7:correct horse: battery\n');
});
afterAll(() => desk[Symbol.asyncDispose]());

type Extra = Partial<AuthorityEntry>;

function ask(url: string, extra: Extra): Promise<IssuedCertificate> {
  const entry: AuthorityEntry = { name: 'office', protocol: 'cmp', url, timeoutMs: 10_000, ...extra };
  return openAuthority(entry).requestCertificate(desk.request, { signal: AbortSignal.timeout(20_000) });
}

const byMac = (): Extra => ({ credentials });
const bySignature = (): Extra => ({
  clientCertificate: desk.workstation.certificateFile,
  clientKey: desk.workstation.keyFile,
  trustAnchors: [desk.pki.root.certificateFile],
});
const knowsSecret = ['-srv_ref', 'ca', '-srv_secret', 'pass:correct horse: battery'];
const signs = (by: PkiSigner = server): readonly string[] => [
  '-srv_cert',
  by.certificateFile,
  '-srv_key',
  by.keyFile,
  '-srv_untrusted',
  desk.pki.sub.certificateFile,
  '-srv_trusted',
  desk.pki.root.certificateFile,
  '-srv_untrusted',
  desk.pki.sub.certificateFile,
];
const issues = (signer: PkiSigner = desk.issued): readonly string[] => [
  '-rsp_cert',
  signer.certificateFile,
  '-rsp_extracerts',
  desk.pki.sub.certificateFile,
];
const start = (...parameters: readonly (readonly string[])[]): Promise<CmpServer> => startCmpServer(desk.pki, parameters.flat());

describe('a certificate comes by CMP', () => {
  test.each([
    ['a shared secret', (): Extra => byMac(), (): readonly string[] => knowsSecret],
    ['signatures', (): Extra => bySignature(), (): readonly string[] => signs()],
  ])('protected by %s, and is confirmed', async (_, how, protects) => {
    await using ca = await start(protects(), issues());
    const { certificate, chain } = await ask(ca.url, how());
    expect(certificate).toEqual(desk.issued.der);
    expect(chain).toEqual([desk.pki.sub.der]);
    await expect.poll(ca.log).toMatch(/received CERTCONF[\s\S]*sending PKICONF/);
  });

  test.each(['P-384', 'RSA-2048'] as const)('for a workstation whose own key is %s', async (kind) => {
    const own = await desk.pki.issue(`workstation-${kind}`, { kind, extensions: 'keyUsage=critical,digitalSignature' });
    await using ca = await start(signs(), issues());
    const files = { clientCertificate: own.certificateFile, clientKey: own.keyFile };
    expect((await ask(ca.url, { ...bySignature(), ...files })).certificate).toEqual(desk.issued.der);
  });

  test('from the authority that the policy names as the recipient', async () => {
    await using ca = await start(knowsSecret, issues());
    expect((await ask(ca.url, { ...byMac(), recipient: 'CN=Card CA,O=Example' })).certificate).toEqual(desk.issued.der);
    await expect(ask(ca.url, { ...byMac(), recipient: 'the card CA' })).rejects.toMatchObject({
      code: 'authority_misconfigured',
      details: { problem: 'recipient: the card CA is no distinguished name' },
    });
  });

  test('without a confirmation when both agree to that', async () => {
    await using ca = await start(knowsSecret, issues(), ['-grant_implicitconf']);
    expect((await ask(ca.url, { ...byMac(), implicitConfirm: true })).certificate).toEqual(desk.issued.der);
    expect((await ask(ca.url, byMac())).certificate).toEqual(desk.issued.der);
    await expect.poll(ca.log).toContain('sending PKICONF');
    expect(ca.log().match(/received \w+/g)).toEqual(['received P10CR', 'received P10CR', 'received CERTCONF']);
  });

  test('after polling as often as the authority wants', async () => {
    await using ca = await start(knowsSecret, issues(), ['-poll_count', '2', '-check_after', '1']);
    expect((await ask(ca.url, byMac())).certificate).toEqual(desk.issued.der);
    await expect.poll(ca.log).toContain('sending PKICONF');
    expect(ca.log().match(/received POLLREQ/g)).toHaveLength(2);
  });

  test('later, in the same transaction, when it takes longer than the deadline', async () => {
    await using ca = await start(knowsSecret, issues(), ['-poll_count', '2', '-check_after', '60']);
    const entry: AuthorityEntry = { name: 'office', protocol: 'cmp', url: ca.url, credentials, timeoutMs: 5_000 };
    const authority = openAuthority(entry);
    const signal = AbortSignal.timeout(20_000);
    await expect(authority.requestCertificate(desk.request, { signal })).rejects.toMatchObject({
      code: 'authority_waits',
      details: { waitMs: 60_000 },
    });
    expect((await authority.requestCertificate(desk.request, { signal })).certificate).toEqual(desk.issued.der);
    await expect.poll(ca.log).toContain('sending PKICONF');
    expect(ca.log().match(/received P10CR/g)).toHaveLength(1);
  });

  test('from a signer that the policy names, where its certificate does not say that it may', async () => {
    await using ca = await start(signs(desk.strange), issues());
    await expect(ask(ca.url, bySignature())).rejects.toMatchObject({
      code: 'authority_answer_invalid',
      details: { problem: expect.stringMatching('may not speak for an authority') as string },
    });
    const pinned = { ...bySignature(), serverCertificate: desk.strange.certificateFile };
    expect((await ask(ca.url, pinned)).certificate).toEqual(desk.issued.der);
  });
});

describe('no certificate comes by CMP', () => {
  test.each([
    [['-pkistatus', '2', '-failure', '19', '-statusstring', 'No such\nperson'], /rejection; "No such person"; badCertTemplate/],
    [['-send_error'], /rejection; "error processing message"; badRequest: the request is not permitted/],
    [['-pkistatus', '5'], /it was revoked/],
  ])('when the authority refuses (%j), and the person is told why', async (mood, problem) => {
    await using ca = await start(knowsSecret, issues(), mood);
    await expect(ask(ca.url, byMac())).rejects.toMatchObject({
      code: 'authority_refused',
      details: { problem: expect.stringMatching(problem) as string },
    });
  });

  test('with a wrong secret', async () => {
    await using ca = await start(knowsSecret, issues());
    const wrong = await desk.secretFile('wrong', 'kortd-7:battery staple');
    await expect(ask(ca.url, { credentials: wrong })).rejects.toMatchObject({
      code: 'authority_refused',
      details: { problem: expect.stringMatching(/not protected by the secret/) as string },
    });
  });

  test.each(['-send_unprotected', '-send_unprot_err'])('that is not protected (%s)', async (mood) => {
    const refusal = mood === '-send_unprot_err' ? ['-pkistatus', '2'] : [];
    await using ca = await start(knowsSecret, issues(), [mood, ...refusal]);
    await expect(ask(ca.url, byMac())).rejects.toMatchObject({
      details: { problem: expect.stringMatching(/not protected/) as string },
    });
  });

  test('that somebody signed whom the policy does not trust', async () => {
    const stranger = await desk.pki.issue('stranger', { issuer: 'other', extensions: SERVER_EXTENSIONS });
    await using ca = await start(signs(stranger), issues());
    await expect(ask(ca.url, bySignature())).rejects.toMatchObject({
      code: 'authority_answer_invalid',
      details: { problem: expect.stringMatching(/not trusted/) as string },
    });
  });

  test('of another key, and the authority is told that it is refused', async () => {
    await using ca = await start(knowsSecret, issues(desk.strange));
    await expect(ask(ca.url, byMac())).rejects.toMatchObject({
      code: 'authority_answer_invalid',
      details: { problem: expect.stringMatching(/another key/) as string },
    });
    await expect.poll(ca.log).toMatch(/received CERTCONF/);
  });
});
