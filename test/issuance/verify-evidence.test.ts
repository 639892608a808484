/** Evidence against programs that are not ours: OpenSSL and unzip verify a container by scripts/verify-evidence.sh, and OpenSSL opens what was encrypted. */
import { X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildContainer } from '../../daemon/issuance/evidence/container.ts';
import { SEAL_CERTIFICATE_FILE, openSeal, type Seal } from '../../daemon/issuance/evidence/seal.ts';
import { EvidenceStore } from '../../daemon/issuance/evidence/store.ts';
import { SimulatedOffice } from '../../daemon/issuance/evidence/testing.ts';
import { verifyEvidence } from '../../daemon/issuance/evidence/verify.ts';
import { packZip, unpackZip } from '../../daemon/issuance/evidence/zip.ts';
import { benchAuthorities } from '../../drivers/simulated/cards/eid/personas.ts';
import type { Ceremony } from '../../daemon/issuance/ceremony.ts';
import { runTool } from '../support/run-tool.ts';

const SCRIPT = join(import.meta.dirname, '..', '..', 'scripts', 'verify-evidence.sh');

let office: SimulatedOffice;
let seal: Seal;
let highest: Ceremony;
let vouched: Ceremony;
let anchors = '';

const at = (name: string): string => join(office.folder, name);

function fileWith(name: string, content: Uint8Array | string): string {
  writeFileSync(at(name), content);
  return at(name);
}

beforeAll(async () => {
  office = new SimulatedOffice();
  seal = await openSeal({ folder: office.folder, now: () => new Date('2026-03-01T09:00:00Z') });
  highest = await office.highest();
  vouched = await office.vouched();
  const authorities = benchAuthorities().map(({ certificate }) => new X509Certificate(certificate).toString());
  anchors = fileWith('anchors.pem', authorities.join(''));
});
afterAll(() => {
  office[Symbol.dispose]();
});

const containerOf = (ceremony: Ceremony): Promise<Uint8Array> => buildContainer(office.recordOf(ceremony), seal);
const check = (container: Uint8Array, ...more: readonly string[]): Promise<string> =>
  runTool('sh', [SCRIPT, fileWith('evidence.asice', container), at(SEAL_CERTIFICATE_FILE), ...more]);

describe('OpenSSL and unzip alone', () => {
  it('verify the container of a ceremony, and everybody who signed', async () => {
    const said = await check(await containerOf(highest), anchors);
    for (const step of ['ordered', 'reviewed', 'receipt']) expect(said).toContain(`statements/${step}.p7s: 1 good signature\n`);
    expect(said).toMatch(/^sealed by CN=kortd desk /);
    expect(said).toContain('19 files as they were sealed');
    expect(said).toMatch(new RegExp(`VALID: evidence of ${highest.id}, ended 2026-03-01T`));
  });

  it('verify a statement that two colleagues signed, also by itself', async () => {
    const container = await containerOf(vouched);
    expect(await check(container, anchors)).toContain('statements/vouchedAgain.p7s: 2 good signatures\n');
    const cms = unpackZip(container).entries.find(({ name }) => name === 'statements/vouchedAgain.p7s')?.content;
    const input = fileWith('attested.p7s', cms ?? '');
    const purpose = ['-CAfile', anchors, '-purpose', 'any', '-cades', '-binary'];
    await runTool('openssl', ['cms', '-verify', '-inform', 'DER', '-in', input, ...purpose, '-out', at('attested.txt')]);
    expect(readFileSync(at('attested.txt'), 'utf8')).toBe(vouched.done.get('vouchedAgain')?.statement);
  });

  it('tell that without anchors nobody is known', async () => {
    expect(await check(await containerOf(vouched))).toContain('it was not checked who the signers are');
  });

  it('refuse a changed file, a file more, a file less, another seal, and signers of another authority', async () => {
    const container = await containerOf(highest);
    const { entries } = unpackZip(container);
    const changed = entries.map((one) => (one.name === 'recorded/order.json' ? { ...one, content: Buffer.from('{}') } : one));
    await expect(check(packZip(changed))).rejects.toThrow(/NOT VALID: recorded\/order\.json is not the file that was sealed/);
    const more = [...entries, { name: 'more.txt', content: Buffer.from('x') }];
    await expect(check(packZip(more))).rejects.toThrow(/NOT VALID: more\.txt is not in the manifest/);
    const less = entries.filter(({ name }) => name !== 'recorded/order.json');
    await expect(check(packZip(less))).rejects.toThrow(/NOT VALID: recorded\/order\.json is missing/);
    const manifest = entries.map((one) => {
      const content = Buffer.from(Buffer.from(one.content).toString('latin1').replace('order.json', 'Order.json'), 'latin1');
      return one.name.endsWith('Manifest.xml') ? { ...one, content } : one;
    });
    await expect(check(packZip(manifest))).rejects.toThrow(/NOT VALID: the seal/);
    const torn = Uint8Array.from(container);
    torn[200] = (torn[200] ?? 0) ^ 1;
    await expect(check(torn)).rejects.toThrow(/NOT VALID: unzip/);
    await expect(check(container, at(SEAL_CERTIFICATE_FILE))).rejects.toThrow(/NOT VALID: statements\/ordered\.p7s/);
    using stranger = new SimulatedOffice();
    await openSeal({ folder: stranger.folder, now: () => new Date() });
    const other = [SCRIPT, fileWith('evidence.asice', container), join(stranger.folder, SEAL_CERTIFICATE_FILE)];
    await expect(runTool('sh', other)).rejects.toThrow(/NOT VALID: the seal/);
  });
});

describe('evidence at rest', () => {
  it.each([
    ['RSA', ['-newkey', 'rsa:2048']],
    ['P-256', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']],
    ['P-384', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384']],
  ])('is opened by each of its recipients with OpenSSL, and by nobody else: %s', async (name, kind) => {
    const make = (file: string): Promise<string> =>
      runTool('openssl', [
        ...['req', '-x509', '-nodes', ...kind, '-subj', '/CN=Arkivet Åre', '-utf8', '-days', '30'],
        ...['-keyout', at(`${file}.key`), '-out', at(`${file}.pem`)],
      ]);
    for (const file of ['archive', 'deputy', 'stranger']) await make(file);
    const folder = at(`encrypted-${name}`);
    mkdirSync(folder);
    const recipients = ['archive', 'deputy'].map((file) => new X509Certificate(readFileSync(at(`${file}.pem`))));
    const store = new EvidenceStore({ folder, recipients: () => recipients });
    const container = await containerOf(highest);
    expect(await store.put(highest, container)).toMatchObject({ isEncrypted: true });
    const kept = await store.read(highest.id);
    expect(Buffer.from(kept?.content ?? []).includes('Lindqvist')).toBe(false);
    const input = fileWith('evidence.asice.p7m', kept?.content ?? '');
    const decrypt = async (file: string): Promise<Uint8Array> => {
      rmSync(at('opened.asice'), { force: true });
      const key = ['-recip', at(`${file}.pem`), '-inkey', at(`${file}.key`)];
      await runTool('openssl', [
        'cms',
        '-decrypt',
        '-binary',
        '-inform',
        'DER',
        '-in',
        input,
        ...key,
        '-out',
        at('opened.asice'),
      ]);
      return readFileSync(at('opened.asice'));
    };
    for (const file of ['archive', 'deputy']) {
      const opened = await decrypt(file);
      expect(Buffer.compare(opened, container)).toBe(0);
      expect(verifyEvidence(opened, { seals: [seal.certificate] }).problems).toEqual([]);
    }
    await expect(decrypt('stranger')).rejects.toThrow(/failed/);
  });
});
