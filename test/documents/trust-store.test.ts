/** The administrator's country signing certificates: folders that are read, and read again, and what is left out of them. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TrustStore } from '../../daemon/documents/trust-store.ts';
import {
  documentSigner,
  linkCertificate,
  makeMasterList,
  makeRevocationList,
  trustedCountryCertificates,
} from '../../drivers/simulated/cards/emrtd.ts';
import { openBench, resultOf } from '../api/support.ts';
import { layDown, readWhole, troubles } from './desk.ts';

const DAY_MS = 86_400_000;
let base = '';
let folder = '';

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'kortd-countries-'));
  folder = join(base, 'countries');
  mkdirSync(folder);
});

afterEach(() => rmSync(base, { recursive: true, force: true }));

function put(name: string, content: Uint8Array | string, where = folder): string {
  const file = join(where, name);
  writeFileSync(file, content, { mode: 0o600 });
  return file;
}

function toPem(der: Uint8Array, label: string): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `Some text before.\n-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

function list(name: 'first' | 'second' | 'unknown', days = 30): Uint8Array {
  const now = Date.now();
  return makeRevocationList(name, { thisUpdate: new Date(now - 60 * DAY_MS), nextUpdate: new Date(now + days * DAY_MS) });
}

function storeOf(masterListSigners: readonly string[] = []): TrustStore {
  const drop = (): void => undefined;
  return new TrustStore({
    sections: () => [{ countrySigners: [folder], masterListSigners: [...masterListSigners] }],
    simulated: undefined,
    log: { debug: drop, info: drop, warn: drop, error: drop },
    lookMs: 0,
  });
}

describe('a folder', () => {
  it('gives certificates and revocation lists, in DER and PEM, whatever its files are called', async () => {
    const [first = new Uint8Array(), second = new Uint8Array()] = trustedCountryCertificates();
    put('one', first);
    put('two.txt', `${toPem(second, 'CERTIFICATE')}${toPem(list('second'), 'X509 CRL')}`);
    const store = storeOf();
    const signers = await store.signers();
    expect(signers.anchorsOf('UT')).toHaveLength(2);
    expect(signers.anchorsOf('SE')).toEqual([]);
    expect(await store.problems()).toEqual([]);
  });

  it('is read again when something in it changes, and is trusted less for what is gone', async () => {
    const store = storeOf();
    expect((await store.signers()).isEmpty).toBe(true);
    const [first = new Uint8Array()] = trustedCountryCertificates();
    const file = put('first.cer', first);
    const before = await store.signers();
    expect(before.isEmpty).toBe(false);
    expect(await store.signers()).toBe(before);
    unlinkSync(file);
    expect((await store.signers()).isEmpty).toBe(true);
  });

  it('gives a master list whose signer is trusted, and none of one whose signer is not', async () => {
    put('list.ml', makeMasterList());
    const [first = new Uint8Array(), second = new Uint8Array()] = trustedCountryCertificates();
    const untrusted = storeOf();
    expect((await untrusted.signers()).isEmpty).toBe(true);
    expect(await untrusted.problems()).toMatchObject([{ problem: 'its signer is not among those that are trusted' }]);
    const by = storeOf([put('signer.cer', first, base)]);
    expect(await by.problems()).toEqual([]);
    expect((await by.signers()).anchorsOf('UT')).toHaveLength(3);
    const other = storeOf([put('other.cer', second, base)]);
    expect((await other.signers()).isEmpty).toBe(true);
  });

  it('gives nothing of a list that was changed after it was signed', async () => {
    const forged = makeMasterList([linkCertificate()]);
    const at = Buffer.from(forged).indexOf(Buffer.from('BENCH CSCA-UTO 02'));
    forged[at] = (forged[at] ?? 0) ^ 0x01;
    put('list.ml', forged);
    const [first = new Uint8Array()] = trustedCountryCertificates();
    const store = storeOf([put('signer.cer', first, base)]);
    expect((await store.signers()).isEmpty).toBe(true);
    expect(await store.problems()).toMatchObject([{ problem: 'its signature does not hold (signature_wrong)' }]);
  });

  it('that others can write to, in part, or that holds nonsense, is taken without that', async () => {
    const [first = new Uint8Array()] = trustedCountryCertificates();
    chmodSync(put('open.cer', first), 0o666);
    put('nonsense', 'no certificate');
    put('bomb.cer', Buffer.concat([Buffer.from('3080', 'hex'), Buffer.alloc(100_000, 0x30)]));
    put('signer.cer', documentSigner('ECDSA').certificate);
    const store = storeOf();
    expect((await store.signers()).anchorsOf('UT')).toEqual([]);
    expect((await store.problems()).map(({ problem }) => problem)).toContain('others than its owner can write it');
  });

  it('that is not there is told', async () => {
    rmSync(folder, { recursive: true });
    const [problem] = await storeOf().problems();
    expect(problem?.file).toBe(folder);
  });
});

describe('revocation', () => {
  it.each([
    ['no list', undefined, 'revocation_list_missing'],
    ['a list that is too old', list('first', -1), 'revocation_list_unfit'],
    ['a list that another authority signed', list('unknown'), 'revocation_list_missing'],
  ] as const)('by %s is not known, and nothing is passed', async (_, crl, reason) => {
    for (const [index, der] of trustedCountryCertificates().entries()) put(`${index}.cer`, der);
    if (crl) put('list.crl', crl);
    await using bench = await openBench({ countrySigners: 'none', policy: { passports: { countrySigners: [folder] } } });
    const desk = await layDown(bench);
    const reading = await readWhole(desk);
    expect(troubles(reading)).toMatchObject({ 'electronic.passive.revocation': reason });
    expect(reading.verdicts.passive).toBe('undetermined');
    const { problems } = resultOf(await desk.api.call('system.reload'));
    expect(problems).toEqual([]);
  });
});
