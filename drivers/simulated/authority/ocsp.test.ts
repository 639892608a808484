import { createHash, randomBytes } from 'node:crypto';
import { Integer, OctetString } from 'asn1js';
import { AlgorithmIdentifier, BasicOCSPResponse, CertID, Extension, OCSPRequest, OCSPResponse, Request, TBSRequest } from 'pkijs';
import { afterAll, describe, expect, it } from 'vitest';
import { loadScenario } from '../scenario.ts';
import { bufferOf, readAsn1 } from './asn1.ts';
import { openTestAuthority } from './authority.ts';
import type { Issuer } from './issuers.ts';
import { findProfile } from './profiles.ts';
import { makeRequest } from './testing.ts';

let now = new Date('2026-03-01T12:00:00Z');
const scenario = await loadScenario('office');
const authority = await openTestAuthority({ scenario, address: () => 'http://127.0.0.1:1', now: () => now });
afterAll(() => authority[Symbol.asyncDispose]());

await authority.issue(await makeRequest(), { profile: findProfile('loa3') });
const ISSUED = authority.issued()[0]?.serialNumber ?? '';
const ISSUER = authority.findIssuer('bench-e-id-person-hsa-id-3-ca-v1');
const OTHER = authority.findIssuer('bench-e-id-person-hsa-id-2-ca-v1');

const HASHES = { sha1: '1.3.14.3.2.26', sha256: '2.16.840.1.101.3.4.2.1' } as const;

function idOf({ fields }: Issuer, serialNumber: string, hash: keyof typeof HASHES = 'sha1'): CertID {
  const digest = (bytes: ArrayBuffer | Uint8Array): OctetString =>
    new OctetString({ valueHex: bufferOf(new Uint8Array(createHash(hash).update(new Uint8Array(bytes)).digest())) });
  return new CertID({
    hashAlgorithm: new AlgorithmIdentifier({ algorithmId: HASHES[hash] }),
    issuerNameHash: digest(fields.subject.toSchema().toBER()),
    issuerKeyHash: digest(fields.subjectPublicKeyInfo.subjectPublicKey.valueBlock.valueHexView),
    serialNumber: Integer.fromBigInt(`0x${serialNumber}`),
  });
}

function questionOf(ids: readonly CertID[], nonce?: Uint8Array): Uint8Array {
  const tbsRequest = new TBSRequest({ requestList: ids.map((reqCert) => new Request({ reqCert })) });
  if (nonce)
    tbsRequest.requestExtensions = [
      new Extension({ extnID: '1.3.6.1.5.5.7.48.1.2', extnValue: new OctetString({ valueHex: bufferOf(nonce) }).toBER() }),
    ];
  return new Uint8Array(new OCSPRequest({ tbsRequest }).toSchema(true).toBER());
}

/** Its status, and the answers where there are some: numbers of the tags good 0, revoked 1, unknown 2. */
async function ask(question: Uint8Array): Promise<{ status: number; answers?: readonly number[]; basic?: BasicOCSPResponse }> {
  const response = new OCSPResponse({ schema: readAsn1(await authority.ocsp(question)) });
  const status = response.responseStatus.valueBlock.valueDec;
  if (!response.responseBytes) return { status };
  const basic = new BasicOCSPResponse({ schema: readAsn1(response.responseBytes.response.valueBlock.valueHexView) });
  const answers = basic.tbsResponseData.responses.map(
    ({ certStatus }) => (certStatus as { idBlock: { tagNumber: number } }).idBlock.tagNumber,
  );
  return { status, answers, basic };
}

describe('an OCSP answer', () => {
  it.each(['sha1', 'sha256'] as const)('finds the issuer by %s', async (hash) => {
    expect(await ask(questionOf([idOf(ISSUER, ISSUED, hash)]))).toMatchObject({ status: 0, answers: [0] });
  });

  it('tells of several, and knows nothing of what another issuer issued', async () => {
    const ids = [idOf(ISSUER, ISSUED), idOf(ISSUER, '1234'), idOf(OTHER, ISSUED)];
    expect(await ask(questionOf(ids))).toMatchObject({ status: 0, answers: [0, 2, 2] });
    expect(await ask(questionOf([idOf(OTHER, ISSUED)]))).toMatchObject({ status: 0, answers: [2] });
  });

  it.each([1, 16, 128])('gives a nonce of %i bytes back', async (length) => {
    const nonce = new Uint8Array(randomBytes(length));
    const { basic } = await ask(questionOf([idOf(ISSUER, ISSUED)], nonce));
    const value = readAsn1(basic?.tbsResponseData.responseExtensions?.[0]?.extnValue.valueBlock.valueHexView ?? new Uint8Array());
    expect(value instanceof OctetString && value.valueBlock.valueHexView).toEqual(nonce);
  });

  it.each([0, 129])('is none to a nonce of %i bytes', async (length) => {
    expect(await ask(questionOf([idOf(ISSUER, ISSUED)], new Uint8Array(length)))).toEqual({ status: 1 });
  });

  it('is none to anything else', async () => {
    const question = questionOf([idOf(ISSUER, ISSUED)]);
    expect(await ask(new Uint8Array())).toEqual({ status: 1 });
    for (let length = 1; length < question.length; length++)
      expect(await ask(question.subarray(0, length))).toEqual({ status: 1 });
    expect(await ask(questionOf(Array.from({ length: 65 }, () => idOf(ISSUER, ISSUED))))).toEqual({ status: 1 });
  });

  it('is signed by a responder that the issuer let answer, and by another one when that expires', async () => {
    const responder = async (): Promise<string> => {
      const { basic } = await ask(questionOf([idOf(ISSUER, ISSUED)]));
      const [certificate] = basic?.certs ?? [];
      if (!certificate) throw new Error('there is no responder');
      expect(await certificate.verify(ISSUER.fields)).toBe(true);
      expect(certificate.notAfter.value.getTime()).toBeGreaterThan(now.getTime());
      return Buffer.from(certificate.serialNumber.valueBlock.valueHexView).toString('hex');
    };
    const first = await responder();
    expect(await responder()).toBe(first);
    now = new Date(now.getTime() + 20 * 3_600_000);
    expect(await responder()).not.toBe(first);
  });
});
