/** What the authority can vouch for and what not, judged by OpenSSL. */
import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuthority, issueIdentity, type NameToCertify } from '../../daemon/tls/authority.ts';
import { tool } from '../support/program.ts';

const DAY_MS = 86_400_000;

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kortd-tls-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

let count = 0;
async function file(text: string): Promise<string> {
  const path = join(folder, `${++count}.pem`);
  await writeFile(path, text);
  return path;
}

async function verify(pem: { readonly ca: string; readonly certificate: string }, how: readonly string[]): Promise<string> {
  const [ca, certificate] = [await file(pem.ca), await file(pem.certificate)];
  return await tool('openssl', ['verify', '-x509_strict', '-purpose', 'sslserver', ...how, '-CAfile', ca, certificate]);
}

describe('the certificate', () => {
  it.each([[['-verify_hostname', 'localhost']], [['-verify_ip', '127.0.0.1']], [['-verify_ip', '::1']]])(
    'is accepted by openssl verify -x509_strict %j',
    async (how) => {
      expect(await verify(await issueIdentity(new Date()), how)).toMatch(/: OK\n$/);
    },
  );

  it.each([
    [['-verify_hostname', 'localhost.example'], /hostname mismatch/i],
    [['-verify_ip', '127.0.0.2'], /IP address mismatch/i],
  ] as const)('is for nothing else: %j', async (how, reason) => {
    await expect(verify(await issueIdentity(new Date()), how)).rejects.toThrow(reason);
  });

  it('has the extensions that it needs, and lasts no longer than browsers take', async () => {
    const { certificate } = await issueIdentity(new Date());
    const parsed = new X509Certificate(certificate);
    expect((parsed.validToDate.getTime() - parsed.validFromDate.getTime() + 1000) / DAY_MS).toBe(397);
    const text = await tool('openssl', ['x509', '-in', await file(certificate), '-noout', '-text']);
    expect(text).toMatch(/Public-Key: \(256 bit\)[\s\S]*NIST CURVE: P-256/);
    expect(text).toMatch(/Basic Constraints: critical\s+CA:FALSE\n/);
    expect(text).toMatch(/Key Usage: critical\s+Digital Signature\n/);
    expect(text).toMatch(/Extended Key Usage: \s+TLS Web Server Authentication\n/);
    expect(text).toMatch(/Alternative Name: \s+DNS:localhost, IP Address:127\.0\.0\.1, IP Address:0:0:0:0:0:0:0:1\n/);
  });
});

describe('the authority', () => {
  it('is held to loopback names, and lasts a little longer than its certificate', async () => {
    const { ca, certificate } = await issueIdentity(new Date());
    const text = await tool('openssl', ['x509', '-in', await file(ca), '-noout', '-text']);
    expect(text).toMatch(/Basic Constraints: critical\s+CA:TRUE, pathlen:0\n/);
    expect(text).toMatch(/Key Usage: critical\s+Certificate Sign, CRL Sign\n/);
    expect(text).toMatch(
      /Name Constraints: critical\s+Permitted:\s+DNS:localhost\s+IP:127\.0\.0\.1\/255\.255\.255\.255\s+IP:0:0:0:0:0:0:0:1\/FFFF(:FFFF){7}\n(?!\s+Excluded)/,
    );
    const [longer, shorter] = [new X509Certificate(ca).validToDate, new X509Certificate(certificate).validToDate];
    expect((longer.getTime() - shorter.getTime()) / DAY_MS).toBe(7);
  });

  it('has random serial numbers that are positive and of one length', async () => {
    const identities = await Promise.all(Array.from({ length: 16 }, () => issueIdentity(new Date())));
    const serials = identities
      .flatMap(({ ca, certificate }) => [ca, certificate])
      .map((pem) => new X509Certificate(pem).serialNumber);
    expect(new Set(serials).size).toBe(32);
    for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/); // RFC 5280, section 4.1.2.2
  });

  const refused: readonly (readonly [string, readonly NameToCertify[]])[] = [
    ['another name', [{ dNSName: 'evil.example' }]],
    ['a name that ends alike', [{ dNSName: 'notlocalhost' }]],
    ['a name with localhost in front', [{ dNSName: 'localhost.evil.example' }]],
    ['another address', [{ iPAddress: '10.0.0.1' }]],
    ['another loopback address', [{ iPAddress: '127.0.0.2' }]],
    ['another IPv6 address', [{ iPAddress: '::2' }]],
    ['localhost and another name', [{ dNSName: 'localhost' }, { dNSName: 'evil.example' }]],
    ['localhost and another address', [{ dNSName: 'localhost' }, { iPAddress: '10.0.0.1' }]],
  ];
  it.each(refused)('cannot vouch for %s', async (_, names) => {
    const authority = await createAuthority(new Date());
    const { certificate } = await authority.issue(names);
    await expect(verify({ ca: authority.certificate, certificate }, [])).rejects.toThrow(
      /error 47 .*permitted subtree violation/,
    );
    const good = await authority.issue([{ dNSName: 'localhost' }]);
    expect(await verify({ ca: authority.certificate, certificate: good.certificate }, [])).toMatch(/: OK\n$/);
  });

  it('cannot vouch for the certificate of another installation', async () => {
    const [one, other] = [await issueIdentity(new Date()), await issueIdentity(new Date())];
    await expect(verify({ ca: one.ca, certificate: other.certificate }, [])).rejects.toThrow(/unable to get local issuer/);
  });

  it('gives away no key: nothing of it can be exported', async () => {
    const authority = await createAuthority(new Date());
    expect(Object.keys(authority).sort()).toEqual(['certificate', 'issue', 'name']);
    expect(Object.keys(await issueIdentity(new Date())).sort()).toEqual(['ca', 'certificate', 'key']);
  });
});
