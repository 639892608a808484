/** Whether a signer's certificate was revoked: by lists and OCSP responses that openssl made. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addSignatureTimeStamp, createSignedData, signatureOf } from '../../daemon/signing/cms/signed-data.ts';
import { fetchTimeStamp } from '../../daemon/signing/cms/time-stamp-client.ts';
import { verifySignedData, type SignerReport, type VerifyOptions } from '../../daemon/signing/cms/verify.ts';
import { signWith } from './card-key.ts';
import { TSA_EXTENSIONS, createPki, type Pki, type PkiSigner } from './pki.ts';
import { openTsa } from './tsa.ts';

const content = Buffer.from('whose key was it?');
let pki: Pki;
let good: PkiSigner;
let revoked: PkiSigner;
let responder: PkiSigner;
let signed: { readonly good: Uint8Array; readonly revoked: Uint8Array; readonly stamped: Uint8Array };

beforeAll(async () => {
  pki = await createPki();
  good = await pki.issue('Good');
  revoked = await pki.issue('Revoked');
  responder = await pki.issue('Responder', { extensions: 'extendedKeyUsage=OCSPSigning' });
  await using tsa = await openTsa(pki, await pki.issue('Time', { kind: 'RSA-2048', extensions: TSA_EXTENSIONS }));
  const sign = (signer: PkiSigner): Promise<Uint8Array> =>
    createSignedData(
      {
        contentDigest: createHash('sha256').update(content).digest(),
        hash: 'sha256',
        profile: 'cades',
        signer: { certificate: signer.der, chain: [pki.sub.der], algorithm: 'ES256' },
      },
      signWith(pki, signer, 'ES256'),
    );
  const plain = await sign(revoked);
  const server = { url: tsa.url, timeoutMs: 5_000, trustAnchors: [] };
  const { token } = await fetchTimeStamp(server, signatureOf(plain, 0), AbortSignal.timeout(10_000));
  signed = { good: await sign(good), revoked: plain, stamped: addSignatureTimeStamp(plain, 0, token) };
  // The list tells whole seconds: the next one is after the time stamp.
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  await pki.revoke(revoked);
});
afterAll(() => pki[Symbol.asyncDispose]());

function verify(cms: Uint8Array, changes: VerifyOptions = {}): SignerReport | undefined {
  const anchors = [pki.root.certificate];
  return verifySignedData(cms, { content, anchors, timeStampAnchors: anchors, ...changes }).signers[0];
}

async function ocsp(about: PkiSigner, by: PkiSigner, ...more: readonly string[]): Promise<Uint8Array> {
  const asked = ['-issuer', pki.sub.certificateFile, '-cert', about.certificateFile, '-no_nonce'];
  await pki.openssl('ocsp', ...asked, '-reqout', pki.path('ocsp.req'));
  const answered = ['-index', pki.path('sub.index'), '-CA', pki.sub.certificateFile, '-reqin', pki.path('ocsp.req')];
  const signer = ['-rsigner', by.certificateFile, '-rkey', by.keyFile, '-ndays', '7', ...more];
  await pki.openssl('ocsp', ...answered, ...signer, '-respout', pki.path('ocsp.der'));
  return await pki.read('ocsp.der');
}

const later = new Date(Date.now() + 40 * 86_400_000);

describe('a revocation list', () => {
  it('of an authority that revoked 20,000 certificates is read, in bounded time', async () => {
    const index = await pki.read('sub.index');
    const entry = (number: number): string =>
      `R\t400101000000Z\t260101000000Z\t${(number + 0x100000).toString(16).toUpperCase()}\tunknown\t/CN=x\n`;
    await pki.file(
      'sub.index',
      Buffer.concat([index, Buffer.from(Array.from({ length: 20_000 }, (_, number) => entry(number)).join(''))]),
    );
    const crl = await pki.crl();
    await pki.file('sub.index', index);
    expect(crl.length).toBeGreaterThan(400_000);
    const start = performance.now();
    expect(verify(signed.good, { crls: [crl] })?.revocation).toMatchObject({ status: 'good', source: 'crl' });
    expect(verify(signed.revoked, { crls: [crl] })?.revocation).toMatchObject({ status: 'revoked' });
    expect(performance.now() - start).toBeLessThan(20_000);
  });

  it('says that one certificate is good and another was revoked', async () => {
    const crls = [await pki.crl()];
    expect(verify(signed.good, { crls })).toMatchObject({ verdict: 'valid', revocation: { status: 'good', source: 'crl' } });
    const report = verify(signed.revoked, { crls });
    expect(report).toMatchObject({
      verdict: 'indeterminate',
      reasons: [{ code: 'REVOKED_NO_POE' }],
      revocation: { status: 'revoked' },
    });
    expect(report?.revocation.revokedAt).toBeInstanceOf(Date);
  });

  it('that is older than a time stamp’s signature takes nothing from it', async () => {
    expect(verify(signed.stamped, { crls: [await pki.crl()] })).toMatchObject({
      verdict: 'valid',
      revocation: { status: 'revoked' },
      validity: { source: 'time_stamp' },
    });
  });

  it('that is too old, of another issuer, or not genuine tells nothing', async () => {
    const crl = await pki.crl();
    expect(verify(signed.good, { crls: [crl], now: later })).toMatchObject({
      reasons: [{ code: 'TRY_LATER' }],
      revocation: { status: 'unknown' },
    });
    expect(verify(signed.good, { crls: [await pki.crl('root')] })?.revocation).toMatchObject({
      status: 'unknown',
      problem: expect.stringMatching(/nothing that was given/) as string,
    });
    const forged = Uint8Array.from(crl);
    forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
    expect(verify(signed.good, { crls: [forged] })?.revocation).toMatchObject({
      status: 'unknown',
      problem: expect.stringMatching(/signature/) as string,
    });
  });

  it('of the authority above tells that it was revoked itself', async () => {
    const fresh = await createPki();
    try {
      const signer = await fresh.issue('Below');
      const cms = await createSignedData(
        {
          contentDigest: createHash('sha256').update(content).digest(),
          hash: 'sha256',
          profile: 'cades',
          signer: { certificate: signer.der, chain: [fresh.sub.der], algorithm: 'ES256' },
        },
        signWith(fresh, signer, 'ES256'),
      );
      await fresh.revoke(fresh.sub, 'root');
      const crls = [await fresh.crl('root'), await fresh.crl('sub')];
      const [report] = verifySignedData(cms, { content, anchors: [fresh.root.certificate], crls }).signers;
      expect(report).toMatchObject({ verdict: 'indeterminate', reasons: [{ code: 'REVOKED_CA_NO_POE' }] });
    } finally {
      await fresh[Symbol.asyncDispose]();
    }
  });
});

describe('an OCSP response', () => {
  it('by the issuer, and by whom it let answer, says good and revoked', async () => {
    for (const by of [pki.sub, responder]) {
      expect(verify(signed.good, { ocspResponses: [await ocsp(good, by)] })).toMatchObject({
        verdict: 'valid',
        revocation: { status: 'good', source: 'ocsp' },
      });
      expect(verify(signed.revoked, { ocspResponses: [await ocsp(revoked, by)] })?.revocation).toMatchObject({
        status: 'revoked',
      });
    }
  });

  it('by somebody else, or too old, tells nothing', async () => {
    const stranger = await ocsp(good, good, '-resp_no_certs');
    expect(verify(signed.good, { ocspResponses: [stranger] })).toMatchObject({
      verdict: 'indeterminate',
      revocation: { status: 'unknown', problem: expect.stringMatching(/signature of the OCSP response/) as string },
    });
    const old = [await ocsp(good, responder)];
    expect(verify(signed.good, { ocspResponses: old, now: later })?.revocation).toMatchObject({
      status: 'unknown',
      problem: expect.stringMatching(/too old/) as string,
    });
  });
});

it('without any list or response it is not checked, and what is none is refused', () => {
  expect(verify(signed.good)).toMatchObject({ verdict: 'valid', revocation: { status: 'not_checked' } });
  for (const bytes of [Buffer.from('none'), signed.good]) {
    expect(() => verify(signed.good, { crls: [bytes] })).toThrow(/crls\.0 is no certificate revocation list/);
    expect(() => verify(signed.good, { ocspResponses: [bytes] })).toThrow(/ocspResponses\.0 is no OCSP response/);
  }
});
