/** Chains of signers, of authorities of time stamps: as daemon/identity/trust.ts builds them, over Node's certificates, and told for a report. */
import type { X509Certificate } from 'node:crypto';
import { CHAIN_PROBLEMS, type ChainProblem } from '../../api-spec/identity.ts';
import { certificateFacts, type CertificateFacts } from '../identity/certificate-facts.ts';
import { validateChain as validate, type ChainBudget } from '../identity/trust.ts';

export interface ChainOptions {
  /** In any order; those that do not fit are of no harm. */
  readonly intermediates: readonly X509Certificate[];
  readonly anchors: readonly X509Certificate[];
  readonly at: Date;
  /** Shared by the chains of one report. */
  readonly budget: ChainBudget;
}

/** `path`: from the certificate to its anchor, as far as it was found. */
export type ChainVerdict =
  | { readonly status: 'trusted'; readonly path: readonly X509Certificate[] }
  | {
      readonly status: 'no_path' | 'expired' | 'not_yet_valid' | 'refused';
      readonly path: readonly X509Certificate[];
      readonly problem: string;
    };

const NO_PATH: readonly ChainProblem[] = ['issuer_unknown', 'signature_invalid', 'too_complex'];

/** Never throws for what a certificate holds. */
export function validateChain(leaf: X509Certificate, { anchors, intermediates, at, budget }: ChainOptions): ChainVerdict {
  const facts = factsOf(leaf);
  if (!facts) return { status: 'refused', path: [leaf], problem: CHAIN_PROBLEMS.malformed.en };
  const all = (some: readonly X509Certificate[]): readonly CertificateFacts[] => some.flatMap((one) => factsOf(one) ?? []);
  const report = validate(facts, { anchors: all(anchors), intermediates: all(intermediates), at, budget });
  const path = report.chain.map(({ x509 }) => x509);
  if (report.status === 'trusted') return { status: 'trusted', path };
  if (report.status === 'unchecked') return { status: 'no_path', path, problem: 'no trust anchor is given or configured' };
  const { problem = 'issuer_unknown' } = report;
  return { status: statusOf(problem), path, problem: CHAIN_PROBLEMS[problem].en };
}

function statusOf(problem: ChainProblem): Exclude<ChainVerdict['status'], 'trusted'> {
  if (problem === 'expired' || problem === 'issuer_expired') return 'expired';
  if (problem === 'not_yet_valid' || problem === 'issuer_not_yet_valid') return 'not_yet_valid';
  return NO_PATH.includes(problem) ? 'no_path' : 'refused';
}

const known = new WeakMap<X509Certificate, CertificateFacts>();

function factsOf(certificate: X509Certificate): CertificateFacts | undefined {
  const facts = known.get(certificate) ?? certificateFacts(new Uint8Array(certificate.raw));
  if (facts) known.set(certificate, facts);
  return facts;
}

/** RFC 4514 has the most special name first; Node one a line, most general first, and no text at all for a certificate without a name. */
export function oneLine(name: string | undefined): string {
  return (name ?? '').split('\n').reverse().join(',');
}
