/** What the simulated state signs, looked at by the openssl program: EF.SOD, EF.CardSecurity, certificates, the link, the revocation list and the master list. */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeFirstTlv, decodeTlv, requireTlv } from '../../apdu/tlv/ber-tlv.ts';
import { formatHex } from '../../apdu/bytes.ts';
import {
  linkCertificate,
  makeMasterList,
  makeRevocationList,
  trustedCountryCertificates,
  type EmrtdDescription,
  type SignerName,
} from '../../drivers/simulated/cards/emrtd.ts';
import { SIGNER_NAMES, countryAuthority, documentSigner } from '../../drivers/simulated/cards/emrtd/authorities.ts';
import { EMRTD_DEFECTS } from '../../drivers/simulated/cards/emrtd/description.ts';
import { makeDocument } from '../../drivers/simulated/cards/emrtd/document.ts';
import { SIGNATURE_HASHES } from '../../drivers/simulated/signature-scheme.ts';
import { tool } from '../support/program.ts';

const NOW = new Date('2026-11-01T12:00:00Z');
const NOW_SECONDS = String(NOW.getTime() / 1000);
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kortd-csca-'));
  await writeFile(
    at('csca.pem'),
    trustedCountryCertificates()
      .map((der) => toPem(der))
      .join(''),
  );
});

afterAll(() => rm(folder, { recursive: true, force: true }));

function at(name: string): string {
  return join(folder, name);
}

function toPem(der: Uint8Array, label = 'CERTIFICATE'): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/** By the identifiers of files in the application, and of EF.CardSecurity under 'security'. */
function filesOf(description: EmrtdDescription): ReadonlyMap<number | 'security', Uint8Array> {
  const { files } = makeDocument(description).chip;
  return new Map(
    files.map(({ id, isInApplication, content }) => [
      !isInApplication && id === 0x011d ? 'security' : isInApplication ? id : -id,
      content,
    ]),
  );
}

function fileOf(description: EmrtdDescription, id: number | 'security'): Uint8Array {
  const file = filesOf(description).get(id);
  if (!file) throw new Error(`there is no file ${id}`);
  return file;
}

/** The content, if openssl finds the signature right and its signer trusted. */
async function verifyCms(cms: Uint8Array, ...more: readonly string[]): Promise<Uint8Array> {
  await writeFile(at('signed.der'), cms);
  const input = ['cms', '-verify', '-inform', 'DER', '-in', at('signed.der'), '-out', at('content')];
  await tool('openssl', [...input, '-CAfile', at('csca.pem'), '-purpose', 'any', '-attime', NOW_SECONDS, ...more]);
  return new Uint8Array(await readFile(at('content')));
}

const sodOf = (description: EmrtdDescription): Uint8Array => decodeFirstTlv(fileOf(description, 0x011d)).object.value;

describe('EF.SOD', () => {
  const trusted = SIGNER_NAMES.filter((name) => !['expired', 'unknown'].includes(name));

  it.each(trusted.flatMap((name) => SIGNATURE_HASHES.map((hash) => [name, hash] as const)))(
    'signed by "%s" with %s is right, and has the hash of every data group',
    async (signer, hash) => {
      const description: EmrtdDescription = {
        signer,
        hash,
        dataGroups: [3, 7, 11, 12, 13],
        activeAuthentication: { key: 'P-256', hash: 'SHA-256' },
      };
      // OpenSSL builds no chain over explicit parameters, and verifies by them all the same.
      const unchained = signer === 'ECDSA explicit' ? ['-noverify'] : [];
      const [, , hashes] = decodeTlv(decodeFirstTlv(await verifyCms(sodOf(description), ...unchained)).object.value);
      const files = filesOf(description);
      const told = decodeTlv(hashes?.value ?? new Uint8Array()).map(({ value }) => decodeTlv(value).map((part) => part.value));
      expect(told.map(([number]) => number?.[0])).toEqual([1, 2, 3, 7, 11, 12, 13, 14, 15]);
      for (const [number, digest] of told) {
        const file = files.get(0x0100 + (number?.[0] ?? 0)) ?? new Uint8Array();
        expect(formatHex(digest ?? new Uint8Array())).toBe(
          formatHex(createHash(hash.toLowerCase().replace('-', '')).update(file).digest()),
        );
      }
    },
  );

  it.each([
    ['expired', /expired/],
    ['unknown', /unable to get local issuer/],
  ] as const)('of the signer "%s" is not trusted', async (signer, reason) => {
    await expect(verifyCms(sodOf({ signer }))).rejects.toThrow(reason);
  });

  it('of the revoked signer is told by the revocation list', async () => {
    const order = { thisUpdate: new Date('2026-10-31T00:00:00Z'), nextUpdate: new Date('2026-12-31T00:00:00Z') };
    await writeFile(at('crl.pem'), toPem(makeRevocationList('first', order), 'X509 CRL'));
    const check = async (name: SignerName): Promise<unknown> => {
      await writeFile(at('ds.pem'), toPem(documentSigner(name).certificate));
      return await tool('openssl', [
        'verify',
        '-attime',
        NOW_SECONDS,
        '-crl_check',
        '-CRLfile',
        at('crl.pem'),
        '-CAfile',
        at('csca.pem'),
        at('ds.pem'),
      ]);
    };
    await check('ECDSA');
    await expect(check('revoked')).rejects.toThrow(/certificate revoked/);
  });

  it('with a wrong signature is wrong', async () => {
    await expect(verifyCms(sodOf({ defects: ['wrong signature'], signer: 'RSA' }))).rejects.toThrow(
      /[Vv]erification failure|bad signature/,
    );
  });

  it('tells the version of the data structure from 1.8 on', async () => {
    const { value } = decodeFirstTlv(await verifyCms(sodOf({ ldsVersion: '0108' }))).object;
    expect(decodeTlv(value)[0]?.value).toEqual(Uint8Array.of(1));
    expect(decodeTlv(decodeTlv(value)[3]?.value ?? new Uint8Array()).map((part) => Buffer.from(part.value).toString())).toEqual([
      '0108',
      '040000',
    ]);
  });
});

describe('a defect', () => {
  const hashIn = async (description: EmrtdDescription, number: number): Promise<string> => {
    const [, , hashes] = decodeTlv(decodeFirstTlv(await verifyCms(sodOf(description))).object.value);
    const row = decodeTlv(hashes?.value ?? new Uint8Array())
      .map(({ value }) => decodeTlv(value))
      .find(([one]) => one?.value[0] === number);
    return formatHex(row?.[1]?.value ?? new Uint8Array());
  };
  const digestOf = (file: Uint8Array): string => formatHex(createHash('sha256').update(file).digest());

  it.each([
    ['wrong hash', 1],
    ['tampered portrait', 2],
  ] as const)('"%s" is in DG%d alone', async (defect, bad) => {
    const description: EmrtdDescription = { defects: [defect] };
    for (const number of [1, 2, 7, 11, 12, 14])
      expect((await hashIn(description, number)) === digestOf(fileOf(description, 0x0100 + number))).toBe(number !== bad);
  });

  it('"other list" tells in EF.COM of other groups than EF.SOD', () => {
    const tags = (description: EmrtdDescription): string =>
      formatHex(requireTlv(decodeTlv(decodeFirstTlv(fileOf(description, 0x011e)).object.value), 0x5c));
    expect(tags({})).toBe('6175676B6C6E');
    expect(tags({ defects: ['other list'] })).toBe('6175676B6C70');
  });

  it('"length over file" claims more of DG2 than there is', () => {
    const [whole, claimed] = [fileOf({}, 0x0102), fileOf({ defects: ['length over file'] }, 0x0102)];
    expect(claimed.length).toBe(whole.length);
    expect(() => decodeFirstTlv(claimed)).toThrow(/claims/);
  });

  it('of EF.CardSecurity takes it away, or has it tell another key, rightly signed', async () => {
    const description: EmrtdDescription = { persona: 'bjorn' };
    const right = await verifyCms(fileOf(description, 'security'));
    const wrong = await verifyCms(fileOf({ ...description, defects: ['wrong card security'] }, 'security'));
    expect(wrong.length).toBe(right.length);
    expect(wrong).not.toEqual(right);
    expect(filesOf({ ...description, defects: ['no card security'] }).has('security')).toBe(false);
  });

  it.each(EMRTD_DEFECTS)('"%s" leaves the rest of a document as it is', (defect) => {
    const [good, bad] = [filesOf({ persona: 'bjorn' }), filesOf({ persona: 'bjorn', defects: [defect] })];
    for (const id of [0x0101, 0x0107, 0x010b, 0x010e]) expect(bad.get(id)).toEqual(good.get(id));
  });
});

describe('the authorities', () => {
  it('are followed by the link from the first to the second', async () => {
    await writeFile(at('first.pem'), toPem(countryAuthority('first').certificate));
    await writeFile(at('link.pem'), toPem(linkCertificate()));
    await writeFile(at('ds.pem'), toPem(documentSigner('ECDSA brainpool').certificate));
    const untrusted = ['-untrusted', at('link.pem'), at('ds.pem')];
    await expect(tool('openssl', ['verify', '-attime', NOW_SECONDS, '-CAfile', at('first.pem'), ...untrusted])).rejects.toThrow(
      /path length/,
    );
    await tool('openssl', ['verify', '-attime', NOW_SECONDS, '-CAfile', at('first.pem'), at('link.pem')]);
  });

  it('are published in a master list, which the first vouches for', async () => {
    const list = decodeTlv(decodeFirstTlv(await verifyCms(makeMasterList())).object.value);
    expect(decodeTlv(list[1]?.value ?? new Uint8Array())).toHaveLength(3);
  });
});
