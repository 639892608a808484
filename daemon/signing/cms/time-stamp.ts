/**
 * Time stamps (RFC 3161): the request, the response, and whether a token is one: an authority's signature over a digest and a time. Fetching one is
 * time-stamp-client.ts.
 */
import { createHash, type X509Certificate } from 'node:crypto';
import { Integer, OctetString } from 'asn1js';
import { MessageImprint, TSTInfo, TimeStampReq, TimeStampResp } from 'pkijs';
import { ApiError } from '../../errors.ts';
import { EXTENDED_KEY_USAGE, EXTENSION, extendedKeyUsageOf, extensionsOf } from '../certificate-fields.ts';
import { chainBudget, type ChainBudget } from '../../identity/trust.ts';
import { oneLine, validateChain } from '../chain.ts';
import { AlgorithmNotAllowedError, encodeHashAlgorithm, decodeHashAlgorithm, type HashName } from './algorithms.ts';
import { DerError, childrenOf, encode, orDerError, rawOf, readDer } from './asn1.ts';
import { OID_TST_INFO } from './identifiers.ts';
import { certificatesIn, checkIntegrity } from './integrity.ts';
import { parseSignedData } from './parse.ts';
import { invalid, uncertain, verdictOf, type Finding, type TimeStampReport } from './report.ts';

/** Of a request: SHA-256 of what is stamped. */
export const TIME_STAMP_HASH: HashName = 'sha256';

export interface TimeStampRequest {
  /** SHA-256. */
  readonly digest: Uint8Array;
  readonly nonce: Uint8Array;
  /** Object identifier. */
  readonly policy?: string;
}

/** TimeStampReq, DER (section 2.4.1), asking for the authority's certificate. */
export function createTimeStampRequest({ digest, nonce, policy }: TimeStampRequest): Uint8Array {
  const request = new TimeStampReq({
    version: 1,
    messageImprint: new MessageImprint({
      hashAlgorithm: encodeHashAlgorithm(TIME_STAMP_HASH),
      hashedMessage: new OctetString({ valueHex: digest }),
    }),
    nonce: new Integer({ valueHex: nonce }),
    certReq: true,
    ...(policy === undefined ? {} : { reqPolicy: policy }),
  });
  return encode(request.toSchema());
}

/** The token of a granted response (section 2.4.2). Throws time_stamp_failed. */
export function readTimeStampResponse(bytes: Uint8Array): Uint8Array {
  try {
    const root = readDer(bytes);
    const { status } = orDerError('no TimeStampResp', () => new TimeStampResp({ schema: root }));
    // granted, or granted with modifications
    const code: number = status.status;
    if (code > 1) throw failed(`the server refused with status ${code}`);
    const [, token] = childrenOf(root);
    if (!token) throw new DerError('the token is missing');
    return rawOf(token);
  } catch (error) {
    if (error instanceof DerError) throw failed(`the answer is no time-stamp response (${error.message})`, error);
    throw error;
  }
}

export function failed(problem: string, cause?: unknown): ApiError {
  return new ApiError('time_stamp_failed', `stamping the time: ${problem}`, { problem }, { cause });
}

export interface TokenOptions {
  /** What was stamped. */
  readonly stamped: Uint8Array;
  readonly anchors: readonly X509Certificate[];
  readonly intermediates: readonly X509Certificate[];
  /** Default: one of its own. */
  readonly budget?: ChainBudget;
  /** Of the request, when it was just made. */
  readonly nonce?: Uint8Array;
  readonly policy?: string;
}

/** What the token says, and whether to believe it. Never throws for what it holds. */
export function checkTimeStamp(token: Uint8Array, options: TokenOptions): TimeStampReport {
  const findings: Finding[] = [];
  let said: Pick<TimeStampReport, 'time' | 'authority'> = {};
  try {
    said = readToken(token, options, findings);
  } catch (error) {
    if (error instanceof AlgorithmNotAllowedError) findings.push(uncertain('CRYPTO_CONSTRAINTS_FAILURE', error.message));
    else if (error instanceof DerError || error instanceof ApiError) findings.push(invalid('FORMAT_FAILURE', error.message));
    else throw error;
  }
  return { ...said, verdict: verdictOf(findings), reasons: findings.map(({ code, text }) => ({ code, text })) };
}

function readToken(token: Uint8Array, options: TokenOptions, findings: Finding[]): Pick<TimeStampReport, 'time' | 'authority'> {
  const signedData = parseSignedData(token);
  const [signer, ...others] = signedData.signers;
  const { content } = signedData;
  if (!signer || others.length > 0 || !content) throw new DerError('a time stamp has one signer, and says the time');
  const integrity = checkIntegrity(signedData, signer, {
    contentType: OID_TST_INFO,
    digestOf: (hash) => createHash(hash).update(content).digest(),
    takesSha1Reference: true,
  });
  findings.push(...integrity.findings);
  const info = readInfo(content);
  findings.push(...findingsOfInfo(info, options));
  const { certificate } = integrity;
  if (!certificate) return { time: info.genTime };
  if (integrity.signingCertificate === 'absent')
    findings.push(invalid('SIG_CONSTRAINTS_FAILURE', 'the time stamp does not name the certificate of its authority'));
  findings.push(
    ...findingsOfAuthority(certificate, info.genTime, {
      ...options,
      intermediates: [...options.intermediates, ...certificatesIn(signedData)],
    }),
  );
  return { time: info.genTime, authority: oneLine(certificate.subject) };
}

function readInfo(content: Uint8Array): TSTInfo {
  return orDerError('it holds no TSTInfo', () => new TSTInfo({ schema: readDer(content) }));
}

function findingsOfInfo(info: TSTInfo, { stamped, nonce, policy }: TokenOptions): readonly Finding[] {
  const findings: Finding[] = [];
  const { hashAlgorithm, hashedMessage } = info.messageImprint;
  const hash = decodeHashAlgorithm(hashAlgorithm);
  const digest = createHash(hash).update(stamped).digest();
  if (Buffer.compare(hashedMessage.valueBlock.valueHexView, digest) !== 0)
    findings.push(invalid('HASH_FAILURE', 'the time stamp is over something else'));
  if (nonce && (!info.nonce || Buffer.compare(withoutZeros(info.nonce.valueBlock.valueHexView), withoutZeros(nonce)) !== 0))
    findings.push(invalid('SIG_CONSTRAINTS_FAILURE', 'the time stamp answers another request (nonce)'));
  if (policy !== undefined && info.policy !== policy)
    findings.push(invalid('SIG_CONSTRAINTS_FAILURE', `the time stamp is under policy ${info.policy}`));
  return findings;
}

/** extKeyUsage is critical and allows this alone (section 2.3). */
function findingsOfAuthority(
  certificate: X509Certificate,
  time: Date,
  { anchors, intermediates, budget = chainBudget() }: TokenOptions,
): readonly Finding[] {
  const extensions = extensionsOf(certificate);
  const usage = extendedKeyUsageOf(extensions) ?? [];
  const isForStamps = usage.length === 1 && usage[0] === EXTENDED_KEY_USAGE.timeStamping;
  if (!isForStamps || extensions.get(EXTENSION.extendedKeyUsage)?.critical !== true)
    return [invalid('CHAIN_CONSTRAINTS_FAILURE', 'the certificate of the authority is not for time stamps (extended key usage)')];
  const chain = validateChain(certificate, { anchors, intermediates, at: time, budget });
  if (chain.status === 'trusted') return [];
  const code = chain.status === 'no_path' ? 'NO_CERTIFICATE_CHAIN_FOUND' : 'CHAIN_CONSTRAINTS_FAILURE';
  return [uncertain(code, `the authority of the time stamp is not trusted: ${chain.problem}`)];
}

function withoutZeros(bytes: Uint8Array): Uint8Array {
  const start = bytes.findIndex((byte) => byte !== 0);
  return start < 0 ? new Uint8Array() : bytes.subarray(start);
}
