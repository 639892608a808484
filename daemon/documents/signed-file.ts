/**
 * A file that the issuer signed (ICAO Doc 9303-11, section 5.1; 9303-12): the signature, the document signer's certificate up to a country signing authority, its
 * validity when it signed, and whether it was revoked. EF.SOD and EF.CardSecurity are signed so. What is not trusted is told, and never thrown.
 */
import type { ChainProblem } from '../../api-spec/identity.ts';
import { KEY_USAGE, extensionsOf, keyUsageOf, subjectOf } from '../signing/certificate-fields.ts';
import { DerError } from '../signing/cms/asn1.ts';
import { digestsOf } from '../signing/cms/content-digests.ts';
import { checkIntegrity, type Integrity } from '../signing/cms/integrity.ts';
import { parseSignedData } from '../signing/cms/parse.ts';
import { checkRevocation } from '../signing/cms/revocation.ts';
import { ApiError } from '../errors.ts';
import { certificateFacts, type CertificateFacts } from '../identity/certificate-facts.ts';
import { validateChain, type ChainReport } from '../identity/trust.ts';
import type { CheckDetails } from './check.ts';
import type { CountrySigners } from './country-signers.ts';
import type { ElectronicReason } from './electronic-reasons.ts';
import { countryOf } from './country.ts';

/** What is said of one thing: a reason, and what its text names. */
export interface Judgement {
  readonly reason: ElectronicReason;
  readonly details?: CheckDetails;
}

export interface SignedFile {
  readonly content: Uint8Array;
  readonly signature: Judgement;
  readonly signer: CertificateFacts | undefined;
  /** As the signer says it, in a signed attribute (RFC 5652, section 11.3). */
  readonly signingTime: Date | undefined;
}

/** Undefined for what is no such file: of another content type, without content, with more or fewer signers than one, or no DER. */
export function readSignedFile(cms: Uint8Array, contentType: string): SignedFile | undefined {
  try {
    const signedData = parseSignedData(cms);
    const { content, signers } = signedData;
    const [signer, ...others] = signers;
    if (!content || !signer || others.length > 0 || signedData.contentType !== contentType) return undefined;
    const integrity = checkIntegrity(signedData, signer, { contentType, digestOf: digestsOf(content) });
    const { certificate, claimedTime } = integrity;
    const facts = certificate && certificateFacts(new Uint8Array(certificate.raw));
    return { content, signature: judgeIntegrity(integrity), signer: facts, signingTime: claimedTime };
  } catch (error) {
    if (error instanceof ApiError || error instanceof DerError) return undefined;
    throw error;
  }
}

function judgeIntegrity({ findings, certificate, algorithm }: Integrity): Judgement {
  if (findings.some(({ verdict }) => verdict === 'invalid')) return { reason: 'signature_wrong' };
  if (!certificate) return { reason: 'signer_certificate_missing' };
  return findings.length > 0 ? { reason: 'algorithm_not_accepted', details: { algorithm } } : { reason: 'signature_good' };
}

export interface SignerQuestion {
  readonly signers: CountrySigners;
  /** When it was signed, as far as that is known. */
  readonly signedAt: Date | undefined;
  readonly now: Date;
}

export interface SignerJudgement {
  readonly chain: Judgement;
  readonly validity: Judgement;
  readonly revocation: Judgement;
}

export function judgeSigner(signer: CertificateFacts | undefined, question: SignerQuestion): SignerJudgement {
  if (!signer) {
    const untold = { reason: 'signer_untold' } as const;
    return { chain: untold, validity: untold, revocation: untold };
  }
  const { signers } = question;
  const report = validateChain(signer, {
    anchors: signers.anchorsOf(countryOf(signer)),
    intermediates: [],
    at: momentWithin(signer, question.signedAt ?? question.now),
  });
  return {
    chain: judgeChain(signer, report, question),
    validity: judgeValidity(signer, question),
    revocation: judgeRevocation(signer, report, question),
  };
}

/** Whether the signer was valid is asked by itself; whether its authority was, is asked of a moment when the signer was. */
function momentWithin({ notBefore, notAfter }: CertificateFacts, at: Date): Date {
  return at < notBefore ? notBefore : at > notAfter ? notAfter : at;
}

function judgeChain(signer: CertificateFacts, report: ChainReport, { signers }: SignerQuestion): Judgement {
  if (signers.isEmpty) return { reason: 'anchor_missing' };
  if (report.status === 'trusted') return isForSigning(signer) ? { reason: 'chain_trusted' } : refused('keyUsage');
  const { problem = 'issuer_unknown' } = report;
  if (problem === 'signature_invalid')
    return { reason: isKnownAuthority(signer, signers) ? 'chain_broken' : 'authority_unknown' };
  const reason = CHAIN_REASONS[problem];
  return reason ? { reason, details: { algorithm: signer.signatureAlgorithm.oid } } : refused(problem);
}

/** What is not in it was refused. */
const CHAIN_REASONS: Readonly<Partial<Record<ChainProblem, ElectronicReason>>> = {
  issuer_expired: 'authority_not_valid',
  issuer_not_yet_valid: 'authority_not_valid',
  issuer_unknown: 'authority_unknown',
  signature_weak: 'algorithm_not_accepted',
  too_complex: 'authority_unknown',
};

function refused(problem: string): Judgement {
  return { reason: 'chain_refused', details: { problem } };
}

/** Authorities keep their name when they change their key (9303-12, section 4.4): another key of the same name need not be a forger's. */
function isKnownAuthority(signer: CertificateFacts, signers: CountrySigners): boolean {
  const { authorityKeyId } = signer;
  if (authorityKeyId === undefined) return true;
  return signers.anchorsOf(countryOf(signer)).some(({ subjectKeyId }) => subjectKeyId === authorityKeyId);
}

/** 9303-12, section 7.1, table 6: digitalSignature alone. */
function isForSigning({ x509 }: CertificateFacts): boolean {
  const mayUse = keyUsageOf(extensionsOf(x509));
  return mayUse === undefined || mayUse(KEY_USAGE.digitalSignature);
}

function judgeValidity({ notBefore, notAfter }: CertificateFacts, { signedAt, now }: SignerQuestion): Judgement {
  const isWithin = (at: Date): boolean => at >= notBefore && at <= notAfter;
  if (signedAt) return { reason: isWithin(signedAt) ? 'signer_valid' : 'signer_not_valid' };
  return { reason: isWithin(now) ? 'signer_valid' : 'signer_over' };
}

function judgeRevocation(signer: CertificateFacts, report: ChainReport, { signers, now }: SignerQuestion): Judgement {
  const issuer = report.status === 'trusted' ? report.chain[1] : undefined;
  if (!issuer) return { reason: 'revocation_not_reached' };
  const question = { certificate: signer.x509, issuer: issuer.x509, reference: now, now };
  const lists = signers.revocationListsOf(subjectOf(issuer.x509));
  const { status, problem = '' } = checkRevocation(question, { lists, responses: [] });
  if (status === 'good') return { reason: 'signer_not_revoked' };
  if (status === 'revoked') return { reason: 'signer_revoked' };
  return status === 'not_checked'
    ? { reason: 'revocation_list_missing' }
    : { reason: 'revocation_list_unfit', details: { problem } };
}
