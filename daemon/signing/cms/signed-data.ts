/**
 * CMS signatures (RFC 5652) as CAdES-B-B (ETSI EN 319 122-1, section 6) and PAdES (ETSI EN 319 142-1, section 6) want them. The card signs the digest of the signed attributes;
 * what it answers is verified with the certificate before anything is given out. What others signed stays byte for byte.
 */
import { createHash, type KeyObject, type X509Certificate } from 'node:crypto';
import { Integer, ObjectIdentifier, OctetString, Sequence, Set as Asn1Set, type BaseBlock } from 'asn1js';
import { AlgorithmIdentifier, Attribute, ContentInfo, SignedAndUnsignedAttributes, SignerInfo } from 'pkijs';
import { ecdsaToDer, SIGNATURE_SCHEMES } from '../../../apdu/signature-encoding.ts';
import type { SignatureAlgorithm } from '../../../apdu/token.ts';
import { ApiError } from '../../errors.ts';
import { readCertificate } from '../certificate.ts';
import { certificateId, isReadable, publicKeyOf } from '../certificate-fields.ts';
import {
  decodeSignatureAlgorithm,
  encodeHashAlgorithm,
  encodeSignatureAlgorithm,
  requireStrongKey,
  verifySignature,
  type HashName,
} from './algorithms.ts';
import { Spliced, childrenOf, encode, inOrder, orDerError, rawOf, readDer, setOf, tagged, timeBlock } from './asn1.ts';
import {
  OID_CONTENT_TYPE,
  OID_DATA,
  OID_MESSAGE_DIGEST,
  OID_SIGNATURE_TIME_STAMP,
  OID_SIGNED_DATA,
  OID_SIGNING_CERTIFICATE_V2,
  OID_SIGNING_TIME,
} from './identifiers.ts';
import { cmsInvalid, orCmsInvalid, parseSignedData, type SignedData } from './parse.ts';
import { signingCertificate } from './signing-certificate.ts';

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

/** Gives the signature of a digest, ECDSA as r‖s. `message` is what the digest is of, for keys that hash themselves. */
export type Sign = (digest: Uint8Array, message: Uint8Array) => Promise<Uint8Array>;

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
  // Not by EncapsulatedContentInfo, which cuts content into pieces (BER).
  const octets = content ? [tagged(0, [new OctetString({ valueHex: content })])] : [];
  return encodeSignedData({
    version: 1,
    digestAlgorithms: [encode(encodeHashAlgorithm(hash).toSchema())],
    encapsulated: new Sequence({ value: [new ObjectIdentifier({ value: OID_DATA }), ...octets] }),
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
    encapsulated: new Spliced(existing.encapsulated),
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
  const attribute = encode(new Attribute({ type: OID_SIGNATURE_TIME_STAMP, values: [new Spliced(token)] }).toSchema());
  const unsigned = signer.unsignedAttributes ? childrenOf(readDer(signer.unsignedAttributes.set)).map(rawOf) : [];
  const fields = childrenOf(readDer(signer.raw)).filter(({ idBlock }) => idBlock.tagClass !== 3 || idBlock.tagNumber !== 1);
  const kept = fields.map((field) => new Spliced(rawOf(field)));
  const stamped = encode(new Sequence({ value: [...kept, tagged(1, inOrder([...unsigned, attribute]))] }));
  return encodeSignedData({
    ...existing,
    encapsulated: new Spliced(existing.encapsulated),
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
  const certificate = signingCertificateOf(signer.certificate);
  const publicKey = signingKeyOf(certificate);
  const signedAttrs = new SignedAndUnsignedAttributes({
    type: 0,
    attributes: signedAttributes(wanted, certificate, contentType),
  });
  const attributes = encode(new Asn1Set({ value: signedAttrs.attributes.map((one) => one.toSchema()) }));
  const answer = await sign(new Uint8Array(createHash(hash).update(attributes).digest()), attributes);
  const signature = family === 'ecdsa' ? ecdsaToDer(answer) : answer;
  const signatureAlgorithm = encodeSignatureAlgorithm(signer.algorithm);
  if (!verifySignature(decodeSignatureAlgorithm(signatureAlgorithm), publicKey, attributes, signature))
    throw new ApiError('public_key_mismatch', 'signing: the signature of the card does not verify with the certificate');
  const signerInfo = new SignerInfo({
    version: 1,
    sid: issuerAndSerialNumber(certificate),
    digestAlgorithm: encodeHashAlgorithm(hash),
    signedAttrs,
    signatureAlgorithm,
    signature: new OctetString({ valueHex: signature }),
  });
  return encode(signerInfo.toSchema());
}

/** Throws certificate_invalid. */
function signingCertificateOf(der: Uint8Array): X509Certificate {
  const certificate = readCertificate(der);
  if (certificate && isReadable(certificate)) return certificate;
  throw new ApiError('certificate_invalid', 'reading the certificate of the signer: it does not parse as X.509');
}

/** As the certificate has them: pkijs would encode the name anew. */
function issuerAndSerialNumber(certificate: X509Certificate): Sequence {
  const { issuer, serialNumber } = certificateId(certificate);
  return new Sequence({ value: [new Spliced(issuer), new Integer({ valueHex: serialNumber })] });
}

/** Throws algorithm_not_allowed. */
function signingKeyOf(certificate: X509Certificate): KeyObject {
  return orCmsInvalid(() => {
    const key = publicKeyOf(certificate);
    requireStrongKey(key);
    return key;
  });
}

/** In the order of a SET OF (X.690, section 11.6). */
function signedAttributes(
  { contentDigest, profile, signingTime }: NewSignature,
  certificate: X509Certificate,
  contentType: string,
): Attribute[] {
  const values: (readonly [string, BaseBlock])[] = [
    [OID_CONTENT_TYPE, new ObjectIdentifier({ value: contentType })],
    [OID_MESSAGE_DIGEST, new OctetString({ valueHex: contentDigest })],
    [OID_SIGNING_CERTIFICATE_V2, signingCertificate(certificate)],
  ];
  if (profile === 'cades') values.push([OID_SIGNING_TIME, timeBlock(signingTime ?? new Date())]);
  const attributes = values.map(([type, value]) => new Attribute({ type, values: [value] }));
  return attributes.sort((one, other) => Buffer.compare(encode(one.toSchema()), encode(other.toSchema())));
}

type SignedDataParts = Pick<SignedData, 'version' | 'digestAlgorithms' | 'certificates' | 'revocation'> & {
  readonly encapsulated: BaseBlock;
  readonly signers: readonly Uint8Array[];
};

/** Not by the SignedData of pkijs, which would encode anew what it was given. */
function encodeSignedData(parts: SignedDataParts): Uint8Array {
  const certificates = parts.certificates.filter(
    (one, index, all) => all.findIndex((other) => Buffer.compare(one, other) === 0) === index,
  );
  const content = new Sequence({
    value: [
      new Integer({ value: parts.version }),
      setOf(parts.digestAlgorithms),
      parts.encapsulated,
      ...(certificates.length > 0 ? [tagged(0, inOrder(certificates))] : []),
      ...(parts.revocation ? [new Spliced(parts.revocation)] : []),
      // In the order in which they signed, which CMS leaves open (RFC 5652, section 5.1): an index stays good.
      new Asn1Set({ value: parts.signers.map((signer) => new Spliced(signer)) }),
    ],
  });
  return encode(new ContentInfo({ contentType: OID_SIGNED_DATA, content }).toSchema());
}

function withAlgorithm({ digestAlgorithms }: SignedData, hash: HashName): readonly Uint8Array[] {
  const algorithm = encodeHashAlgorithm(hash);
  const isThere = digestAlgorithms.some((one) => {
    const { algorithmId } = orCmsInvalid(() =>
      orDerError('no AlgorithmIdentifier', () => new AlgorithmIdentifier({ schema: readDer(one) })),
    );
    return algorithmId === algorithm.algorithmId;
  });
  return isThere ? digestAlgorithms : [...digestAlgorithms, encode(algorithm.toSchema())];
}
