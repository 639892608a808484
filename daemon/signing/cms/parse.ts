/**
 * SignedData (RFC 5652, section 5) taken apart by pkijs and asn1js into the bytes that it came as. Nothing is verified here. Everything that is not such a structure in DER, or is larger
 * than one that people sign, is refused with cms_invalid.
 */
import { BaseBlock, Constructed, Integer, ObjectIdentifier, Primitive, Sequence, Set as Asn1Set } from 'asn1js';
import {
  EncapsulatedContentInfo,
  IssuerAndSerialNumber,
  SignerInfo as LibrarySignerInfo,
  type AlgorithmIdentifier,
  type SignedAndUnsignedAttributes,
} from 'pkijs';
import { ApiError } from '../../errors.ts';
import { AlgorithmNotAllowedError } from './algorithms.ts';
import { DerError, childrenOf, matchSchema, octetsOf, oidOf, orDerError, rawOf, readDer, requireFields } from './asn1.ts';
import { OID_SIGNED_DATA } from './identifiers.ts';

/** More people than sign one document. */
export const MAX_SIGNERS = 64;
/** A chain of three for each of some twenty signers. */
const MAX_CERTIFICATES = 64;
const MAX_ATTRIBUTES = 64;

export interface SignedData {
  readonly version: number;
  /** AlgorithmIdentifiers, raw. */
  readonly digestAlgorithms: readonly Uint8Array[];
  /** EncapsulatedContentInfo, raw. */
  readonly encapsulated: Uint8Array;
  readonly contentType: string;
  /** Undefined: detached. */
  readonly content: Uint8Array | undefined;
  /** CertificateChoices, raw: X.509 certificates, and what else there may be. */
  readonly certificates: readonly Uint8Array[];
  /** RevocationInfoChoices as they came, tag [1] included. */
  readonly revocation: Uint8Array | undefined;
  readonly signers: readonly SignerInfo[];
}

export interface SignerInfo {
  readonly raw: Uint8Array;
  readonly id: { readonly issuer: Uint8Array; readonly serialNumber: Uint8Array } | { readonly keyIdentifier: Uint8Array };
  readonly digestAlgorithm: AlgorithmIdentifier;
  /** Their bytes as they were signed: a SET OF. Undefined when the signature is over the content itself. */
  readonly signedAttributes: Attributes | undefined;
  readonly signatureAlgorithm: AlgorithmIdentifier;
  readonly signature: Uint8Array;
  readonly unsignedAttributes: Attributes | undefined;
}

export interface Attributes {
  /** SET OF Attribute, DER. */
  readonly set: Uint8Array;
  readonly values: ReadonlyMap<string, readonly BaseBlock[]>;
}

/** Throws cms_invalid. */
export function parseSignedData(bytes: Uint8Array): SignedData {
  return orCmsInvalid(() => readContentInfo(readDer(bytes)));
}

/** What was wrong with bytes that were handed in, as the caller is told. */
export function orCmsInvalid<R>(work: () => R): R {
  try {
    return work();
  } catch (error) {
    if (error instanceof DerError) throw cmsInvalid(error.message, error);
    if (error instanceof AlgorithmNotAllowedError) {
      const { algorithm } = error;
      throw new ApiError('algorithm_not_allowed', `reading the CMS: ${error.message}`, { algorithm }, { cause: error });
    }
    throw error;
  }
}

export function cmsInvalid(problem: string, cause?: unknown): ApiError {
  return new ApiError('cms_invalid', `reading the CMS: ${problem}`, { problem }, { cause });
}

function readContentInfo(root: BaseBlock): SignedData {
  const wrapped = new Constructed({ name: 'wrapped', idBlock: { tagClass: 3, tagNumber: 0 }, value: [] });
  const schema = new Sequence({ value: [new ObjectIdentifier({ name: 'type' }), wrapped] });
  const info = matchSchema(root, schema, 'ContentInfo');
  const type = oidOf(info.one('type'));
  if (type !== OID_SIGNED_DATA) throw new DerError(`its content type is ${type}, not SignedData`);
  requireFields(root, 2);
  const [content, ...others] = childrenOf(info.one('wrapped'));
  if (!content || others.length > 0) throw new DerError('no SignedData');
  return readSignedData(content);
}

/** That of pkijs, but what is passed on as bytes is not looked into: others than X.509 certificates, and long lists. */
function signedDataSchema(): Sequence {
  const choices = (name: string, tagNumber: number): Constructed =>
    new Constructed({ name, optional: true, idBlock: { tagClass: 3, tagNumber }, value: [] });
  return new Sequence({
    value: [
      new Integer({ name: 'version' }),
      new Asn1Set({ name: 'digestAlgorithms', value: [] }),
      new Sequence({ name: 'encapsulated', value: [] }),
      choices('certificates', 0),
      choices('revocation', 1),
      new Asn1Set({ name: 'signers', value: [] }),
    ],
  });
}

function readSignedData(block: BaseBlock): SignedData {
  const fields = matchSchema(block, signedDataSchema(), 'SignedData');
  const revocation = fields.optional('revocation');
  const certificates = fields.optional('certificates');
  requireFields(block, 4 + (certificates ? 1 : 0) + (revocation ? 1 : 0));
  const signers = childrenOf(fields.one('signers'));
  if (signers.length > MAX_SIGNERS)
    throw new DerError(`it has ${signers.length} signers; ${MAX_SIGNERS} are the most that are looked at`);
  const choices = certificates ? childrenOf(certificates) : [];
  if (choices.length > MAX_CERTIFICATES) throw new DerError(`it has more than ${MAX_CERTIFICATES} certificates`);
  return {
    version: readVersion(fields.one('version')),
    digestAlgorithms: childrenOf(fields.one('digestAlgorithms')).map(rawOf),
    ...readEncapsulated(fields.one('encapsulated')),
    certificates: choices.map(rawOf),
    revocation: revocation && rawOf(revocation),
    signers: signers.map(readSigner),
  };
}

function readEncapsulated(block: BaseBlock): Pick<SignedData, 'encapsulated' | 'contentType' | 'content'> {
  requireFields(block, 2);
  const info = orDerError('no EncapsulatedContentInfo', () => new EncapsulatedContentInfo({ schema: block }));
  const [, wrapped] = childrenOf(block);
  if (wrapped) requireFields(wrapped, 1);
  return {
    encapsulated: rawOf(block),
    contentType: info.eContentType,
    content: wrapped && octetsOf(info.eContent),
  };
}

function readVersion(block: BaseBlock): number {
  const version = block instanceof Integer && block.valueBlock.valueHexView.length === 1 ? block.valueBlock.valueDec : -1;
  if (version < 0 || version > 5) throw new DerError('its version is not known');
  return version;
}

function readSigner(block: BaseBlock): SignerInfo {
  const signer = orDerError('no SignerInfo', () => new LibrarySignerInfo({ schema: block }));
  const [version = block] = childrenOf(block);
  readVersion(version);
  const { signedAttrs, unsignedAttrs, digestAlgorithm, signatureAlgorithm, signature } = signer;
  requireFields(block, 5 + (signedAttrs ? 1 : 0) + (unsignedAttrs ? 1 : 0));
  return {
    raw: rawOf(block),
    id: readId(signer.sid),
    digestAlgorithm,
    signedAttributes: signedAttrs && readAttributes(signedAttrs),
    signatureAlgorithm,
    signature: octetsOf(signature),
    unsignedAttributes: unsignedAttrs && readAttributes(unsignedAttrs),
  };
}

function readId(id: unknown): SignerInfo['id'] {
  if (id instanceof IssuerAndSerialNumber)
    return {
      issuer: new Uint8Array(id.issuer.valueBeforeDecode),
      serialNumber: id.serialNumber.valueBlock.valueHexView,
    };
  if (!(id instanceof Primitive)) throw new DerError('a signer without a name');
  return { keyIdentifier: id.valueBlock.valueHexView };
}

/** Signed as a SET OF, though they stand there under another tag (RFC 5652, section 5.4). */
function readAttributes({ attributes, encodedValue }: SignedAndUnsignedAttributes): Attributes {
  if (attributes.length > MAX_ATTRIBUTES) throw new DerError(`a signer has more than ${MAX_ATTRIBUTES} attributes`);
  const values = new Map<string, readonly BaseBlock[]>();
  for (const attribute of attributes) {
    // The library leaves it undefined for an empty SET.
    const some: unknown = attribute.values;
    const blocks = Array.isArray(some) ? some.filter((one) => one instanceof BaseBlock) : [];
    values.set(attribute.type, [...(values.get(attribute.type) ?? []), ...blocks]);
  }
  return { set: new Uint8Array(encodedValue), values };
}

/** The value of an attribute that may be there once, with one value (RFC 5652, section 11). Throws DerError for several. */
export function singleValue(attributes: Attributes | undefined, type: string): BaseBlock | undefined {
  const [value, ...others] = attributes?.values.get(type) ?? [];
  if (others.length > 0) throw new DerError(`attribute ${type} has several values`);
  return value;
}
