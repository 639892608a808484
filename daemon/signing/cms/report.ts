/**
 * What is said of a signature. Codes of reasons are the indications of ETSI EN 319 102-1, table 5 and 6, in its own spelling; what they mean for the verdict stands
 * with each reason. Dates are told with what they rest on.
 */

import type { SIGNATURE_REASONS } from '../../../api-spec/methods/signature.ts';

/** `invalid` (TOTAL-FAILED): something does not fit. `indeterminate`: what was given does not suffice to tell. */
export type Verdict = 'valid' | 'invalid' | 'indeterminate';

export type ReasonCode = (typeof SIGNATURE_REASONS)[number];

export interface Reason {
  readonly code: ReasonCode;
  readonly text: string;
}

/** A reason and what it does to the verdict. */
export interface Finding extends Reason {
  readonly verdict: 'invalid' | 'indeterminate';
}

export const invalid = (code: ReasonCode, text: string): Finding => ({ verdict: 'invalid', code, text });
export const uncertain = (code: ReasonCode, text: string): Finding => ({ verdict: 'indeterminate', code, text });

export function verdictOf(findings: readonly Finding[]): Verdict {
  if (findings.some(({ verdict }) => verdict === 'invalid')) return 'invalid';
  return findings.length > 0 ? 'indeterminate' : 'valid';
}

export interface CertificateSummary {
  /** RFC 4514. */
  readonly subject: string;
  readonly issuer: string;
  /** Hexadecimal. */
  readonly serialNumber: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** SHA-256 of the DER, hexadecimal. */
  readonly fingerprint: string;
}

export interface RevocationReport {
  readonly status: 'good' | 'revoked' | 'unknown' | 'not_checked';
  readonly source?: 'crl' | 'ocsp';
  readonly revokedAt?: Date;
  /** Why it is unknown. */
  readonly problem?: string;
}

export interface TimeStampReport {
  readonly verdict: Verdict;
  readonly time?: Date;
  /** Who says so: subject of its certificate, RFC 4514. */
  readonly authority?: string;
  readonly reasons: readonly Reason[];
}

export interface SignerReport {
  readonly verdict: Verdict;
  readonly reasons: readonly Reason[];
  /** Absent when the CMS does not hold it. */
  readonly certificate?: CertificateSummary;
  /** Its DER, for whoever wants more. */
  readonly certificateDer?: Uint8Array;
  /** JWA name, or what is not allowed. */
  readonly algorithm: string;
  /** As the signer says, which proves nothing. */
  readonly claimedTime?: Date;
  readonly digest: 'match' | 'mismatch' | 'not_checked';
  readonly signature: 'good' | 'bad' | 'not_checked';
  /** The signed reference to the certificate (signing-certificate-v2). */
  readonly signingCertificate: 'match' | 'mismatch' | 'absent';
  readonly chain: 'trusted' | 'untrusted' | 'not_checked';
  /** At which moment certificates were looked at, and why then. */
  readonly validity: { readonly at: Date; readonly source: 'time_stamp' | 'claimed' | 'now' };
  readonly revocation: RevocationReport;
  readonly timeStamp?: TimeStampReport;
}

export interface SignedDataReport {
  /** The worst of its signers'; `indeterminate` without any. */
  readonly verdict: Verdict;
  readonly isDetached: boolean;
  readonly signers: readonly SignerReport[];
}
