import { X509Certificate, createPublicKey } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DataFolderError } from '../data-folder.ts';
import { TlsFilesError } from './errors.ts';
import { RENEWAL_DAYS, disableTls, enableTls, readAuthority, readTls, tlsStatus } from './tls-folder.ts';

const DAY_MS = 86_400_000;
const now = new Date('2026-11-22T12:00:00.500Z');
const later = (days: number): { now: Date } => ({ now: new Date(now.getTime() + days * DAY_MS) });

let folder = '';
const at = (...names: string[]): string => join(folder, ...names);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kortd-tls-'));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

function modeOf(path: string): string {
  return (statSync(path).mode & 0o777).toString(8);
}

function problemOf(work: () => unknown): TlsFilesError {
  try {
    work();
  } catch (error) {
    if (error instanceof TlsFilesError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('enableTls', () => {
  it('makes the three files for their owner, and nothing else', async () => {
    const dataFolder = at('a', 'b');
    const mask = process.umask(0);
    try {
      await enableTls(dataFolder, { now });
    } finally {
      process.umask(mask);
    }
    expect(readdirSync(dataFolder)).toEqual(['tls']);
    expect(readdirSync(join(dataFolder, 'tls')).sort()).toEqual(['ca.pem', 'certificate.pem', 'key.pem']);
    const modes = ['', 'ca.pem', 'certificate.pem', 'key.pem'].map((name) => modeOf(join(dataFolder, 'tls', name)));
    expect([modeOf(dataFolder), ...modes]).toEqual(['700', '700', '644', '644', '600']);
  });

  it('gives ca.pem to everybody even when the umask keeps others out', async () => {
    const mask = process.umask(0o077);
    try {
      await enableTls(folder, { now });
    } finally {
      process.umask(mask);
    }
    expect([modeOf(at('tls', 'ca.pem')), modeOf(at('tls', 'key.pem'))]).toEqual(['644', '600']);
  });

  it('makes files that belong to the owner of the data folder', async () => {
    if (process.geteuid?.() === 0) chownSync(folder, 12_345, 12_346);
    await enableTls(folder, { now });
    const { uid, gid } = statSync(folder);
    for (const path of [at('tls'), ...readdirSync(at('tls')).map((name) => at('tls', name))])
      expect([statSync(path).uid, statSync(path).gid], path).toEqual([uid, gid]);
  });

  it('leaves good files alone', async () => {
    const first = await enableTls(folder, { now });
    const second = await enableTls(folder, later(300));
    expect([first.isNew, second.isNew]).toEqual([true, false]);
    expect(second.files).toEqual(first.files);
  });

  it('makes another authority to renew, and says which one it replaced', async () => {
    const first = await enableTls(folder, { now });
    const second = await enableTls(folder, { ...later(300), renew: true });
    expect(second).toMatchObject({ isNew: true, replaced: first.files.authority });
    expect(second.files.authority.fingerprint).not.toBe(first.files.authority.fingerprint);
    expect(readdirSync(folder)).toEqual(['tls']);
  });

  it('refuses files that are of no use, and replaces them when told to renew', async () => {
    await enableTls(folder, { now });
    writeFileSync(at('tls', 'key.pem'), 'no key');
    await expect(enableTls(folder, { now })).rejects.toThrow(/key\.pem holds no private key\. .*kortd tls enable --renew/);
    await enableTls(folder, { now, renew: true });
    expect(readTls(folder, { now })).toBeDefined();
  });

  it('says so when the folder cannot be written', async () => {
    writeFileSync(at('file'), '');
    await expect(enableTls(at('file'), { now })).rejects.toThrow(DataFolderError);
    await expect(enableTls(at('file', 'below'), { now, renew: true })).rejects.toThrow(DataFolderError);
    expect(readdirSync(folder)).toEqual(['file']);
  });

  it('leaves no trace of the authority’s private key on the disk', async () => {
    const original = crypto.subtle.generateKey.bind(crypto.subtle);
    const asked: boolean[] = [];
    const kept: CryptoKeyPair[] = [];
    // The same keys, but so that this test can read them.
    vi.spyOn(crypto.subtle, 'generateKey').mockImplementation((async (
      algorithm: EcKeyGenParams,
      isExtractable: boolean,
      usages: KeyUsage[],
    ) => {
      asked.push(isExtractable);
      const pair = (await original(algorithm, true, usages)) as CryptoKeyPair;
      kept.push(pair);
      return pair;
    }) as typeof original);
    await enableTls(folder, { now });
    expect(asked).toEqual([false, true]);
    const [authority, server] = await Promise.all(kept.map((pair) => crypto.subtle.exportKey('jwk', pair.privateKey)));
    expect(filesWith(authority?.d ?? '')).toEqual([]);
    expect(filesWith(server?.d ?? '')).toEqual(['tls/key.pem']);
  });
});

type EcKeyGenParams = { readonly name: string; readonly namedCurve: string };
type KeyUsage = 'sign' | 'verify';
type CryptoKeyPair = { readonly publicKey: CryptoKey; readonly privateKey: CryptoKey };
type CryptoKey = Parameters<typeof crypto.subtle.exportKey>[1];

/** Where these bytes are, base64url given, as they are or within PEM. */
function filesWith(scalar: string): readonly string[] {
  const bytes = Buffer.from(scalar, 'base64url');
  expect(bytes).toHaveLength(32);
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => {
      const content = readFileSync(path);
      const der = Buffer.from(content.toString().replaceAll(/-----.*?-----|\s/g, ''), 'base64');
      return content.includes(bytes) || der.includes(bytes) || content.includes(bytes.toString('hex'));
    })
    .map((path) => path.slice(folder.length + 1));
}

describe('readTls', () => {
  it('finds nothing where nothing is', () => {
    expect(readTls(folder, { now })).toBeUndefined();
    expect(readTls(at('missing'), { now })).toBeUndefined();
  });

  it('gives what the files hold, and what to tell people', async () => {
    const { files } = await enableTls(folder, { now });
    expect(readTls(folder, { now })).toEqual(files);
    const ca = new X509Certificate(files.ca);
    expect(files.authority).toMatchObject({
      path: at('tls', 'ca.pem'),
      name: ca.subject.slice('CN='.length),
      fingerprint: ca.fingerprint256.replaceAll(':', ''),
    });
    expect(files.ca).toBe(readFileSync(at('tls', 'ca.pem'), 'utf8'));
    expect(files.expires).toEqual(new X509Certificate(files.certificate).validToDate);
    expect(files.authority.expires.getTime()).toBeGreaterThan(files.expires.getTime());
  });

  describe('refuses', () => {
    beforeEach(async () => {
      await enableTls(folder, { now });
      await enableTls(at('other'), { now });
    });
    const take = (name: string): void => cpSync(at('other', 'tls', name), at('tls', name));
    const putFile = (): void => {
      rmSync(at('tls'), { recursive: true });
      writeFileSync(at('tls'), '');
    };
    const edit = (name: string, change: (text: string) => string): void =>
      writeFileSync(at('tls', name), change(readFileSync(at('tls', name), 'utf8')));

    it.each([
      ['a missing key', 'incomplete', () => rmSync(at('tls', 'key.pem'))],
      ['a missing certificate', 'incomplete', () => rmSync(at('tls', 'certificate.pem'))],
      ['a missing authority', 'incomplete', () => rmSync(at('tls', 'ca.pem'))],
      ['a file in the folder’s place', 'incomplete', () => putFile()],
      ['an empty key', 'corrupt', () => edit('key.pem', () => '')],
      ['a key cut short', 'corrupt', () => edit('key.pem', (text) => text.slice(0, 100))],
      ['a key with a changed letter', 'corrupt', () => edit('key.pem', (text) => text.replace('MIG', 'MIF'))],
      ['a certificate cut short', 'corrupt', () => edit('certificate.pem', (text) => text.slice(0, 200))],
      ['a certificate that is none', 'corrupt', () => edit('certificate.pem', (text) => text.replace(/\nMII/, '\nMIA'))],
      ['two certificates in one file', 'corrupt', () => edit('certificate.pem', (text) => text + text)],
      [
        'a key behind the authority',
        'corrupt',
        () => edit('ca.pem', (text) => text + readFileSync(at('tls', 'key.pem'), 'utf8')),
      ],
      ['another key', 'mismatch', () => take('key.pem')],
      ['another authority', 'mismatch', () => take('ca.pem')],
      ['another certificate', 'mismatch', () => take('certificate.pem')],
      ['another certificate with its key', 'mismatch', () => ['certificate.pem', 'key.pem'].forEach(take)],
      ['a certificate in the authority’s place', 'mismatch', () => cpSync(at('tls', 'certificate.pem'), at('tls', 'ca.pem'))],
      ['a key that the group may read', 'too_open', () => chmodSync(at('tls', 'key.pem'), 0o640)],
      ['a key that others may write', 'too_open', () => chmodSync(at('tls', 'key.pem'), 0o602)],
      ['a folder that others may change', 'too_open', () => chmodSync(at('tls'), 0o777)],
    ] as const)('%s (%s)', (_, problem, harm) => {
      harm();
      const error = problemOf(() => readTls(folder, { now }));
      expect(error.problem).toBe(problem);
      expect(error.message).toMatch(/kortd tls enable --renew$/);
      expect(error.sv).toMatch(/kortd tls enable --renew$/);
      expect(tlsStatus(folder, { now })).toMatchObject({ state: 'unusable', error: { problem } });
    });

    it('files that have expired, on the second', () => {
      const { validFromDate, validToDate } = new X509Certificate(readFileSync(at('tls', 'certificate.pem')));
      expect(readTls(folder, { now: validToDate })).toBeDefined();
      const after = problemOf(() => readTls(folder, { now: new Date(validToDate.getTime() + 1000) }));
      expect([after.problem, after.message]).toEqual(['expired', expect.stringContaining('they expired on 2027-12-24')]);
      const before = problemOf(() => readTls(folder, { now: new Date(validFromDate.getTime() - 1000) }));
      expect([before.problem, before.sv]).toEqual(['not_yet_valid', expect.stringContaining('Ställ datorns klocka rätt')]);
    });

    it('files of another user, whom it asks for', () => {
      const isRoot = process.geteuid?.() === 0;
      if (isRoot) process.seteuid?.(12_345);
      else chmodSync(at('tls'), 0);
      try {
        const error = problemOf(() => readTls(folder, { now }));
        expect([error.problem, error.message]).toEqual([
          'unreadable',
          expect.stringMatching(/EACCES.*Run this as the user who owns/),
        ]);
      } finally {
        if (isRoot) process.seteuid?.(0);
        else chmodSync(at('tls'), 0o700);
      }
    });

    it('and still knows the authority, so that it can be taken out of trust', () => {
      const known = readAuthority(folder);
      expect(known?.path).toBe(at('tls', 'ca.pem'));
      take('key.pem');
      expect(readAuthority(folder)).toEqual(known);
      edit('ca.pem', () => 'nothing');
      expect(readAuthority(folder)).toBeUndefined();
    });
  });
});

describe('tlsStatus', () => {
  it('goes from off to ready to renewal advised to expired', async () => {
    expect(tlsStatus(folder, { now })).toEqual({ state: 'off' });
    const { files } = await enableTls(folder, { now });
    expect(tlsStatus(folder, { now })).toEqual({
      state: 'ready',
      authority: files.authority,
      expires: files.expires,
      daysLeft: 396,
    });
    const untilEnd = (days: number): Date => new Date(files.expires.getTime() - days * DAY_MS);
    expect(tlsStatus(folder, { now: untilEnd(RENEWAL_DAYS) })).toMatchObject({ state: 'ready', daysLeft: 30 });
    expect(tlsStatus(folder, { now: untilEnd(RENEWAL_DAYS - 0.001) })).toMatchObject({ state: 'renewal_advised', daysLeft: 29 });
    expect(tlsStatus(folder, { now: untilEnd(-1) })).toMatchObject({ state: 'unusable', error: { problem: 'expired' } });
  });
});

describe('disableTls', () => {
  it('takes everything away, and says whether there was anything', async () => {
    expect(disableTls(folder)).toBe(false);
    expect(disableTls(at('missing'))).toBe(false);
    await enableTls(folder, { now });
    writeFileSync(at('token'), 'stays');
    expect(disableTls(folder)).toBe(true);
    expect(readdirSync(folder)).toEqual(['token']);
    expect(tlsStatus(folder, { now })).toEqual({ state: 'off' });
  });

  it('takes files away that are of no use', async () => {
    await enableTls(folder, { now });
    writeFileSync(at('tls', 'certificate.pem'), '');
    expect(disableTls(folder)).toBe(true);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('after a crash', () => {
  /** A whole set under another name. */
  async function setAt(name: string): Promise<string> {
    const { files } = await enableTls(at('elsewhere'), { now, renew: true });
    renameSync(at('elsewhere', 'tls'), at(name));
    rmSync(at('elsewhere'), { recursive: true });
    return files.authority.fingerprint;
  }
  const inUse = (): string | undefined => readTls(folder, { now })?.authority.fingerprint;

  it.each([0, 1, 2, 3])('with %i files written, there is nothing yet', async (count) => {
    await setAt('tls.new-012345');
    for (const name of ['ca.pem', 'certificate.pem', 'key.pem'].slice(count)) rmSync(at('tls.new-012345', name));
    expect([inUse(), tlsStatus(folder, { now }).state]).toEqual([undefined, 'off']);
    await enableTls(folder, { now });
    expect(readdirSync(folder)).toEqual(['tls']);
  });

  it('while renewing, the files before are in use', async () => {
    const before = await setAt('tls');
    await setAt('tls.new-012345');
    expect(inUse()).toBe(before);
  });

  it('between the two renames, the files before are in use, and are put back', async () => {
    const before = await setAt('tls.old');
    await setAt('tls.new-012345');
    expect(inUse()).toBe(before);
    expect((await enableTls(folder, { now })).isNew).toBe(false);
    expect(readdirSync(folder).sort()).toEqual(['tls', 'tls.new-012345']);
    expect(readTls(folder, { now })?.authority).toMatchObject({ path: at('tls', 'ca.pem'), fingerprint: before });
  });

  it('between the two renames, renewing tells which authority it replaced', async () => {
    const before = await setAt('tls.old');
    expect((await enableTls(folder, { now, renew: true })).replaced?.fingerprint).toBe(before);
    expect(readdirSync(folder)).toEqual(['tls']);
  });

  it('after both renames, the new files are in use', async () => {
    await setAt('tls.old');
    const after = await setAt('tls');
    expect(inUse()).toBe(after);
    await enableTls(folder, { now, renew: true });
    expect(readdirSync(folder)).toEqual(['tls']);
  });

  it.each([[['tls.old', 'tls', 'tls.new-012345', 'tls.gone-abcdef']], [['tls.old', 'tls.gone-abcdef']]])(
    'disabling finds %j and leaves nothing',
    async (names) => {
      for (const name of names) await setAt(name);
      expect(disableTls(folder)).toBe(true);
      expect(readdirSync(folder)).toEqual([]);
    },
  );

  it('an empty folder, which kortd never makes, is refused', () => {
    mkdirSync(at('tls'), { mode: 0o700 });
    expect(problemOf(() => readTls(folder, { now })).problem).toBe('incomplete');
  });
});

describe('two installations', () => {
  it('have nothing in common', async () => {
    const [one, other] = await Promise.all(['one', 'other'].map((name) => enableTls(at(name), { now })));
    const facts = [one, other].map((enabled) => {
      const [ca, certificate] = [
        new X509Certificate(enabled?.files.ca ?? ''),
        new X509Certificate(enabled?.files.certificate ?? ''),
      ];
      const keyOf = (pem: string): string => createPublicKey(pem).export({ type: 'spki', format: 'pem' }) as string;
      return [
        ca.subject,
        ca.serialNumber,
        certificate.serialNumber,
        keyOf(enabled?.files.ca ?? ''),
        keyOf(enabled?.files.key ?? ''),
      ];
    });
    expect(new Set(facts.flat()).size).toBe(10);
  });
});
