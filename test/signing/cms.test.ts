/** CMS signatures against OpenSSL, both ways: what kortd makes is verified by openssl cms, and what that makes is verified, and added to, by kortd. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SIGNATURE_SCHEMES } from '../../apdu/signature-encoding.ts';
import type { SignatureAlgorithm } from '../../apdu/token.ts';
import { createSignedData, type NewSignature } from '../../daemon/signing/cms/signed-data.ts';
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
