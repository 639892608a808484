/**
 * Whether a certificate goes back to one that is trusted (RFC 5280, section 6): names, signatures, validity at one moment, basic constraints, key usage,
 * critical extensions, and no weak algorithm. Names and policies are not constrained: an authority that says so critically is not accepted.
 */
import type { X509Certificate } from 'node:crypto';
import { AlgorithmNotAllowedError } from './cms/algorithms.ts';
import { DerError } from './cms/der.ts';
import {
  EXTENSION,
  KEY_USAGE,
  basicConstraintsOf,
  extensionsOf,
  keyUsageOf,
  requireStrongCertificate,
} from './certificate-fields.ts';

export interface ChainOptions {
  /** In any order; those that do not fit are of no harm. */
  readonly intermediates: readonly X509Certificate[];
  readonly anchors: readonly X509Certificate[];
  readonly at: Date;
}

/** `path`: from the certificate to its anchor, as far as it was found. */
export type ChainVerdict =
  | { readonly status: 'trusted'; readonly path: readonly X509Certificate[] }
  | {
      readonly status: 'no_path' | 'expired' | 'not_yet_valid' | 'refused';
      readonly path: readonly X509Certificate[];
      readonly problem: string;
    };

/** Longer than any that is in use. */
const MAX_LENGTH = 8;
/** Signatures of certificates looked at for one chain: hostile ones can be made to fan out. */
const MAX_TRIES = 64;
/** Those whose meaning is kept here, or that restrict nothing. */
const UNDERSTOOD: ReadonlySet<string> = new Set(Object.values(EXTENSION));

/** Never throws for what a certificate holds. */
export function validateChain(leaf: X509Certificate, options: ChainOptions): ChainVerdict {
  const path = findPath([leaf], options, { left: MAX_TRIES });
  if (!path) {
    const problem =
      options.anchors.length === 0 ? 'no trust anchor is given or configured' : 'it does not lead to a trust anchor';
    return { status: 'no_path', path: [leaf], problem };
  }
  for (const [depth, certificate] of path.entries()) {
    const problem = problemOf(certificate, { depth, isAnchor: depth === path.length - 1, at: options.at });
    if (problem) return { ...problem, path, problem: `${oneLine(certificate.subject)}: ${problem.problem}` };
  }
  return { status: 'trusted', path };
}

function findPath(
  path: readonly [X509Certificate, ...X509Certificate[]],
  options: ChainOptions,
  tries: { left: number },
): readonly X509Certificate[] | undefined {
  const last = path.at(-1) ?? path[0];
  const isAnchor = (one: X509Certificate): boolean => options.anchors.some(({ raw }) => raw.equals(one.raw));
  if (isAnchor(last)) return path;
  if (path.length === MAX_LENGTH) return undefined;
  for (const issuer of [...options.anchors, ...options.intermediates]) {
    if (path.some(({ raw }) => raw.equals(issuer.raw)) || !last.checkIssued(issuer)) continue;
    if (tries.left-- <= 0) return undefined;
    if (!isSignedBy(last, issuer)) continue;
    const found = findPath([...path, issuer], options, tries);
    if (found) return found;
  }
  return undefined;
}

function isSignedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.verify(issuer.publicKey);
  } catch {
    return false; // a key of a kind that OpenSSL does not know
  }
}

interface Place {
  /** 0: the certificate that all is about. */
  readonly depth: number;
  readonly isAnchor: boolean;
  readonly at: Date;
}

type Problem = { readonly status: 'expired' | 'not_yet_valid' | 'refused'; readonly problem: string };

function problemOf(certificate: X509Certificate, place: Place): Problem | undefined {
  const { validFromDate, validToDate } = certificate;
  if (place.at > validToDate) return { status: 'expired', problem: `expired on ${validToDate.toISOString()}` };
  if (place.at < validFromDate) return { status: 'not_yet_valid', problem: `valid only from ${validFromDate.toISOString()}` };
  try {
    requireStrongCertificate(certificate, place);
    const problem = constraintOf(certificate, place);
    return problem === undefined ? undefined : { status: 'refused', problem };
  } catch (error) {
    if (error instanceof AlgorithmNotAllowedError || error instanceof DerError)
      return { status: 'refused', problem: error.message };
    throw error;
  }
}

function constraintOf(certificate: X509Certificate, { depth }: Place): string | undefined {
  const extensions = extensionsOf(certificate);
  for (const [oid, { critical }] of extensions)
    if (critical && !UNDERSTOOD.has(oid)) return `critical extension ${oid} is not understood`;
  if (depth === 0) return undefined;
  const constraints = basicConstraintsOf(extensions);
  if (!constraints?.isAuthority) return 'it is no authority (basicConstraints)';
  if (constraints.pathLength !== undefined && constraints.pathLength < depth - 1)
    return 'too many authorities below it (pathLenConstraint)';
  const mayUse = keyUsageOf(extensions);
  return mayUse && !mayUse(KEY_USAGE.keyCertSign) ? 'it may not issue certificates (keyUsage)' : undefined;
}

/** RFC 4514 has the most special name first; Node one a line, most general first. */
export function oneLine(name: string): string {
  return name.split('\n').reverse().join(',');
}
