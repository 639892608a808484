import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SEAL_CERTIFICATE_FILE, SEAL_FILE, openSeal, type Seal } from './seal.ts';
import { readSeal } from './signers.ts';

let folder = '';
const NOW = new Date('2026-03-01T09:00:00Z');
const open = (name = 'kortd desk 7'): Promise<Seal> => openSeal({ folder, name, now: () => NOW });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kortd-seal-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe('the seal of a workstation', () => {
  it('is made once, for its owner alone, and is the same afterwards', async () => {
    const made = await open();
    const opened = await open('another name');
    expect(opened.fingerprint).toBe(made.fingerprint);
    expect(statSync(join(folder, SEAL_FILE)).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder).sort()).toEqual([SEAL_CERTIFICATE_FILE, SEAL_FILE]);
    expect(readFileSync(join(folder, SEAL_CERTIFICATE_FILE), 'utf8')).toBe(made.certificate.toString());
    expect(readFileSync(join(folder, SEAL_CERTIFICATE_FILE), 'utf8')).not.toContain('PRIVATE');
  });

  it('is one, also when several ask for it at once', async () => {
    const seals = await Promise.all([open(), open(), open()]);
    expect(new Set(seals.map(({ fingerprint }) => fingerprint)).size).toBe(1);
  });

  it('names the workstation, is for signatures alone, and has no end', async () => {
    const { certificate } = await open();
    expect(certificate.subject).toBe('CN=kortd desk 7');
    expect(certificate.ca).toBe(false);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.validToDate.toISOString()).toBe('9999-12-31T23:59:59.000Z');
    expect(certificate.validFromDate.toISOString()).toBe('2026-03-01T08:00:00.000Z');
  });

  it('takes back the rights that others were given', async () => {
    await open();
    chmodSync(join(folder, SEAL_FILE), 0o644);
    await open();
    expect(statSync(join(folder, SEAL_FILE)).mode & 0o777).toBe(0o600);
  });

  it('signs attached and detached, at the time of its clock', async () => {
    const seal = await open();
    const content = Buffer.from('what is sealed');
    const attached = readSeal(await seal.sign(content, 'attached'));
    expect(attached).toMatchObject({ content: new Uint8Array(content) });
    const detached = await seal.sign(content, 'detached');
    expect(readSeal(detached, content)).toMatchObject({ certificate: { fingerprint256: seal.certificate.fingerprint256 } });
    expect(readSeal(detached, Buffer.from('what is Sealed'))).toMatch(/its digest is another/);
    expect(readSeal(detached)).toMatch(/not in it/);
  });

  it('is found to be changed by one bit, wherever it is', { timeout: 120_000 }, async () => {
    const seal = await open();
    const content = Buffer.from('what is sealed');
    const cms = await seal.sign(content, 'detached');
    const missed: string[] = [];
    for (let at = 0; at < cms.length * 8; at += 5) {
      const changed = Uint8Array.from(cms);
      changed[at >> 3] = (changed[at >> 3] ?? 0) ^ (1 << (at & 7));
      const read = readSeal(changed, content);
      if (typeof read !== 'string' && read.certificate.fingerprint256 === seal.certificate.fingerprint256)
        missed.push(`byte ${at >> 3}, bit ${at & 7}`);
    }
    expect(missed).toEqual([]);
  });

  it('is refused when key and certificate do not belong together', async () => {
    const { certificate } = await open();
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const key = createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' })).export({ type: 'pkcs8', format: 'pem' });
    writeFileSync(join(folder, SEAL_FILE), `${key.toString()}${certificate.toString()}`);
    await expect(open()).rejects.toThrow(/do not belong together/);
  });
});
