import { X509Certificate } from 'node:crypto';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CertificateRevocationList } from 'pkijs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadScenario } from '../scenario.ts';
import { parseBase64 } from '../bytes.ts';
import { describePersona } from '../cards/eid/personas.ts';
import { readAsn1 } from './asn1.ts';
import { normalSerial, openTestAuthority, type TestAuthority } from './authority.ts';
import { findProfile } from './profiles.ts';
import { CECILIA, makeRequest } from './testing.ts';

const NOW = new Date('2026-03-01T12:00:00.500Z');
const scenario = await loadScenario('office');
const LOA3 = findProfile('loa3');

let folder: string;
let now: Date;
let authority: TestAuthority;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kortd-authority-'));
  now = NOW;
  authority = await reopen();
});
afterEach(async () => {
  await authority[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const stateFile = (): string => join(folder, 'issued.jsonl');

function reopen(): Promise<TestAuthority> {
  return openTestAuthority({ scenario, address: () => 'http://127.0.0.1:1', now: () => now, stateFile: stateFile() });
}

async function issueOne(options: { readonly notAfter?: Date } = {}): Promise<X509Certificate> {
  const [der] = await authority.issue(await makeRequest(), { profile: LOA3, ...options });
  return new X509Certificate(der ?? new Uint8Array());
}

async function listOf(certificate: X509Certificate): Promise<CertificateRevocationList> {
  const issuer = authority.issuers.find((one) => certificate.checkIssued(one.certificate));
  return new CertificateRevocationList({ schema: readAsn1(await authority.crl(issuer ?? authority.findIssuer(''))) });
}

describe('the authority', () => {
  it.each([
    ['loa3', 'SE2321000016-BENCH3', 'BENCH e-id Person HSA-id 3 CA v1', 1826],
    ['loa2', 'SE2321000016-BENCH3', 'BENCH e-id Person HSA-id 2 CA v1', 1826],
    ['reserve', '198112189876', 'BENCH e-id Person ID 3 CA v1', 180],
    ['reserve-loa2', '198112189876', 'BENCH e-id Person ID 2 CA v1', 180],
  ])('issues %s under %s by %s for %s days', async (name, identifier, issuer, days) => {
    const request = await makeRequest({ subject: CECILIA.map(([type, text]) => [type, type === '2.5.4.5' ? identifier : text]) });
    const [leaf, next, root] = (await authority.issue(request, { profile: findProfile(name) })).map(
      (der) => new X509Certificate(der),
    );
    expect(leaf?.issuer).toContain(`CN=${issuer}`);
    expect(leaf && next?.publicKey && leaf.verify(next.publicKey)).toBe(true);
    expect(root?.subject).toContain('BENCH e-id Root CA v2');
    expect(leaf?.validFromDate).toEqual(new Date('2026-03-01T12:00:00Z'));
    expect(leaf?.validToDate).toEqual(new Date(Date.parse('2026-03-01T12:00:00Z') + days * 86_400_000));
  });

  it('issues to the moment that is asked for, and not beyond its own end', async () => {
    expect((await issueOne({ notAfter: new Date('2026-03-09T23:59:59Z') })).validToDate).toEqual(
      new Date('2026-03-09T23:59:59Z'),
    );
    expect((await issueOne({ notAfter: new Date('2070-01-01') })).validToDate).toEqual(new Date('2049-12-31T23:59:59Z'));
  });

  it('issues nothing that has expired already', async () => {
    await expect(issueOne({ notAfter: NOW })).rejects.toMatchObject({ code: 'input_invalid' });
    expect(authority.issued()).toEqual([]);
  });

  it('numbers its lists upwards, even when the clock stands', async () => {
    const certificate = await issueOne();
    const numbers = [];
    for (let count = 0; count < 3; count++) {
      const list = await listOf(certificate);
      numbers.push(
        list.crlExtensions?.extensions.find(({ extnID }) => extnID === '2.5.29.20')?.extnValue.valueBlock.valueHexView,
      );
    }
    const values = numbers.map((bytes) => Buffer.from(bytes ?? []).toString('hex'));
    expect(new Set(values).size).toBe(3);
    expect(values.toSorted()).toEqual(values);
  });
});

describe('revoking', () => {
  it('stays with the reason and time of the first call', async () => {
    const { serialNumber } = await issueOne();
    const first = await authority.revoke({ serialNumber }, 'keyCompromise');
    now = new Date('2026-03-02T12:00:00Z');
    expect(await authority.revoke({ serialNumber }, 'superseded')).toEqual(first);
    expect(await authority.revoke({ serialNumber }, 'removeFromCRL')).toEqual(first);
    expect(authority.issued()).toMatchObject([{ revocation: { reason: 'keyCompromise', revokedAt: NOW.toISOString() } }]);
  });

  it('after a hold is for good', async () => {
    const { serialNumber } = await issueOne();
    await authority.revoke({ serialNumber }, 'certificateHold');
    await authority.revoke({ serialNumber }, 'cessationOfOperation');
    expect(await authority.revoke({ serialNumber }, 'removeFromCRL')).toMatchObject({ reason: 'cessationOfOperation' });
  });

  it('takes what these authorities issued elsewhere, when the certificate is given', async () => {
    const anna = describePersona({ persona: 'anna' });
    const certificate = parseBase64(anna.keys?.legitimering?.certificate ?? '');
    await authority.revoke({ certificate }, 'cessationOfOperation');
    expect((await listOf(new X509Certificate(certificate))).revokedCertificates).toHaveLength(1);
  });

  it.each([
    ['an unknown serial number', { serialNumber: '1234' }, 'certificate_unknown'],
    ['no serial number', { serialNumber: 'x' }, 'input_invalid'],
    ['no certificate', { certificate: Uint8Array.of(1) }, 'input_invalid'],
  ])('refuses %s', async (_, which, code) => {
    await expect(authority.revoke(which, 'unspecified')).rejects.toMatchObject({ code });
  });

  it('lifts nothing that is not on hold', async () => {
    const { serialNumber } = await issueOne();
    await expect(authority.revoke({ serialNumber }, 'removeFromCRL')).rejects.toMatchObject({ code: 'input_invalid' });
  });

  it('takes serial numbers as tools write them', () => {
    expect(['0A:BC', '0abc', 'ABC', '000'].map(normalSerial)).toEqual(['abc', 'abc', 'abc', '0']);
  });
});

describe('the file of an authority', () => {
  it('lets a restart know what was issued and revoked', async () => {
    const { serialNumber } = await issueOne();
    const certificate = await issueOne();
    await authority.revoke({ serialNumber }, 'superseded');
    const before = authority.issued();
    await authority[Symbol.asyncDispose]();
    authority = await reopen();
    expect(authority.issued()).toEqual(before);
    expect((await listOf(certificate)).revokedCertificates).toHaveLength(1);
  });

  it('whose last line was broken off goes on without it', async () => {
    await issueOne();
    await authority[Symbol.asyncDispose]();
    const whole = await readFile(stateFile(), 'utf8');
    await appendFile(stateFile(), whole.slice(0, 100));
    authority = await reopen();
    await issueOne();
    await authority[Symbol.asyncDispose]();
    authority = await reopen();
    expect(authority.issued()).toHaveLength(2);
  });

  it('that holds something else is left as it is', async () => {
    await authority[Symbol.asyncDispose]();
    await writeFile(stateFile(), '{"type":"other"}\n');
    await expect(reopen()).rejects.toMatchObject({ name: 'SimulationFileError', file: stateFile() });
    expect(await readFile(stateFile(), 'utf8')).toBe('{"type":"other"}\n');
  });

  it('is written in turn when much is asked at once', async () => {
    await Promise.all(Array.from({ length: 20 }, () => issueOne()));
    await authority[Symbol.asyncDispose]();
    authority = await reopen();
    expect(authority.issued()).toHaveLength(20);
  });
});
