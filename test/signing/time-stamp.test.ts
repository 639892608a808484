/** Time stamps (RFC 3161) from a server of openssl ts, and from servers that are of no use. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TimeStampPolicy } from '../../daemon/access/policy.ts';
import { Constructed, type BaseBlock } from 'asn1js';
import { Spliced, encode, rawOf, readDer } from '../../daemon/signing/cms/asn1.ts';
import { addSignatureTimeStamp, createSignedData, signatureOf } from '../../daemon/signing/cms/signed-data.ts';
import { fetchTimeStamp } from '../../daemon/signing/cms/time-stamp-client.ts';
import { verifySignedData, type SignerReport, type VerifyOptions } from '../../daemon/signing/cms/verify.ts';
import { signWith } from './card-key.ts';
import { TSA_EXTENSIONS, createPki, type Pki, type PkiSigner } from './pki.ts';
import { TSA_POLICY, openTsa, type Tsa, type TsaMood } from './tsa.ts';

const content = Buffer.from('stamped');
const patience = (): AbortSignal => AbortSignal.timeout(20_000);
let pki: Pki;
let tsa: Tsa;
let signer: PkiSigner;
let cms: Uint8Array;

beforeAll(async () => {
  pki = await createPki();
  tsa = await openTsa(pki, await pki.issue('Time', { kind: 'RSA-2048', extensions: TSA_EXTENSIONS }));
  signer = await pki.issue('Signer');
  cms = await createSignedData(
    {
      contentDigest: createHash('sha256').update(content).digest(),
      hash: 'sha256',
      profile: 'cades',
      signer: { certificate: signer.der, chain: [pki.sub.der], algorithm: 'ES256' },
    },
    signWith(pki, signer, 'ES256'),
  );
});
afterAll(async () => {
  await tsa[Symbol.asyncDispose]();
  await pki[Symbol.asyncDispose]();
});

const server = (changes: Partial<TimeStampPolicy> = {}): TimeStampPolicy => ({
  url: tsa.url,
  timeoutMs: 5_000,
  trustAnchors: [pki.root.certificate],
  ...changes,
});

async function stamped(of = tsa, changes: Partial<TimeStampPolicy> = {}): Promise<Uint8Array> {
  of.mood = 'good';
  const { token } = await fetchTimeStamp(server({ url: of.url, ...changes }), signatureOf(cms, 0), patience());
  return addSignatureTimeStamp(cms, 0, token);
}

function verify(signed: Uint8Array, changes: VerifyOptions = {}): SignerReport | undefined {
  const anchors = [pki.root.certificate];
  return verifySignedData(signed, { content, anchors, timeStampAnchors: anchors, ...changes }).signers[0];
}

describe('a time stamp', () => {
  it('from the server stands in the signature, and OpenSSL verifies it and the signature', async () => {
    const before = Date.now();
    const { token, report } = await fetchTimeStamp(server({ policy: TSA_POLICY }), signatureOf(cms, 0), patience());
    expect(report).toMatchObject({ verdict: 'valid', authority: 'CN=Time,C=SE' });
    expect(Math.abs((report.time?.getTime() ?? 0) - before)).toBeLessThan(60_000);
    const data = await pki.file('signature.bin', signatureOf(cms, 0));
    const input = await pki.file('token.der', token);
    const trusted = ['-CAfile', pki.root.certificateFile, '-untrusted', pki.sub.certificateFile];
    expect(await pki.openssl('ts', '-verify', '-data', data, '-in', input, '-token_in', ...trusted)).toContain(
      'Verification: OK',
    );
    const signed = await pki.file('stamped.der', addSignatureTimeStamp(cms, 0, token));
    const file = await pki.file('content.bin', content);
    const given = ['-inform', 'DER', '-in', signed, '-content', file, '-CAfile', pki.root.certificateFile, '-purpose', 'any'];
    expect(await pki.openssl('cms', '-verify', '-binary', '-cades', ...given, '-out', pki.path('out'))).toContain('successful');
  });

  it('says when it was signed, which counts before what the signer claims', async () => {
    const report = verify(await stamped());
    expect(report).toMatchObject({
      verdict: 'valid',
      validity: { source: 'time_stamp' },
      timeStamp: { verdict: 'valid', reasons: [] },
    });
    expect(report?.validity.at).toEqual(report?.timeStamp?.time);
  });

  it('of an authority that is not trusted is told, and not relied on', async () => {
    const report = verify(await stamped(), { timeStampAnchors: [pki.other.certificate] });
    expect(report).toMatchObject({
      verdict: 'valid',
      validity: { source: 'claimed' },
      timeStamp: { verdict: 'indeterminate', reasons: [{ code: 'NO_CERTIFICATE_CHAIN_FOUND' }] },
    });
    await expect(stamped(tsa, { trustAnchors: [pki.other.certificate] })).rejects.toMatchObject({ code: 'time_stamp_failed' });
    expect(verify(await stamped(tsa, { trustAnchors: [] }))?.timeStamp?.verdict).toBe('valid');
  });

  it('over another signature is invalid, and takes nothing from the signature itself', async () => {
    const other = await createSignedData(
      {
        contentDigest: createHash('sha256').update(content).digest(),
        hash: 'sha256',
        profile: 'cades',
        signer: { certificate: signer.der, chain: [pki.sub.der], algorithm: 'ES256' },
      },
      signWith(pki, signer, 'ES256'),
    );
    const { token } = await fetchTimeStamp(server(), signatureOf(cms, 0), patience());
    expect(verify(addSignatureTimeStamp(other, 0, token))).toMatchObject({
      verdict: 'valid',
      validity: { source: 'claimed' },
      timeStamp: { verdict: 'invalid', reasons: [{ code: 'HASH_FAILURE' }] },
    });
  });

  it('that was changed in any byte is not valid', async () => {
    const { token } = await fetchTimeStamp(server(), signatureOf(cms, 0), patience());
    const at = Buffer.from(token).indexOf(createHash('sha256').update(signatureOf(cms, 0)).digest());
    const changed = Uint8Array.from(token);
    changed[at] = (changed[at] ?? 0) ^ 1;
    const report = verify(addSignatureTimeStamp(cms, 0, changed))?.timeStamp;
    expect(report?.verdict).toBe('invalid');
    expect(report?.reasons.map(({ code }) => code)).toEqual(['HASH_FAILURE', 'HASH_FAILURE']);
  });

  it.each([
    ['for other things', 'keyUsage=critical,digitalSignature'],
    ['for time stamps and more', 'keyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping,codeSigning'],
  ])('by a certificate %s is refused', async (_, extensions) => {
    // OpenSSL does not sign with such a certificate: what it signs with has the same name, number and key.
    const authority = await pki.issue('Other time', { kind: 'RSA-2048', extensions: TSA_EXTENSIONS });
    const made = ['-CA', pki.sub.certificateFile, '-CAkey', pki.sub.keyFile, '-days', '9'];
    const extfile = await pki.file('x.ext', extensions);
    await pki.openssl(
      'x509',
      '-req',
      '-in',
      pki.path('Other time.csr'),
      ...made,
      '-extfile',
      extfile,
      '-out',
      pki.path('x.pem'),
      '-set_serial',
      `0x${authority.certificate.serialNumber}`,
    );
    await using other = await openTsa(pki, authority);
    const { token } = await fetchTimeStamp(server({ url: other.url }), signatureOf(cms, 0), patience());
    const der = Buffer.from(
      (await pki.openssl('x509', '-in', pki.path('x.pem'))).replaceAll(/-----[^-]+-----|\s/g, ''),
      'base64',
    );
    const report = verify(addSignatureTimeStamp(cms, 0, withCertificate(token, authority.der, der)))?.timeStamp;
    expect(report?.reasons.map(({ code }) => code)).toContain('CHAIN_CONSTRAINTS_FAILURE');
  });
});

/** The token with one certificate in place of another. Lengths around it change with it. */
function withCertificate(token: Uint8Array, old: Uint8Array, by: Uint8Array): Uint8Array {
  return encode(rebuilt(readDer(token), old, by));
}

function rebuilt(block: BaseBlock, old: Uint8Array, by: Uint8Array): BaseBlock {
  const raw = rawOf(block);
  if (Buffer.compare(raw, old) === 0) return new Spliced(by);
  if (!(block instanceof Constructed) || Buffer.from(raw).indexOf(old) < 0) return new Spliced(raw);
  const { tagClass, tagNumber } = block.idBlock;
  const value = block.valueBlock.value.map((child) => rebuilt(child, old, by));
  return new Constructed({ idBlock: { tagClass, tagNumber }, value });
}

describe('a server of no use', () => {
  it.each<[TsaMood, RegExp]>([
    ['refusing', /refused with status 2/],
    ['another nonce', /answers another request/],
    ['another imprint', /over something else/],
    ['garbage', /no time-stamp response/],
    ['silent', /nothing came within 500 ms/],
    ['endless', /longer than 65536 bytes/],
    ['status 500', /answered 500/],
    ['redirecting', /cannot be reached/],
  ])('that is %s gives time_stamp_failed', async (mood, problem) => {
    tsa.mood = mood;
    const fetched = fetchTimeStamp(server({ timeoutMs: 500 + (mood === 'silent' ? 0 : 4_500) }), signatureOf(cms, 0), patience());
    await expect(fetched).rejects.toMatchObject({ code: 'time_stamp_failed', message: expect.stringMatching(problem) as string });
  });

  it('because there is none, or another policy was asked for, gives time_stamp_failed', async () => {
    const nobody = fetchTimeStamp(server({ url: 'http://127.0.0.1:9/' }), signatureOf(cms, 0), patience());
    await expect(nobody).rejects.toMatchObject({ code: 'time_stamp_failed' });
    tsa.mood = 'good';
    const other = fetchTimeStamp(server({ policy: '1.2.3.99' }), signatureOf(cms, 0), patience());
    await expect(other).rejects.toMatchObject({ code: 'time_stamp_failed' });
  });

  it('is given up when the call is', async () => {
    tsa.mood = 'silent';
    const reason = new Error('given up');
    const call = new AbortController();
    const fetched = fetchTimeStamp(server(), signatureOf(cms, 0), call.signal);
    setTimeout(() => call.abort(reason), 50);
    await expect(fetched).rejects.toBe(reason);
  });
});
