/** CMS signatures against OpenSSL, both ways: what kortd makes is verified by openssl cms, and what that makes is verified, and added to, by kortd. */
import { X509Certificate, createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SIGNATURE_SCHEMES } from '../../apdu/signature-encoding.ts';
import type { SignatureAlgorithm } from '../../apdu/token.ts';
import { Constructed, Sequence, Set as Asn1Set } from 'asn1js';
import { Spliced, childrenOf, encode, rawOf, readDer, tagged } from '../../daemon/signing/cms/asn1.ts';
import { parseSignedData } from '../../daemon/signing/cms/parse.ts';
import { requireExisting, readExisting } from '../../daemon/signing/cms/existing.ts';
import { addSigner, createSignedData, type NewSignature } from '../../daemon/signing/cms/signed-data.ts';
import { verifySignedData, type SignedDataReport, type VerifyOptions } from '../../daemon/signing/cms/verify.ts';
import { signWith } from './card-key.ts';
import { createPki, type Pki, type PkiKeyKind, type PkiSigner } from './pki.ts';

const content = Buffer.from('The receipt of one card.\r\n\0 It ends here.', 'utf8');
let pki: Pki;
const signers = new Map<PkiKeyKind, PkiSigner>();

beforeAll(async () => {
  pki = await createPki();
  await pki.file('content.bin', content);
  for (const kind of ['P-256', 'P-384', 'RSA-2048'] as const) signers.set(kind, await pki.issue(`Signer ${kind}`, { kind }));
});
afterAll(() => pki[Symbol.asyncDispose]());

function signerOf(kind: PkiKeyKind): PkiSigner {
  const signer = signers.get(kind);
  if (!signer) throw new RangeError(`no signer with ${kind}`);
  return signer;
}

function wanted(signer: PkiSigner, algorithm: SignatureAlgorithm, changes: Partial<NewSignature> = {}): NewSignature {
  const { hash } = SIGNATURE_SCHEMES[algorithm];
  return {
    contentDigest: createHash(hash).update(content).digest(),
    hash,
    profile: 'cades',
    signer: { certificate: signer.der, chain: [pki.sub.der], algorithm },
    ...changes,
  };
}

const sign = (signer: PkiSigner, algorithm: SignatureAlgorithm, how: 'attached' | 'detached'): Promise<Uint8Array> =>
  createSignedData(
    { ...wanted(signer, algorithm), ...(how === 'attached' ? { content } : {}) },
    signWith(pki, signer, algorithm),
  );

/** Throws unless OpenSSL verifies every signer up to the root, and the content. */
async function opensslVerify(cms: Uint8Array, how: 'attached' | 'detached'): Promise<string> {
  const input = await pki.file('signed.der', cms);
  const given = how === 'detached' ? ['-content', pki.path('content.bin')] : [];
  const common = ['-verify', '-binary', '-inform', 'DER', '-in', input, '-CAfile', pki.root.certificateFile, '-purpose', 'any'];
  const said = await pki.openssl('cms', ...common, ...given, '-cades', '-out', pki.path('verified.bin'));
  expect(Buffer.from(await pki.read('verified.bin')).equals(content)).toBe(true);
  return said;
}

const trusting = (): VerifyOptions => ({ anchors: [pki.root.certificate] });
const verify = (cms: Uint8Array, options: VerifyOptions = {}): SignedDataReport =>
  verifySignedData(cms, { ...trusting(), ...options });

const ALGORITHMS: readonly (readonly [SignatureAlgorithm, PkiKeyKind])[] = [
  ['RS256', 'RSA-2048'],
  ['RS384', 'RSA-2048'],
  ['RS512', 'RSA-2048'],
  ['PS256', 'RSA-2048'],
  ['PS384', 'RSA-2048'],
  ['PS512', 'RSA-2048'],
  ['ES256', 'P-256'],
  ['ES384', 'P-384'],
];

describe.each(ALGORITHMS)('a signature by %s with %s', (algorithm, kind) => {
  it.each(['attached', 'detached'] as const)('%s, is verified by OpenSSL and by kortd', async (how) => {
    const cms = await sign(signerOf(kind), algorithm, how);
    expect(await opensslVerify(cms, how)).toContain('CAdES Verification successful');
    const report = verify(cms, how === 'detached' ? { content } : {});
    expect(report.signers).toMatchObject([
      {
        verdict: 'valid',
        reasons: [],
        algorithm,
        digest: 'match',
        signature: 'good',
        signingCertificate: 'match',
        chain: 'trusted',
      },
    ]);
    expect(report).toMatchObject({ verdict: 'valid', isDetached: how === 'detached' });
  });
});

describe('a second signer', () => {
  it.each(['attached', 'detached'] as const)(
    'of %s content leaves the first byte for byte; OpenSSL verifies both',
    async (how) => {
      const one = await sign(signerOf('P-256'), 'ES256', how);
      const second = signerOf('RSA-2048');
      const { cms, signerIndex } = await addSigner(one, wanted(second, 'PS384'), signWith(pki, second, 'PS384'));
      expect(signerIndex).toBe(1);
      expect(parseSignedData(cms).signers[0]?.raw).toEqual(parseSignedData(one).signers[0]?.raw);
      for (const certificate of parseSignedData(one).certificates)
        expect(parseSignedData(cms).certificates).toContainEqual(certificate);
      expect(await opensslVerify(cms, how)).toContain('CAdES Verification successful');
      const report = verify(cms, how === 'detached' ? { content } : {});
      expect(report.signers.map(({ verdict, algorithm }) => [verdict, algorithm])).toEqual([
        ['valid', 'ES256'],
        ['valid', 'PS384'],
      ]);
    },
  );

  it.each([
    ['RSA-2048', []],
    ['RSA-2048', ['-keyopt', 'rsa_padding_mode:pss']],
    ['P-384', ['-md', 'sha384']],
  ] as const)('is added to what openssl cms made with %s %j', async (kind, more) => {
    const { certificateFile, keyFile } = signerOf(kind);
    const made = [
      '-sign',
      '-cades',
      '-binary',
      '-signer',
      certificateFile,
      '-inkey',
      keyFile,
      '-in',
      pki.path('content.bin'),
      ...more,
    ];
    await pki.openssl('cms', ...made, '-certfile', pki.sub.certificateFile, '-outform', 'DER', '-out', pki.path('theirs.der'));
    const theirs = await pki.read('theirs.der');
    expect(verify(theirs, { content }).signers).toMatchObject([{ verdict: 'valid', signingCertificate: 'match' }]);
    const own = signerOf('P-256');
    const { cms } = await addSigner(theirs, wanted(own, 'ES256'), signWith(pki, own, 'ES256'));
    expect(parseSignedData(cms).signers[0]?.raw).toEqual(parseSignedData(theirs).signers[0]?.raw);
    expect(await opensslVerify(cms, 'detached')).toContain('CAdES Verification successful');
    expect(verify(cms, { content }).verdict).toBe('valid');
  });
});

describe('profiles', () => {
  it('of a PDF have no time of signing among the attributes', async () => {
    const signer = signerOf('P-256');
    const of = (profile: 'cades' | 'pades'): Promise<Uint8Array> =>
      createSignedData(
        wanted(signer, 'ES256', { profile, signingTime: new Date('2026-01-02T03:04:05Z') }),
        signWith(pki, signer, 'ES256'),
      );
    const claimed = (cms: Uint8Array): Date | undefined => verify(cms, { content }).signers[0]?.claimedTime;
    expect(claimed(await of('cades'))).toEqual(new Date('2026-01-02T03:04:05Z'));
    expect(claimed(await of('pades'))).toBeUndefined();
  });

  it('write times from 2050 on as GeneralizedTime', async () => {
    const signer = signerOf('P-256');
    const signingTime = new Date('2050-01-02T03:04:05Z');
    const cms = await createSignedData(wanted(signer, 'ES256', { signingTime }), signWith(pki, signer, 'ES256'));
    expect(verify(cms, { content }).signers[0]?.claimedTime).toEqual(signingTime);
  });

  it('hand nothing out that does not verify with the certificate', async () => {
    const signer = signerOf('P-256');
    const other = await pki.issue('Somebody else', { kind: 'P-256' });
    await expect(createSignedData(wanted(signer, 'ES256'), signWith(pki, other, 'ES256'))).rejects.toMatchObject({
      code: 'public_key_mismatch',
    });
  });

  it('do not sign with a weak key, and do not ask the card', async () => {
    const weak = await pki.issue('Weak', { kind: 'RSA-1024' });
    const card = (): Promise<never> => Promise.reject(new Error('the card was asked'));
    await expect(createSignedData(wanted(weak, 'RS256'), card)).rejects.toMatchObject({ code: 'algorithm_not_allowed' });
  });
});

/** The CMS with these bytes in place of those, as many; each stands there once. */
function replaced(cms: Uint8Array, part: Uint8Array, by: Uint8Array): Uint8Array {
  const changed = Buffer.from(cms);
  const at = changed.indexOf(part);
  expect(at).toBeGreaterThan(0);
  changed.set(by, at);
  return changed;
}

function flipped(bytes: Uint8Array): Uint8Array {
  const changed = Uint8Array.from(bytes);
  changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
  return changed;
}

describe('what was changed', () => {
  const reasons = (cms: Uint8Array, options: VerifyOptions = {}): unknown => {
    const {
      verdict,
      signers: [signer],
    } = verify(cms, options);
    return [verdict, signer?.reasons.map(({ code }) => code)];
  };

  it('is found: attached and detached content', async () => {
    const attached = await sign(signerOf('P-256'), 'ES256', 'attached');
    expect(reasons(replaced(attached, content, flipped(content)))).toEqual(['invalid', ['HASH_FAILURE']]);
    const detached = await sign(signerOf('P-256'), 'ES256', 'detached');
    expect(reasons(detached, { content: flipped(content) })).toEqual(['invalid', ['HASH_FAILURE']]);
    expect(reasons(detached)).toEqual(['indeterminate', ['SIGNED_DATA_NOT_FOUND']]);
  });

  it('is found: attributes, and the signature', async () => {
    const cms = await sign(signerOf('RSA-2048'), 'RS256', 'detached');
    const digest = createHash('sha256').update(content).digest();
    expect(reasons(replaced(cms, digest, flipped(digest)), { content })).toEqual([
      'invalid',
      ['SIG_CRYPTO_FAILURE', 'HASH_FAILURE'],
    ]);
    const signature = parseSignedData(cms).signers[0]?.signature ?? new Uint8Array();
    expect(reasons(replaced(cms, signature, flipped(signature)), { content })).toEqual(['invalid', ['SIG_CRYPTO_FAILURE']]);
  });

  it('is found: the certificate, replaced by one of the same name and number for another key, and for the same key', async () => {
    const signer = signerOf('RSA-2048');
    const serial = ['-set_serial', `0x${signer.certificate.serialNumber}`];
    const issue = ['-CA', pki.sub.certificateFile, '-CAkey', pki.sub.keyFile, ...serial, '-days', '100'];
    const request = pki.path('Signer RSA-2048.csr');
    await pki.openssl('x509', '-req', '-in', request, ...issue, '-out', pki.path('twin.pem'));
    await pki.openssl('genrsa', '-out', pki.path('twin.key'), '2048');
    await pki.openssl(
      'req',
      '-new',
      '-key',
      pki.path('twin.key'),
      '-subj',
      '/C=SE/CN=Signer RSA-2048',
      '-out',
      pki.path('twin.csr'),
    );
    await pki.openssl('x509', '-req', '-in', pki.path('twin.csr'), ...issue, '-out', pki.path('thief.pem'));
    const swap = async (file: string): Promise<Uint8Array> => {
      const { raw } = new X509Certificate(await pki.read(file));
      const made = await sign(signer, 'RS256', 'detached');
      const parts = parseSignedData(made);
      const detour = await createSignedData(
        { ...wanted(signer, 'RS256'), signer: { certificate: signer.der, chain: [raw], algorithm: 'RS256' } },
        signWith(pki, signer, 'RS256'),
      );
      // The twin comes first among the certificates, and so is the one that is found.
      const [first] = parseSignedData(detour).certificates;
      expect(parts.signers).toHaveLength(1);
      return first && Buffer.compare(first, raw) === 0 ? detour : swapOrder(detour);
    };
    const options = { content, intermediates: [pki.sub.certificate] };
    expect(reasons(await swap('thief.pem'), options)).toMatchObject([
      'invalid',
      ['SIG_CRYPTO_FAILURE', 'SIG_CONSTRAINTS_FAILURE'],
    ]);
    expect(reasons(await swap('twin.pem'), options)).toMatchObject(['invalid', ['SIG_CONSTRAINTS_FAILURE']]);
  });

  it('in any one byte is never valid and never an unexpected error', async () => {
    const cms = await sign(signerOf('P-256'), 'ES256', 'attached');
    const seen = new Set<string>();
    for (let index = 0; index < cms.length; index += 3) {
      const changed = Uint8Array.from(cms);
      changed[index] = (changed[index] ?? 0) ^ 0x01;
      try {
        const { verdict, signers: found } = verify(changed);
        // What is not signed may change: certificates of the chain, and how algorithms are spelt.
        if (verdict === 'valid') expect(found[0]).toMatchObject({ digest: 'match', signature: 'good' });
        seen.add(verdict);
      } catch (error) {
        expect(error).toMatchObject({ code: 'cms_invalid' });
        seen.add('cms_invalid');
      }
    }
    expect([...seen]).toEqual(expect.arrayContaining(['invalid', 'cms_invalid']));
  }, 60_000);
});

/** The same with the first two certificates in the other order. */
function swapOrder(cms: Uint8Array): Uint8Array {
  const [one = new Uint8Array(), other = new Uint8Array()] = parseSignedData(cms).certificates;
  const changed = Buffer.from(cms);
  const at = changed.indexOf(one);
  changed.set(other, at);
  changed.set(one, at + other.length);
  return changed;
}

describe('who signed', () => {
  it('is not trusted without an anchor, or with another one', async () => {
    const cms = await sign(signerOf('P-256'), 'ES256', 'detached');
    for (const anchors of [[], [pki.other.certificate]])
      expect(verify(cms, { content, anchors })).toMatchObject({
        verdict: 'indeterminate',
        signers: [{ chain: 'untrusted', reasons: [{ code: 'NO_CERTIFICATE_CHAIN_FOUND' }], digest: 'match', signature: 'good' }],
      });
  });

  it('was entitled to only while the certificate was valid, and a claim proves nothing', async () => {
    const dates = { from: '20200101000000Z', to: '20210101000000Z' };
    const expired = await pki.issue('Expired', { dates, issuer: 'root' });
    const cms = (signingTime: Date): Promise<Uint8Array> =>
      createSignedData(wanted(expired, 'ES256', { signingTime }), signWith(pki, expired, 'ES256'));
    const report = (signed: Uint8Array): unknown => verify(signed, { content, anchors: [pki.root.certificate] }).signers[0];
    expect(report(await cms(new Date()))).toMatchObject({
      verdict: 'indeterminate',
      reasons: [{ code: 'OUT_OF_BOUNDS_NO_POE' }],
    });
    expect(report(await cms(new Date('2015-01-01')))).toMatchObject({
      validity: { source: 'claimed' },
      reasons: [{ code: 'NOT_YET_VALID' }],
    });
  });

  it('may not sign with a key for other things', async () => {
    const tls = await pki.issue('Only for agreement', { extensions: 'keyUsage=critical,keyAgreement' });
    const cms = await createSignedData(wanted(tls, 'ES256'), signWith(pki, tls, 'ES256'));
    expect(verify(cms, { content }).signers[0]?.reasons).toMatchObject([{ code: 'CHAIN_CONSTRAINTS_FAILURE' }]);
  });
});

describe('what is not accepted', () => {
  const openssl = async (kind: PkiKeyKind, ...more: readonly string[]): Promise<Uint8Array> => {
    const { certificateFile, keyFile } = kind === 'RSA-1024' ? await pki.issue('Short', { kind }) : signerOf(kind);
    const made = ['-sign', '-binary', '-signer', certificateFile, '-inkey', keyFile, '-in', pki.path('content.bin')];
    await pki.openssl('cms', ...made, '-outform', 'DER', '-out', pki.path('weak.der'), ...more);
    return await pki.read('weak.der');
  };

  it.each([
    ['SHA-1', 'RSA-2048', ['-md', 'sha1']],
    ['MD5', 'RSA-2048', ['-md', 'md5']],
    ['RSA of 1024 bits', 'RSA-1024', []],
  ] as const)('is %s: not allowed in a report, and nobody signs after it', async (name, kind, more) => {
    const weak = await openssl(kind, ...more);
    const [signer] = verify(weak, { content }).signers;
    expect(signer).toMatchObject({ verdict: 'indeterminate' });
    expect(signer?.reasons).toContainEqual({ code: 'CRYPTO_CONSTRAINTS_FAILURE', text: `algorithm not allowed: ${name}` });
    const digestOf = (hash: string): Uint8Array => createHash(hash).update(content).digest();
    const add = (): void => {
      readExisting(weak);
      requireExisting(weak, digestOf);
    };
    expect(add).toThrow(expect.objectContaining({ code: 'algorithm_not_allowed' }) as Error);
  });

  it('are signers without signed attributes', async () => {
    const report = verify(await openssl('RSA-2048', '-noattr'), { content, intermediates: [pki.sub.certificate] });
    expect(report).toMatchObject({ verdict: 'invalid', signers: [{ reasons: [{ code: 'FORMAT_FAILURE' }] }] });
  });

  it('is BER of indefinite length, and every other content type', async () => {
    expect(() => parseSignedData(Uint8Array.of(0x30, 0x80, 0x06, 0x01, 0x00, 0, 0))).toThrow(/indefinite form/);
    const streamed = await openssl('RSA-2048', '-stream', '-nodetach');
    expect(() => verify(streamed)).toThrow(expect.objectContaining({ code: 'cms_invalid' }) as Error);
    await pki.openssl('cms', '-data_create', '-in', pki.path('content.bin'), '-outform', 'DER', '-out', pki.path('data.der'));
    const data = await pki.read('data.der');
    expect(() => verify(data)).toThrow(/content type is 1\.2\.840\.113549\.1\.7\.1, not SignedData/);
  });

  it('are truncated bytes: every beginning is refused', async () => {
    const cms = await sign(signerOf('P-256'), 'ES256', 'detached');
    for (let length = 0; length < cms.length; length++)
      expect(() => parseSignedData(cms.subarray(0, length))).toThrow(expect.objectContaining({ code: 'cms_invalid' }) as Error);
    expect(() => parseSignedData(Buffer.concat([cms, Buffer.of(0)]))).toThrow(/1 bytes follow/);
  });

  it.each([
    ['nothing', []],
    ['text', [...Buffer.from('hello there')]],
    ['a length beyond the end, within', [0x30, 0x05, 0x30, 0x7f, 0x06, 0x01, 0x00]],
    ['a length of nine bytes', [0x30, 0x89, 1, 1, 1, 1, 1, 1, 1, 1, 1]],
    ['a length that is longer than it need be', [0x30, 0x81, 0x02, 0x05, 0x00]],
    ['a tag of several bytes', [0x30, 0x03, 0x1f, 0x81, 0x00]],
    ['nesting without end', [...Array.from({ length: 100 }, (_, index) => [0x30, 2 * (99 - index)]).flat()]],
  ])('is %s', (_, bytes) => {
    expect(() => parseSignedData(Uint8Array.from(bytes))).toThrow(expect.objectContaining({ code: 'cms_invalid' }) as Error);
  });

  it('are 10,000 signers, and that is said at once', async () => {
    const one = await sign(signerOf('P-256'), 'ES256', 'detached');
    const start = performance.now();
    expect(() => verify(withSigners(one, 10_000), { content })).toThrow(
      expect.objectContaining({ code: 'cms_invalid' }) as Error,
    );
    expect(() => verify(withSigners(one, 65), { content })).toThrow(/65 signers; 64 are the most/);
    expect(performance.now() - start).toBeLessThan(2_000);
    expect(verify(withSigners(one, 64), { content }).signers).toHaveLength(64);
  });
});

/** The same signer so many times. */
function withSigners(cms: Uint8Array, count: number): Uint8Array {
  const [oid, wrapped] = childrenOf(readDer(cms));
  const [signedData] = wrapped ? childrenOf(wrapped) : [];
  const fields = signedData ? childrenOf(signedData) : [];
  const [signer] = childrenOf(fields.at(-1) ?? new Constructed());
  expect(signer).toBeDefined();
  const one = new Spliced(signer ? rawOf(signer) : cms);
  const all = new Asn1Set({ value: Array.from({ length: count }, () => one) });
  const inner = fields.slice(0, -1).map((field) => new Spliced(rawOf(field)));
  const content = tagged(0, [new Sequence({ value: [...inner, all] })]);
  return encode(new Sequence({ value: [new Spliced(oid ? rawOf(oid) : cms), content] }));
}
