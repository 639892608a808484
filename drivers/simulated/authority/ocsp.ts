/** Answers of an OCSP responder (RFC 6960, section 4.2), by pkijs: good, revoked or unknown, with the nonce of the question (RFC 9654). */
import { createHash } from 'node:crypto';
import { Constructed, Enumerated, GeneralizedTime, OctetString, Primitive, type BaseBlock } from 'asn1js';
import type { Extension } from 'pkijs';
import { BasicOCSPResponse, OCSPRequest, OCSPResponse, ResponseBytes, ResponseData, SingleResponse, type CertID } from 'pkijs';
import { equalBytes, formatHex } from '../bytes.ts';
import { bufferOf, readAsn1 } from './asn1.ts';
import type { Issuer } from './issuers.ts';
import type { Revocation } from './ledger.ts';
import { REASON_NUMBERS } from './reasons.ts';
import type { Responder } from './responder.ts';

/** RFC 6960, sections 4.2.1 and 4.4.1. */
const OID_BASIC_RESPONSE = '1.3.6.1.5.5.7.48.1.1';
const OID_NONCE = '1.3.6.1.5.5.7.48.1.2';
/** OCSPResponseStatus (RFC 6960, section 4.2.1). */
const STATUS_SUCCESSFUL = 0;
const STATUS_MALFORMED_REQUEST = 1;
const STATUS_UNAUTHORIZED = 6;
/** Class of tags (ITU-T X.690, section 8.1.2.2): context-specific. */
const CONTEXT_SPECIFIC = 3;
/** Of CertID: it names an issuer, and promises nothing. RFC 6960, section 4.3; RFC 5754, section 2. */
const ID_HASHES: ReadonlyMap<string, string> = new Map([
  ['1.3.14.3.2.26', 'sha1'],
  ['2.16.840.1.101.3.4.2.1', 'sha256'],
  ['2.16.840.1.101.3.4.2.2', 'sha384'],
  ['2.16.840.1.101.3.4.2.3', 'sha512'],
]);
const MAX_QUESTIONS = 64;
/** RFC 9654, section 2.1. */
const MAX_NONCE_BYTES = 128;
const ANSWER_LIFETIME_MS = 3_600_000;

export interface OcspKnowledge {
  readonly issuers: readonly Issuer[];
  responderOf(issuer: Issuer): Promise<Responder>;
  /** Undefined: this issuer never issued that. */
  statusOf(issuer: Issuer, serialNumber: string): 'good' | Revocation | undefined;
}

/** DER of OCSPResponse, whatever the question is. */
export async function answerOcsp(question: Uint8Array, known: OcspKnowledge, now: Date): Promise<Uint8Array> {
  const request = readQuestion(question);
  if (!request) return encodeFailure(STATUS_MALFORMED_REQUEST);
  const asked = request.ids.map((id) => ({ id, issuer: known.issuers.find((issuer) => isOf(id, issuer)) }));
  const issuer = asked.find((one) => one.issuer)?.issuer;
  if (!issuer) return encodeFailure(STATUS_UNAUTHORIZED);
  const responder = await known.responderOf(issuer);
  const whole = new Date(Math.floor(now.getTime() / 1000) * 1000);
  const answer = new BasicOCSPResponse({
    tbsResponseData: new ResponseData({
      responderID: new OctetString({ valueHex: bufferOf(responder.keyIdentifier) }),
      producedAt: whole,
      // One that another issuer answers for is not known to this one.
      responses: asked.map((one) =>
        encodeAnswer(one.id, one.issuer === issuer ? known.statusOf(issuer, serialOf(one.id)) : undefined, whole),
      ),
      ...(request.nonce ? { responseExtensions: [request.nonce] } : {}),
    }),
    certs: [responder.certificate],
  });
  await answer.sign(responder.signingKey, 'SHA-256');
  const response = new OctetString({ valueHex: answer.toSchema().toBER() });
  const responseBytes = new ResponseBytes({ responseType: OID_BASIC_RESPONSE, response });
  return encode(new OCSPResponse({ responseStatus: new Enumerated({ value: STATUS_SUCCESSFUL }), responseBytes }));
}

/** Undefined for what is none. */
function readQuestion(der: Uint8Array): { readonly ids: readonly CertID[]; readonly nonce?: Extension } | undefined {
  try {
    const { requestList, requestExtensions = [] } = new OCSPRequest({ schema: readAsn1(der) }).tbsRequest;
    const nonce = requestExtensions.find(({ extnID }) => extnID === OID_NONCE);
    if (requestList.length === 0 || requestList.length > MAX_QUESTIONS) return undefined;
    if (nonce && !isNonce(nonce)) return undefined;
    return { ids: requestList.map(({ reqCert }) => reqCert), ...(nonce ? { nonce } : {}) };
  } catch {
    // Whatever the library says of bytes that are no request, the answer is the same.
    return undefined;
  }
}

function isNonce(extension: Extension): boolean {
  const value = readAsn1(extension.extnValue.valueBlock.valueHexView);
  const length = value instanceof OctetString ? value.valueBlock.valueHexView.length : 0;
  return length >= 1 && length <= MAX_NONCE_BYTES;
}

function isOf(id: CertID, { fields }: Issuer): boolean {
  const hash = ID_HASHES.get(id.hashAlgorithm.algorithmId);
  if (hash === undefined) return false;
  const digest = (bytes: ArrayBuffer | Uint8Array): Uint8Array =>
    new Uint8Array(createHash(hash).update(new Uint8Array(bytes)).digest());
  return (
    equalBytes(id.issuerNameHash.valueBlock.valueHexView, digest(fields.subject.toSchema().toBER())) &&
    equalBytes(
      id.issuerKeyHash.valueBlock.valueHexView,
      digest(fields.subjectPublicKeyInfo.subjectPublicKey.valueBlock.valueHexView),
    )
  );
}

/** Hexadecimal, without zeros before it. */
function serialOf(id: CertID): string {
  return formatHex(id.serialNumber.valueBlock.valueHexView).replace(/^0+(?=.)/, '');
}

function encodeAnswer(certID: CertID, status: 'good' | Revocation | undefined, now: Date): SingleResponse {
  return new SingleResponse({
    certID,
    certStatus: encodeStatus(status),
    thisUpdate: now,
    nextUpdate: new Date(now.getTime() + ANSWER_LIFETIME_MS),
  });
}

/** CertStatus (RFC 6960, section 4.2.1): good [0] and unknown [2] are NULL, revoked [1] is RevokedInfo, all under implicit tags. */
function encodeStatus(status: 'good' | Revocation | undefined): BaseBlock {
  if (status === 'good') return new Primitive({ idBlock: { tagClass: CONTEXT_SPECIFIC, tagNumber: 0 } });
  if (!status) return new Primitive({ idBlock: { tagClass: CONTEXT_SPECIFIC, tagNumber: 2 } });
  const reason = new Enumerated({ value: REASON_NUMBERS.get(status.reason) ?? 0 });
  return new Constructed({
    idBlock: { tagClass: CONTEXT_SPECIFIC, tagNumber: 1 },
    value: [
      new GeneralizedTime({ valueDate: new Date(Math.floor(Date.parse(status.revokedAt) / 1000) * 1000) }),
      new Constructed({ idBlock: { tagClass: CONTEXT_SPECIFIC, tagNumber: 0 }, value: [reason] }),
    ],
  });
}

function encodeFailure(status: number): Uint8Array {
  return encode(new OCSPResponse({ responseStatus: new Enumerated({ value: status }) }));
}

function encode(response: OCSPResponse): Uint8Array {
  return new Uint8Array(response.toSchema().toBER());
}
