/**
 * Whether a certificate was revoked, by what the caller gave: certificate revocation lists (RFC 5280, section 5 and 6.3) and OCSP responses (RFC 6960, section 4.2). Each is
 * taken only when its signature is by the certificate's own issuer (an OCSP response: or by whom that issuer let answer) and it is fresh. Nothing is fetched.
 */
import { createHash, type X509Certificate } from 'node:crypto';
import { BaseBlock, Constructed } from 'asn1js';
import { BasicOCSPResponse, CertificateRevocationList, OCSPResponse, type AlgorithmIdentifier, type SingleResponse } from 'pkijs';
import { ApiError } from '../../errors.ts';
import { readCertificate } from '../certificate.ts';
import {
  EXTENDED_KEY_USAGE,
  KEY_USAGE,
  certificateFields,
  certificateId,
  extendedKeyUsageOf,
  extensionsOf,
  keyUsageOf,
  publicKeyOf,
  requireStrongCertificate,
  subjectOf,
} from '../certificate-fields.ts';
import { AlgorithmNotAllowedError, decodeSignatureAlgorithm, requireStrongKey, verifySignature } from './algorithms.ts';
import { DerError, octetsOf, readDer, timeOf } from './asn1.ts';
import type { RevocationReport } from './report.ts';

export interface RevocationMaterial {
  readonly lists: readonly CertificateRevocationList[];
  readonly responses: readonly BasicOCSPResponse[];
}

export interface RevocationQuestion {
  readonly certificate: X509Certificate;
  readonly issuer: X509Certificate;
  /** What must still have been fresh then: the time of a time stamp, else now. */
  readonly reference: Date;
  readonly now: Date;
}

/** Clocks of authorities may be ahead. */
const CLOCK_MS = 300_000;
/** RFC 6960, section 4.2.1. */
const OID_BASIC_RESPONSE = '1.3.6.1.5.5.7.48.1.1';
const MAX_RESPONDERS = 8;
/** Of CertID: it names an issuer, and promises nothing. RFC 6960, section 4.3. */
const ID_HASHES: ReadonlyMap<string, string> = new Map([
  ['1.3.14.3.2.26', 'sha1'],
  ['2.16.840.1.101.3.4.2.1', 'sha256'],
]);

/** Throws invalid_params, with the name and place of what is none. */
export function readRevocation(crls: readonly Uint8Array[], ocspResponses: readonly Uint8Array[]): RevocationMaterial {
  return {
    lists: crls.map((der, index) => orInvalid(`crls.${index} is no certificate revocation list`, () => readList(der))),
    responses: ocspResponses.map((der, index) =>
      orInvalid(`ocspResponses.${index} is no OCSP response with an answer`, () => readResponse(der)),
    ),
  };
}

export function checkRevocation(question: RevocationQuestion, { lists, responses }: RevocationMaterial): RevocationReport {
  if (lists.length === 0 && responses.length === 0) return { status: 'not_checked' };
  const answers = [
    ...lists.flatMap((list) => answered('crl', () => askList(list, question))),
    ...responses.flatMap((response) => answered('ocsp', () => askResponse(response, question))),
  ];
  const answer = (status: RevocationReport['status']): RevocationReport | undefined =>
    answers.find((one) => one.status === status);
  return (
    answer('revoked') ??
    answer('good') ??
    answer('unknown') ?? { status: 'unknown', problem: 'nothing that was given tells of this certificate' }
  );
}

/** No answer: it is of another issuer. */
function answered(source: 'crl' | 'ocsp', ask: () => RevocationReport | undefined): readonly RevocationReport[] {
  try {
    const report = ask();
    return report ? [{ ...report, source }] : [];
  } catch (error) {
    if (error instanceof AlgorithmNotAllowedError || error instanceof DerError)
      return [{ status: 'unknown', source, problem: error.message }];
    throw error;
  }
}

function readList(der: Uint8Array): CertificateRevocationList {
  return new CertificateRevocationList({ schema: readDer(der) });
}

function readResponse(der: Uint8Array): BasicOCSPResponse {
  const { responseBytes } = new OCSPResponse({ schema: readDer(der) });
  if (responseBytes?.responseType !== OID_BASIC_RESPONSE) throw new DerError('it has no answer');
  return new BasicOCSPResponse({ schema: readDer(octetsOf(responseBytes.response)) });
}

function orInvalid<R>(problem: string, work: () => R): R {
  try {
    return work();
  } catch (error) {
    throw new ApiError('invalid_params', `reading revocation: ${problem}`, { problem }, { cause: error });
  }
}

/** Undefined when it is another issuer's. */
function askList(list: CertificateRevocationList, question: RevocationQuestion): RevocationReport | undefined {
  const { certificate, issuer } = question;
  if (Buffer.compare(new Uint8Array(list.issuer.valueBeforeDecode), subjectOf(issuer)) !== 0) return undefined;
  const mayUse = keyUsageOf(extensionsOf(issuer));
  if (mayUse && !mayUse(KEY_USAGE.cRLSign)) return unknown('the issuer may not sign revocation lists (keyUsage)');
  if (!isSignedBy(list, list.tbsView, list.signatureValue.valueBlock.valueHexView, issuer))
    return unknown('the signature of the revocation list is not by the issuer');
  if (list.crlExtensions?.extensions.some(({ critical }) => critical))
    return unknown('the revocation list is a partial one (critical extension)');
  const stale = staleness(list.thisUpdate.value, list.nextUpdate?.value, question);
  const { serialNumber } = certificateId(certificate);
  const entry = list.revokedCertificates?.find(
    ({ userCertificate }) => Buffer.compare(userCertificate.valueBlock.valueHexView, serialNumber) === 0,
  );
  // Once revoked, a stale list tells it as well as a fresh one.
  if (entry) return { status: 'revoked', revokedAt: entry.revocationDate.value };
  return stale === undefined ? { status: 'good' } : unknown(`the revocation list ${stale}`);
}

function askResponse(response: BasicOCSPResponse, question: RevocationQuestion): RevocationReport | undefined {
  const single = response.tbsResponseData.responses.find((one) => isAbout(one, question));
  if (!single) return undefined;
  if (!isAuthorized(response, question))
    return unknown('the signature of the OCSP response is not by the issuer, nor by whom it let answer');
  const status: unknown = single.certStatus;
  if (!(status instanceof BaseBlock)) throw new DerError('an OCSP response without a status');
  // RevokedInfo begins with the time (RFC 6960, section 4.2.1).
  if (status instanceof Constructed && status.idBlock.tagNumber === 1)
    return { status: 'revoked', revokedAt: timeOf(status.valueBlock.value[0]) };
  if (status.idBlock.tagNumber !== 0) return unknown('the OCSP responder does not know the certificate');
  const stale = staleness(single.thisUpdate, single.nextUpdate, question);
  return stale === undefined ? { status: 'good' } : unknown(`the OCSP response ${stale}`);
}

function isAbout({ certID }: SingleResponse, { certificate, issuer }: RevocationQuestion): boolean {
  const hash = ID_HASHES.get(certID.hashAlgorithm.algorithmId);
  if (hash === undefined) return false;
  const digestOf = (bytes: Uint8Array): Buffer => createHash(hash).update(bytes).digest();
  const key = certificateFields(issuer).subjectPublicKeyInfo.subjectPublicKey.valueBlock.valueHexView;
  const { serialNumber } = certificateId(certificate);
  return (
    Buffer.compare(certID.serialNumber.valueBlock.valueHexView, serialNumber) === 0 &&
    Buffer.compare(certID.issuerNameHash.valueBlock.valueHexView, digestOf(subjectOf(issuer))) === 0 &&
    Buffer.compare(certID.issuerKeyHash.valueBlock.valueHexView, digestOf(key)) === 0
  );
}

/** By the issuer itself, or by a certificate of its own that is for nothing else (RFC 6960, section 4.2.2.2). */
function isAuthorized(response: BasicOCSPResponse, { issuer }: RevocationQuestion): boolean {
  const produced = response.tbsResponseData.producedAt;
  const delegates = (response.certs ?? []).slice(0, MAX_RESPONDERS).flatMap((certificate) => {
    const responder = readCertificate(new Uint8Array(certificate.toSchema().toBER()));
    if (!responder) return [];
    const isFor = extendedKeyUsageOf(extensionsOf(responder))?.includes(EXTENDED_KEY_USAGE.ocspSigning) === true;
    const isValid = produced >= responder.validFromDate && produced <= responder.validToDate;
    if (!isFor || !isValid || !responder.checkIssued(issuer) || !responder.verify(publicKeyOf(issuer))) return [];
    requireStrongCertificate(responder);
    return [responder];
  });
  const signature = response.signature.valueBlock.valueHexView;
  return [issuer, ...delegates].some((signer) => isSignedBy(response, response.tbsResponseData.tbsView, signature, signer));
}

function isSignedBy(
  { signatureAlgorithm }: { readonly signatureAlgorithm: AlgorithmIdentifier },
  signed: Uint8Array,
  signature: Uint8Array,
  signer: X509Certificate,
): boolean {
  const publicKey = publicKeyOf(signer);
  const scheme = decodeSignatureAlgorithm(signatureAlgorithm);
  requireStrongKey(publicKey);
  return verifySignature(scheme, publicKey, signed, signature);
}

/** Undefined: it was fresh at the moment that counts. */
function staleness(thisUpdate: Date, nextUpdate: Date | undefined, { reference, now }: RevocationQuestion): string | undefined {
  if (thisUpdate.getTime() > now.getTime() + CLOCK_MS) return `is of a time to come (${thisUpdate.toISOString()})`;
  if (thisUpdate >= reference) return undefined;
  if (nextUpdate && nextUpdate >= reference) return undefined;
  return `is too old (${(nextUpdate ?? thisUpdate).toISOString()})`;
}

const unknown = (problem: string): RevocationReport => ({ status: 'unknown', problem });
