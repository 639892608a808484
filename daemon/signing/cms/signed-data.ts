/**
 * CMS signatures (RFC 5652) as CAdES-B-B (ETSI EN 319 122-1, section 6) and PAdES (ETSI EN 319 142-1, section 6) want them. The card signs the digest of the signed attributes;
 * what it answers is verified with the certificate before anything is given out. What others signed stays byte for byte.
 */
import { createHash, type KeyObject } from 'node:crypto';
import { ecdsaToDer, SIGNATURE_SCHEMES } from '../../../apdu/signature-encoding.ts';
import type { SignatureAlgorithm } from '../../../apdu/token.ts';
import { ApiError } from '../../errors.ts';
import { publicKeyOf, readCertificate } from '../certificate-fields.ts';
import {
  decodeSignatureAlgorithm,
  encodeHashAlgorithm,
  encodeSignatureAlgorithm,
  requireStrongKey,
  verifySignature,
  type HashName,
} from './algorithms.ts';
import {
  TAG,
  childrenOf,
  context,
  encode,
  encodeInteger,
  encodeOid,
  encodeSetOf,
  encodeTime,
  join,
  readDer,
  type DerParts,
} from './der.ts';
import {
  OID_CONTENT_TYPE,
  OID_DATA,
  OID_MESSAGE_DIGEST,
  OID_SIGNATURE_TIME_STAMP,
  OID_SIGNED_DATA,
  OID_SIGNING_CERTIFICATE_V2,
  OID_SIGNING_TIME,
} from './identifiers.ts';
import { certificateId, cmsInvalid, orCmsInvalid, parseSignedData, type SignedData } from './parse.ts';

export type { HashName } from './algorithms.ts';

export interface Signer {
  /** X.509, DER. */
  readonly certificate: Uint8Array;
  /** Of those that issued it, as far as they are known, in any order: they go along. */
  readonly chain: readonly Uint8Array[];
  readonly algorithm: SignatureAlgorithm;
}

export interface NewSignature {
  readonly contentDigest: Uint8Array;
  /** Of `contentDigest`: that of the signer's algorithm. */
  readonly hash: HashName;
  /** `pades`: the time of signing stands in the PDF, not among the attributes (ETSI EN 319 142-1, section 6.3). */
  readonly profile: 'cades' | 'pades';
  readonly signer: Signer;
  /** Default: now. */
  readonly signingTime?: Date;
}

/** Gives the signature of a digest, ECDSA as r‖s. */
export type Sign = (digest: Uint8Array) => Promise<Uint8Array>;

/**
 * A ContentInfo with one signer, DER; attached when `content` is there. Throws algorithm_not_allowed before anything is signed, and public_key_mismatch when
 * the signature is by another key than the certificate's.
 */
export async function createSignedData(
  wanted: NewSignature & { readonly content?: Uint8Array },
  sign: Sign,
): Promise<Uint8Array> {
  const signerInfo = await createSignerInfo(wanted, OID_DATA, sign);
  const { content, signer, hash } = wanted;
  const octets = content ? [encode(context(0), encode(TAG.octetString, content))] : [];
  return encodeSignedData({
    version: 1,
    digestAlgorithms: [join(encodeHashAlgorithm(hash))],
    encapsulated: encode(TAG.sequence, encodeOid(OID_DATA), ...octets),
    certificates: [signer.certificate, ...signer.chain],
    revocation: undefined,
    signers: [signerInfo],
  });
}

/** The same CMS with one more signer, over the same content. What it holds is not verified here. Throws cms_invalid. */
export async function addSigner(
  cms: Uint8Array,
  wanted: NewSignature,
  sign: Sign,
): Promise<{ readonly cms: Uint8Array; readonly signerIndex: number }> {
  const existing = parseSignedData(cms);
  if (existing.contentType !== OID_DATA) throw cmsInvalid(`it signs content of type ${existing.contentType}, not data`);
  const signerInfo = await createSignerInfo(wanted, existing.contentType, sign);
  const { certificate, chain } = wanted.signer;
  const added = encodeSignedData({
    ...existing,
    encapsulated: [existing.encapsulated],
    digestAlgorithms: withAlgorithm(existing, wanted.hash),
    certificates: [...existing.certificates, certificate, ...chain],
    signers: [...existing.signers.map(({ raw }) => raw), signerInfo],
  });
  return { cms: added, signerIndex: existing.signers.length };
}

/**
 * The same CMS with a time stamp (RFC 3161) over the signature of one signer, which gets an unsigned attribute (CAdES-B-T). Whether the token is any good is
 * its reader's to say.
 */
export function addSignatureTimeStamp(cms: Uint8Array, signerIndex: number, token: Uint8Array): Uint8Array {
  const existing = parseSignedData(cms);
  const signer = existing.signers[signerIndex];
  if (!signer) throw cmsInvalid(`it has no signer ${signerIndex}`);
  const attribute = join(encodeAttribute(OID_SIGNATURE_TIME_STAMP, token));
  const unsigned = signer.unsignedAttributes ? childrenOf(readDer(signer.unsignedAttributes.set)).map(({ raw }) => raw) : [];
  const fields = childrenOf(readDer(signer.raw)).filter(({ tag }) => tag !== context(1));
  const stamped = join(
    encode(
      TAG.sequence,
      fields.map(({ raw }) => raw),
      encodeSetOf(context(1), [...unsigned, attribute]),
    ),
  );
  return encodeSignedData({
    ...existing,
    encapsulated: [existing.encapsulated],
    signers: existing.signers.map(({ raw }, index) => (index === signerIndex ? stamped : raw)),
  });
}

/** The signature of one signer: what a time stamp is over. Throws cms_invalid. */
export function signatureOf(cms: Uint8Array, signerIndex: number): Uint8Array {
  const signer = parseSignedData(cms).signers[signerIndex];
  if (!signer) throw cmsInvalid(`it has no signer ${signerIndex}`);
  return signer.signature;
}

/** SignerInfo, DER (RFC 5652, section 5.3). */
async function createSignerInfo(wanted: NewSignature, contentType: string, sign: Sign): Promise<Uint8Array> {
  const { signer, hash, contentDigest } = wanted;
  const { family, digestLength, hash: hashOfAlgorithm } = SIGNATURE_SCHEMES[signer.algorithm];
  if (hash !== hashOfAlgorithm || contentDigest.length !== digestLength) {
    const problem = `${signer.algorithm} signs a digest of ${hashOfAlgorithm}`;
    throw new ApiError('invalid_params', `signing: ${problem}`, { problem });
  }
  const publicKey = signingKeyOf(signer.certificate);
  const attributes = join(encodeSetOf(TAG.set, signedAttributes(wanted, contentType)));
  const answer = await sign(new Uint8Array(createHash(hash).update(attributes).digest()));
  const signature = family === 'ecdsa' ? ecdsaToDer(answer) : answer;
  const algorithm = encodeSignatureAlgorithm(signer.algorithm);
  const scheme = decodeSignatureAlgorithm(readDer(join(algorithm)));
  if (!verifySignature(scheme, publicKey, attributes, signature))
    throw new ApiError('public_key_mismatch', 'signing: the signature of the card does not verify with the certificate');
  const { issuer, serialNumber } = certificateId(signer.certificate);
  return join(
    encode(
      TAG.sequence,
      encodeInteger(1),
      encode(TAG.sequence, issuer, encode(TAG.integer, serialNumber)),
      encodeHashAlgorithm(hash),
      encode(context(0), readDer(attributes).value),
      algorithm,
      encode(TAG.octetString, signature),
    ),
  );
}

/** Throws certificate_invalid, algorithm_not_allowed. */
function signingKeyOf(der: Uint8Array): KeyObject {
  const certificate = readCertificate(der);
  if (!certificate)
    throw new ApiError('certificate_invalid', 'reading the certificate of the signer: it does not parse as X.509');
  return orCmsInvalid(() => {
    const key = publicKeyOf(certificate);
    requireStrongKey(key);
    return key;
  });
}

function signedAttributes(
  { contentDigest, profile, signer, signingTime }: NewSignature,
  contentType: string,
): readonly Uint8Array[] {
  const attributes = [
    encodeAttribute(OID_CONTENT_TYPE, join(encodeOid(contentType))),
    encodeAttribute(OID_MESSAGE_DIGEST, join(encode(TAG.octetString, contentDigest))),
    encodeAttribute(OID_SIGNING_CERTIFICATE_V2, join(signingCertificate(signer.certificate))),
  ];
  if (profile === 'cades') attributes.push(encodeAttribute(OID_SIGNING_TIME, join(encodeTime(signingTime ?? new Date()))));
  return attributes.map(join);
}

function encodeAttribute(type: string, value: Uint8Array): DerParts {
  return encode(TAG.sequence, encodeOid(type), encode(TAG.set, value));
}

/** SigningCertificateV2 with one ESSCertIDv2 (RFC 5035, section 3): SHA-256, which is its default and so left out. */
function signingCertificate(certificate: Uint8Array): DerParts {
  const { issuer, serialNumber } = certificateId(certificate);
  const generalNames = encode(TAG.sequence, encode(context(4), issuer));
  const id = encode(
    TAG.sequence,
    encode(TAG.octetString, createHash('sha256').update(certificate).digest()),
    encode(TAG.sequence, generalNames, encode(TAG.integer, serialNumber)),
  );
  return encode(TAG.sequence, encode(TAG.sequence, id));
}

type SignedDataParts = Pick<SignedData, 'version' | 'digestAlgorithms' | 'certificates' | 'revocation'> & {
  readonly encapsulated: DerParts;
  readonly signers: readonly Uint8Array[];
};

function encodeSignedData(parts: SignedDataParts): Uint8Array {
  const certificates = parts.certificates.filter(
    (one, index, all) => all.findIndex((other) => Buffer.compare(one, other) === 0) === index,
  );
  const signedData = encode(
    TAG.sequence,
    encodeInteger(parts.version),
    encodeSetOf(TAG.set, parts.digestAlgorithms),
    parts.encapsulated,
    certificates.length > 0 ? encodeSetOf(context(0), certificates) : [],
    parts.revocation ? [parts.revocation] : [],
    // In the order in which they signed, which CMS leaves open (RFC 5652, section 5.1): an index stays good.
    encode(TAG.set, parts.signers),
  );
  return join(encode(TAG.sequence, encodeOid(OID_SIGNED_DATA), encode(context(0), signedData)));
}

function withAlgorithm({ digestAlgorithms }: SignedData, hash: HashName): readonly Uint8Array[] {
  const algorithm = join(encodeHashAlgorithm(hash));
  const [oid] = childrenOf(readDer(algorithm));
  const isThere = digestAlgorithms.some((one) => Buffer.compare(childrenOf(readDer(one))[0]?.raw ?? one, oid?.raw ?? one) === 0);
  return isThere ? digestAlgorithms : [...digestAlgorithms, algorithm];
}
