/** What a certification request asks for, read back by the openssl program. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCertificateRequest, preferredAlgorithm } from '../../daemon/signing/certificate-request.ts';
import type { RequestedExtensions } from '../../daemon/signing/extension-request.ts';
import { signWith } from './card-key.ts';
import { createPki, type Pki } from './pki.ts';

const CARD_NUMBER = '9752269875412345671';

let pki: Pki;

beforeAll(async () => {
  pki = await createPki();
}, 60_000);
afterAll(() => pki[Symbol.asyncDispose]());

/** What `openssl req -text -verify` says of the request. */
async function requestWith(
  kind: 'RSA-2048' | 'P-256',
  extensions?: RequestedExtensions,
  { subject }: { readonly subject: string } = { subject: 'CN=Anna Lindqvist,C=SE' },
): Promise<string> {
  const signer = await pki.issue('card', { kind });
  const algorithm = preferredAlgorithm(kind);
  const publicKey = new Uint8Array(signer.certificate.publicKey.export({ format: 'der', type: 'spki' }));
  const { request } = await createCertificateRequest(
    { subject, key: { algorithm: kind, publicKey }, algorithm, ...(extensions ? { extensions } : {}) },
    signWith(pki, signer, algorithm),
  );
  return await pki.openssl('req', '-in', await pki.file('request.pem', request), '-noout', '-text', '-verify');
}

describe('a certification request', () => {
  it.each([
    ['RSA-2048', 'authentication', 'Digital Signature, Key Encipherment'],
    ['RSA-2048', 'signature', 'Non Repudiation'],
    ['P-256', 'authentication', 'Digital Signature'],
    ['P-256', 'signature', 'Non Repudiation'],
  ] as const)('for an %s key for %s asks for %s, critical', async (kind, keyUsage, text) => {
    const answer = await requestWith(kind, { keyUsage });
    expect(answer).toContain('verify OK');
    expect(answer).toMatch(new RegExp(`Requested Extensions:\\s+X509v3 Key Usage: critical\\n\\s+${text}\\n`));
    expect(answer).not.toContain('1.2.752.34.2.1');
  });

  it('names the card, as a PrintableString', async () => {
    const answer = await requestWith('P-256', { keyUsage: 'signature', cardNumber: CARD_NUMBER });
    expect(answer).toContain('verify OK');
    expect(answer).toMatch(new RegExp(`1\\.2\\.752\\.34\\.2\\.1: ?\\n\\s+\\.\\.${CARD_NUMBER}\\n`));
    const structure = await pki.openssl('asn1parse', '-in', pki.path('request.pem'), '-i');
    expect(structure).toMatch(/1\.2\.752\.34\.2\.1\n[^\n]*OCTET STRING\s+\[HEX DUMP\]:1313/);
  });

  it('asks for nothing unless it is told to', async () => {
    const answer = await requestWith('P-256');
    expect(answer).toContain('verify OK');
    expect(answer).toMatch(/Attributes:\s+\(none\)\s+Requested Extensions:\s+Signature Algorithm/);
  });

  it('names a person as certificates of people do', async () => {
    const subject =
      'CN=Åsa Öberg,serialNumber=SE2321000016-BENCH3,givenName=Åsa,surname=Öberg,title=Sjuksköterska,O=BENCH Region\\, norr,C=SE';
    await requestWith('P-256', undefined, { subject });
    const name = ['-noout', '-subject', '-nameopt', 'RFC2253,utf8,-esc_msb,sname'];
    expect(await pki.openssl('req', '-in', pki.path('request.pem'), ...name)).toContain(
      'subject=CN=Åsa Öberg,serialNumber=SE2321000016-BENCH3,GN=Åsa,SN=Öberg,title=Sjuksköterska,O=BENCH Region\\, norr,C=SE',
    );
  });

  it('is not made with a card number that is none', async () => {
    await expect(requestWith('P-256', { keyUsage: 'signature', cardNumber: 'ÅÄÖ' })).rejects.toMatchObject({
      code: 'invalid_params',
    });
  });
});
