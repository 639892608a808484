/**
 * The verifying side of CMS signatures, after ETSI EN 319 102-1, sections 5.3 to 5.5, with what the caller gives: content, trust anchors, revocation lists and
 * OCSP responses. Nothing is fetched.
 */
import type { X509Certificate } from 'node:crypto';
import { chainBudget } from '../../identity/trust.ts';
import { oneLine, validateChain, type ChainVerdict } from '../chain.ts';
import { KEY_USAGE, extensionsOf, keyUsageOf } from '../certificate-fields.ts';
import type { HashName } from './algorithms.ts';
import { digestsOf } from './content-digests.ts';
import { DerError, rawOf } from './asn1.ts';
import { OID_DATA, OID_SIGNATURE_TIME_STAMP } from './identifiers.ts';
import { certificatesIn, checkIntegrity, type Integrity } from './integrity.ts';
import { parseSignedData, type SignedData, type SignerInfo } from './parse.ts';
import {
  invalid,
  uncertain,
  verdictOf,
  type CertificateSummary,
  type Finding,
  type RevocationReport,
  type SignedDataReport,
  type SignerReport,
  type TimeStampReport,
} from './report.ts';
import { checkRevocation, readRevocation, type RevocationMaterial } from './revocation.ts';
import { checkTimeStamp } from './time-stamp.ts';

export type * from './report.ts';

export interface TrustMaterial {
  readonly anchors: readonly X509Certificate[];
  /** Beside those that the CMS carries. */
  readonly intermediates: readonly X509Certificate[];
  readonly timeStampAnchors: readonly X509Certificate[];
  /** DER. */
  readonly crls: readonly Uint8Array[];
  /** OCSPResponse, DER. */
  readonly ocspResponses: readonly Uint8Array[];
}

export interface VerifyOptions extends Partial<TrustMaterial> {
  /** Of a detached signature; one of the two. Undefined from `contentDigest`: not known by that hash. */
  readonly content?: Uint8Array;
  readonly contentDigest?: (hash: HashName) => Uint8Array | undefined;
  /** Default: now. */
  readonly now?: Date;
}

/** Throws cms_invalid for what is no SignedData in DER, and invalid_params for what is no revocation list; everything else is in the report. */
export function verifySignedData(cms: Uint8Array, options: VerifyOptions = {}): SignedDataReport {
  const signedData = parseSignedData(cms);
  const verifier = new Verifier(signedData, options);
  const signers = signedData.signers.map((signer) => verifier.verify(signer));
  const has = (verdict: SignerReport['verdict']): boolean => signers.some((signer) => signer.verdict === verdict);
  return {
    verdict: has('invalid') ? 'invalid' : has('indeterminate') || signers.length === 0 ? 'indeterminate' : 'valid',
    isDetached: signedData.content === undefined,
    signers,
  };
}

class Verifier {
  readonly #signedData: SignedData;
  readonly #digestOf: (hash: HashName) => Uint8Array | undefined;
  readonly #anchors: readonly X509Certificate[];
  readonly #timeStampAnchors: readonly X509Certificate[];
  readonly #intermediates: readonly X509Certificate[];
  readonly #revocation: RevocationMaterial;
  readonly #now: Date;
  readonly #budget = chainBudget();

  constructor(signedData: SignedData, options: VerifyOptions) {
    this.#signedData = signedData;
    this.#digestOf = digestSource(signedData, options);
    this.#anchors = options.anchors ?? [];
    this.#timeStampAnchors = options.timeStampAnchors ?? [];
    this.#intermediates = [...(options.intermediates ?? []), ...certificatesIn(signedData)];
    this.#revocation = readRevocation(options.crls ?? [], options.ocspResponses ?? []);
    this.#now = options.now ?? new Date();
  }

  verify(signer: SignerInfo): SignerReport {
    const integrity = checkIntegrity(this.#signedData, signer, { contentType: OID_DATA, digestOf: this.#digestOf });
    const findings: Finding[] = [...integrity.findings];
    const timeStamp = this.#timeStampOf(signer);
    const validity = this.#bestTime(integrity, timeStamp);
    const { certificate } = integrity;
    const chain = certificate && this.#checkChain(certificate, validity, findings);
    // Without a chain nobody is known who could revoke it.
    const revocation = chain?.status === 'trusted' ? this.#checkRevocation(chain, validity, findings) : NOT_CHECKED;
    const { certificate: _, findings: __, ...facts } = integrity;
    return {
      verdict: verdictOf(findings),
      reasons: findings.map(({ code, text }) => ({ code, text })),
      ...(certificate ? { certificate: summarize(certificate), certificateDer: new Uint8Array(certificate.raw) } : {}),
      ...facts,
      chain: chain ? (chain.status === 'trusted' ? 'trusted' : 'untrusted') : 'not_checked',
      validity,
      revocation,
      ...(timeStamp ? { timeStamp } : {}),
    };
  }

  /** The first that is good; of those that are not, the first. One that is not good takes nothing from the signature itself. */
  #timeStampOf(signer: SignerInfo): TimeStampReport | undefined {
    const tokens = signer.unsignedAttributes?.values.get(OID_SIGNATURE_TIME_STAMP) ?? [];
    const reports = tokens.slice(0, MAX_TIME_STAMPS).map((token) =>
      checkTimeStamp(rawOf(token), {
        stamped: signer.signature,
        anchors: this.#timeStampAnchors,
        intermediates: this.#intermediates,
        budget: this.#budget,
      }),
    );
    return reports.find(({ verdict }) => verdict === 'valid') ?? reports[0];
  }

  #bestTime({ claimedTime }: Integrity, timeStamp: TimeStampReport | undefined): SignerReport['validity'] {
    if (timeStamp?.verdict === 'valid' && timeStamp.time) return { at: timeStamp.time, source: 'time_stamp' };
    if (claimedTime && claimedTime <= this.#now) return { at: claimedTime, source: 'claimed' };
    return { at: this.#now, source: 'now' };
  }

  /** A signer can claim any time: what holds then alone, and not now, is not proven. */
  #checkChain(certificate: X509Certificate, { at, source }: SignerReport['validity'], findings: Finding[]): ChainVerdict {
    const validate = (moment: Date): ChainVerdict =>
      validateChain(certificate, {
        anchors: this.#anchors,
        intermediates: this.#intermediates,
        at: moment,
        budget: this.#budget,
      });
    const chain = validate(at);
    if (chain.status !== 'trusted') {
      findings.push(chainFinding(chain, source));
    } else if (source === 'claimed') {
      const today = validate(this.#now);
      if (today.status === 'expired')
        findings.push(uncertain('OUT_OF_BOUNDS_NO_POE', `${today.problem}, and only the signer says that it was made before`));
    }
    findings.push(...usageFindings(certificate));
    return chain;
  }

  /** Of the certificate itself and of the authorities between it and its anchor. */
  #checkRevocation(chain: ChainVerdict, { at, source }: SignerReport['validity'], findings: Finding[]): RevocationReport {
    const reference = source === 'time_stamp' ? at : this.#now;
    const reports = chain.path.slice(0, -1).map((certificate, index) => {
      const issuer = chain.path[index + 1] ?? certificate;
      return checkRevocation({ certificate, issuer, reference, now: this.#now }, this.#revocation);
    });
    const [own = NOT_CHECKED, ...authorities] = reports;
    // A time stamp proves that the signature is older than the revocation; nothing else does.
    const isOlder = source === 'time_stamp' && own.revokedAt !== undefined && own.revokedAt > at;
    if (own.status === 'revoked' && !isOlder) findings.push(revokedFinding(own, { at, source }));
    if (own.status === 'unknown')
      findings.push(uncertain('TRY_LATER', `whether it was revoked is unknown: ${own.problem ?? ''}`));
    if (authorities.some(({ status }) => status === 'revoked'))
      findings.push(uncertain('REVOKED_CA_NO_POE', 'an authority above the certificate was revoked'));
    return own;
  }
}

/** Of one signer: authorities that renew theirs have two. */
const MAX_TIME_STAMPS = 2;
const NOT_CHECKED: RevocationReport = { status: 'not_checked' };

function digestSource({ content: attached }: SignedData, { content, contentDigest }: VerifyOptions) {
  const data = attached ?? content;
  return data ? digestsOf(data) : (contentDigest ?? ((): undefined => undefined));
}

function usageFindings(certificate: X509Certificate): readonly Finding[] {
  try {
    const mayUse = keyUsageOf(extensionsOf(certificate));
    if (!mayUse || mayUse(KEY_USAGE.digitalSignature) || mayUse(KEY_USAGE.nonRepudiation)) return [];
    return [uncertain('CHAIN_CONSTRAINTS_FAILURE', 'the certificate is not for signatures (keyUsage)')];
  } catch (error) {
    if (error instanceof DerError) return [uncertain('CERTIFICATE_CHAIN_GENERAL_FAILURE', `the certificate: ${error.message}`)];
    throw error;
  }
}

function chainFinding(chain: Exclude<ChainVerdict, { status: 'trusted' }>, source: SignerReport['validity']['source']): Finding {
  const { problem } = chain;
  switch (chain.status) {
    case 'no_path':
      return uncertain('NO_CERTIFICATE_CHAIN_FOUND', `the certificate is not trusted: ${problem}`);
    case 'expired':
      return uncertain('OUT_OF_BOUNDS_NO_POE', problem);
    case 'not_yet_valid':
      return source === 'time_stamp' ? invalid('NOT_YET_VALID', problem) : uncertain('NOT_YET_VALID', problem);
    case 'refused':
      return uncertain('CHAIN_CONSTRAINTS_FAILURE', problem);
  }
}

function revokedFinding({ revokedAt }: RevocationReport, { at, source }: SignerReport['validity']): Finding {
  const when = revokedAt ? ` on ${revokedAt.toISOString()}` : '';
  if (source !== 'time_stamp')
    return uncertain('REVOKED_NO_POE', `the certificate was revoked${when}, and no time stamp says that it signed before`);
  return invalid('REVOKED', `the certificate was revoked${when}, before it signed at ${at.toISOString()}`);
}

function summarize(certificate: X509Certificate): CertificateSummary {
  return {
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    serialNumber: certificate.serialNumber,
    notBefore: certificate.validFromDate,
    notAfter: certificate.validToDate,
    fingerprint: certificate.fingerprint256.replaceAll(':', ''),
  };
}
