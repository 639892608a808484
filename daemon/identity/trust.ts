/**
 * Whether a certificate chains to a trust anchor at a given time (RFC 5280, section 6.1): names, signatures, validity, basic constraints, path length, key usage,
 * policies, extensions that are not understood. Revocation is left to others. OpenSSL verifies the signatures, through Node's `X509Certificate.verify`; the rest
 * is here. pkijs has an engine for it, and is not used: it takes the first path it finds, keeps no bound on how much a hostile set of certificates makes it do,
 * goes through WebCrypto for each signature, and weighs 0.8 MB; Node gives no path building at all.
 */
import { RsaSaPssParams } from '@peculiar/asn1-rsa';
import type { ChainProblem } from '../../api-spec/identity.ts';
import { TlvError } from '../../apdu/tlv/ber-tlv.ts';
import { decodeAs } from './asn1.ts';
import { OID_ANY_POLICY, type CertificateFacts } from './certificate-facts.ts';

export interface TrustStore {
  readonly anchors: readonly CertificateFacts[];
  readonly intermediates: readonly CertificateFacts[];
}

export interface ChainOptions extends TrustStore {
  readonly at: Date;
  /** Shared by chains that are built together; a budget of its own unless given. */
  readonly budget?: ChainBudget;
}

/** What may still be done: it bounds what a card full of authorities that vouch for each other can cost. */
export interface ChainBudget {
  /** To verify. What was verified once is remembered, and costs nothing. */
  signatures: number;
  /** Certificates to consider as issuers. */
  candidates: number;
}

export interface ChainReport {
  /** unchecked: there is no trust anchor. */
  readonly status: 'trusted' | 'untrusted' | 'unchecked';
  /** The certificate first, the anchor last; as far as it came where it is not trusted. */
  readonly chain: readonly CertificateFacts[];
  /** Those of the certificate that every authority of the chain may issue under. Empty unless trusted. */
  readonly policies: readonly string[];
  /** Why it is not trusted. */
  readonly problem?: ChainProblem;
}

/** Certificates in a chain: chains in use have two to five. */
const MAX_CHAIN_LENGTH = 8;
/** A card of 200 certificates, each in a chain of its own, needs less; the most that they can take is a tenth of a second. */
const MAX_SIGNATURES = 300;
const MAX_CANDIDATES = 20_000;

/** RFC 8017 (sha…WithRSAEncryption), RFC 5758 (ecdsa-with-SHA…), RFC 8410. SHA-1 and MD5 are left out: their collisions make certificates. */
const SIGNATURE_ALGORITHMS: readonly string[] = [
  '1.2.840.113549.1.1.11',
  '1.2.840.113549.1.1.12',
  '1.2.840.113549.1.1.13',
  '1.2.840.10045.4.3.2',
  '1.2.840.10045.4.3.3',
  '1.2.840.10045.4.3.4',
  '1.3.101.112',
  '1.3.101.113',
];
const OID_RSASSA_PSS = '1.2.840.113549.1.1.10';
/** NIST: SHA-256, SHA-384, SHA-512. */
const PSS_HASHES: readonly string[] = ['2.16.840.1.101.3.4.2.1', '2.16.840.1.101.3.4.2.2', '2.16.840.1.101.3.4.2.3'];
const MIN_RSA_BITS = 2048;
const CURVES: readonly string[] = [
  'prime256v1',
  'secp384r1',
  'secp521r1',
  'brainpoolP256r1',
  'brainpoolP320r1',
  'brainpoolP384r1',
  'brainpoolP512r1',
];

export function chainBudget(): ChainBudget {
  return { signatures: MAX_SIGNATURES, candidates: MAX_CANDIDATES };
}

export function validateChain(leaf: CertificateFacts, options: ChainOptions): ChainReport {
  if (options.anchors.length === 0) return { status: 'unchecked', chain: [leaf], policies: [] };
  const own = ownProblem(leaf, options.at);
  if (own) return { status: 'untrusted', chain: [leaf], policies: [], problem: own };
  const search = new ChainSearch(options);
  return search.from([leaf]) ?? search.failure(leaf);
}

/** Depth first, anchors before others; of the ways that fail, the one that came furthest is told. */
class ChainSearch {
  readonly #options: ChainOptions;
  readonly #budget: ChainBudget;
  readonly #anchors: ReadonlySet<string>;
  readonly #candidates: ReadonlyMap<string, readonly CertificateFacts[]>;
  #furthest: { readonly chain: readonly CertificateFacts[]; readonly problem: ChainProblem } | undefined;

  constructor(options: ChainOptions) {
    this.#options = options;
    this.#budget = options.budget ?? chainBudget();
    this.#anchors = new Set(options.anchors.map(({ fingerprint }) => fingerprint));
    this.#candidates = bySubject([...options.anchors, ...options.intermediates]);
  }

  from(chain: readonly CertificateFacts[]): ChainReport | undefined {
    const last = chain.at(-1);
    if (!last) return undefined;
    if (this.#anchors.has(last.fingerprint)) return this.#arrived(chain);
    if (chain.length === MAX_CHAIN_LENGTH) return this.#failed(chain, 'too_complex');
    const issuers = this.#issuersOf(last, chain);
    if (!issuers) return this.#failed(chain, 'too_complex');
    if (issuers.length === 0) return this.#failed(chain, 'issuer_unknown');
    for (const issuer of issuers) {
      const longer = [...chain, issuer];
      const problem = this.#linkProblem(last, issuer, chain);
      if (problem) this.#failed(longer, problem);
      else {
        const found = this.from(longer);
        if (found) return found;
      }
    }
    return undefined;
  }

  failure(leaf: CertificateFacts): ChainReport {
    const { chain, problem } = this.#furthest ?? { chain: [leaf], problem: 'issuer_unknown' };
    return { status: 'untrusted', chain, policies: [], problem };
  }

  #arrived(chain: readonly CertificateFacts[]): ChainReport | undefined {
    const policies = policiesOf(chain);
    if (policies.length === 0 && chain.slice(1, -1).some(({ requiresPolicy }) => requiresPolicy))
      return this.#failed(chain, 'policy_missing');
    return { status: 'trusted', chain, policies };
  }

  /** Of the issuer's name, and not in the chain under another certificate; those whose key identifier fits first. Undefined: too many. */
  #issuersOf(certificate: CertificateFacts, chain: readonly CertificateFacts[]): readonly CertificateFacts[] | undefined {
    const named = this.#candidates.get(certificate.issuer.key) ?? [];
    this.#budget.candidates -= named.length;
    if (this.#budget.candidates < 0) return undefined;
    const fits = (issuer: CertificateFacts): number => (issuer.subjectKeyId === certificate.authorityKeyId ? 0 : 1);
    return named.filter((issuer) => !chain.some((one) => isSameAuthority(one, issuer))).sort((a, b) => fits(a) - fits(b));
  }

  #linkProblem(
    certificate: CertificateFacts,
    issuer: CertificateFacts,
    below: readonly CertificateFacts[],
  ): ChainProblem | undefined {
    if (!issuer.isAuthority) return 'issuer_not_authority';
    if (!issuer.maySignCertificates) return 'issuer_key_usage';
    if (issuer.pathLength !== undefined && authoritiesBetween(below) > issuer.pathLength) return 'path_too_long';
    const own = ownProblem(issuer, this.#options.at);
    if (own) return own === 'expired' ? 'issuer_expired' : own === 'not_yet_valid' ? 'issuer_not_yet_valid' : own;
    if (!isStrongAlgorithm(certificate) || !isStrongKey(issuer)) return 'signature_weak';
    return this.#signatureProblem(certificate, issuer);
  }

  #signatureProblem(certificate: CertificateFacts, issuer: CertificateFacts): ChainProblem | undefined {
    const known = verified.get(certificate)?.get(issuer);
    if (known === undefined && this.#budget.signatures-- <= 0) return 'too_complex';
    return (known ?? verify(certificate, issuer)) ? undefined : 'signature_invalid';
  }

  #failed(chain: readonly CertificateFacts[], problem: ChainProblem): ChainReport | undefined {
    if (!this.#furthest || chain.length > this.#furthest.chain.length) this.#furthest = { chain, problem };
    return undefined;
  }
}

/** A signature stays what it is: verified once for two certificates, as long as both are remembered. */
const verified = new WeakMap<CertificateFacts, WeakMap<CertificateFacts, boolean>>();

function verify(certificate: CertificateFacts, issuer: CertificateFacts): boolean {
  const isValid = issuer.publicKey !== undefined && certificate.x509.verify(issuer.publicKey);
  const results = verified.get(certificate) ?? new WeakMap<CertificateFacts, boolean>();
  verified.set(certificate, results.set(issuer, isValid));
  return isValid;
}

function bySubject(certificates: readonly CertificateFacts[]): ReadonlyMap<string, readonly CertificateFacts[]> {
  const found = new Map<string, CertificateFacts[]>();
  const seen = new Set<string>();
  for (const certificate of certificates) {
    if (seen.has(certificate.fingerprint)) continue;
    seen.add(certificate.fingerprint);
    const { key } = certificate.subject;
    found.set(key, [...(found.get(key) ?? []), certificate]);
  }
  return found;
}

/** One that is in the chain already, under whatever certificate, would make it a loop. */
function isSameAuthority(left: CertificateFacts, right: CertificateFacts): boolean {
  if (left.fingerprint === right.fingerprint) return true;
  return left.subject.key === right.subject.key && left.publicKeyInfo === right.publicKeyInfo;
}

/** RFC 5280, section 4.2.1.9: those that issue themselves do not count, nor does the last certificate. */
function authoritiesBetween(below: readonly CertificateFacts[]): number {
  return below.slice(1).filter(({ subject, issuer }) => subject.key !== issuer.key).length;
}

function ownProblem(certificate: CertificateFacts, at: Date): ChainProblem | undefined {
  if (certificate.malformed.length > 0) return 'malformed';
  if (certificate.unsupported.length > 0) return 'extension_unsupported';
  if (at < certificate.notBefore) return 'not_yet_valid';
  return at > certificate.notAfter ? 'expired' : undefined;
}

/** RFC 5280, section 6.1.3 (d) and (e): an authority below the anchor that names no policies may issue under none. Mappings are not followed. */
function policiesOf(chain: readonly CertificateFacts[]): readonly string[] {
  const [leaf, ...above] = chain;
  const authorities = above.slice(0, -1);
  const isAllowed = (policy: string): boolean =>
    authorities.every(({ policies = [] }) => policies.includes(policy) || policies.includes(OID_ANY_POLICY));
  return (leaf?.policies ?? []).filter((policy) => policy !== OID_ANY_POLICY && isAllowed(policy));
}

function isStrongAlgorithm({ signatureAlgorithm: { oid, parameters } }: CertificateFacts): boolean {
  if (oid !== OID_RSASSA_PSS) return SIGNATURE_ALGORITHMS.includes(oid);
  try {
    // RFC 4055, section 3.1: SHA-1 where hashAlgorithm is left out.
    return PSS_HASHES.includes(decodeAs(parameters ?? new Uint8Array(), RsaSaPssParams).hashAlgorithm.algorithm);
  } catch (error) {
    if (error instanceof TlvError) return false;
    throw error;
  }
}

function isStrongKey({ publicKey }: CertificateFacts): boolean {
  const { modulusLength = 0, namedCurve = '' } = publicKey?.asymmetricKeyDetails ?? {};
  const kind = publicKey?.asymmetricKeyType ?? '';
  if (kind === 'rsa' || kind === 'rsa-pss') return modulusLength >= MIN_RSA_BITS;
  return kind === 'ec' ? CURVES.includes(namedCurve) : kind === 'ed25519' || kind === 'ed448';
}
