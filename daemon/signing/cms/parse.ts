/**
 * SignedData (RFC 5652, section 5) taken apart into the bytes that it came as. Nothing is verified here. Everything that is not such a structure in DER, or is larger
 * than one that people sign, is refused with cms_invalid.
 */
import { ApiError } from '../../errors.ts';
import { AlgorithmNotAllowedError } from './algorithms.ts';
import {
  DerError,
  Fields,
  TAG,
  childrenOf,
  context,
  decodeOid,
  readDer,
  readDerTree,
  requireTag,
  type DerElement,
} from './der.ts';
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
  readonly digestAlgorithm: DerElement;
  /** Their bytes as they were signed: a SET OF. Undefined when the signature is over the content itself. */
  readonly signedAttributes: Attributes | undefined;
  readonly signatureAlgorithm: DerElement;
  readonly signature: Uint8Array;
  readonly unsignedAttributes: Attributes | undefined;
}

export interface Attributes {
  /** SET OF Attribute, DER. */
  readonly set: Uint8Array;
  readonly values: ReadonlyMap<string, readonly DerElement[]>;
}

/** Throws cms_invalid. */
export function parseSignedData(bytes: Uint8Array): SignedData {
  return orCmsInvalid(() => readContentInfo(readDerTree(bytes)));
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

function readContentInfo(root: DerElement): SignedData {
  const info = new Fields(root);
  const type = decodeOid(info.take());
  if (type !== OID_SIGNED_DATA) throw new DerError(`its content type is ${type}, not SignedData`);
  const content = info.take(context(0));
  info.end();
  return readSignedData(readDer(content.value));
}

function readSignedData(element: DerElement): SignedData {
  const fields = new Fields(element);
  const version = readVersion(fields.take(TAG.integer));
  const digestAlgorithms = childrenOf(fields.take(TAG.set)).map(({ raw }) => raw);
  const encapsulated = fields.take(TAG.sequence);
  const certificates = childrenOf(fields.takeIf(context(0)) ?? EMPTY).map(({ raw }) => raw);
  const revocation = fields.takeIf(context(1))?.raw;
  const signers = childrenOf(fields.take(TAG.set));
  fields.end();
  if (signers.length > MAX_SIGNERS)
    throw new DerError(`it has ${signers.length} signers; ${MAX_SIGNERS} are the most that are looked at`);
  if (certificates.length > MAX_CERTIFICATES) throw new DerError(`it has more than ${MAX_CERTIFICATES} certificates`);
  const inner = new Fields(encapsulated);
  const contentType = decodeOid(inner.take());
  const content = inner.takeIf(context(0));
  inner.end();
  return {
    version,
    digestAlgorithms,
    encapsulated: encapsulated.raw,
    contentType,
    content: content && readDer(content.value, TAG.octetString).value,
    certificates,
    revocation,
    signers: signers.map(readSigner),
  };
}

const EMPTY: DerElement = { tag: TAG.set, raw: new Uint8Array(), value: new Uint8Array() };

function readVersion({ value: [version = 0, ...more] }: DerElement): number {
  if (more.length > 0 || version > 5) throw new DerError('its version is not known');
  return version;
}

function readSigner(element: DerElement): SignerInfo {
  const fields = new Fields(element);
  readVersion(fields.take(TAG.integer));
  const keyIdentifier = fields.takeIf(0x80);
  const issuerAndSerial = keyIdentifier ? undefined : new Fields(fields.take(TAG.sequence));
  const digestAlgorithm = fields.take(TAG.sequence);
  const signed = fields.takeIf(context(0));
  const signatureAlgorithm = fields.take(TAG.sequence);
  const signature = fields.take(TAG.octetString).value;
  const unsigned = fields.takeIf(context(1));
  fields.end();
  return {
    raw: element.raw,
    id: keyIdentifier
      ? { keyIdentifier: keyIdentifier.value }
      : {
          issuer: (issuerAndSerial?.take(TAG.sequence) ?? EMPTY).raw,
          serialNumber: (issuerAndSerial?.take(TAG.integer) ?? EMPTY).value,
        },
    digestAlgorithm,
    signedAttributes: signed && readAttributes(signed),
    signatureAlgorithm,
    signature,
    unsignedAttributes: unsigned && readAttributes(unsigned),
  };
}

/** Signed as a SET OF, though they stand there under another tag (RFC 5652, section 5.4). */
function readAttributes(element: DerElement): Attributes {
  const values = new Map<string, readonly DerElement[]>();
  const children = childrenOf(element);
  if (children.length > MAX_ATTRIBUTES) throw new DerError(`a signer has more than ${MAX_ATTRIBUTES} attributes`);
  for (const child of children) {
    const fields = new Fields(child);
    const type = decodeOid(fields.take());
    values.set(type, [...(values.get(type) ?? []), ...childrenOf(fields.take(TAG.set))]);
    fields.end();
  }
  const set = Uint8Array.from(element.raw);
  set[0] = TAG.set;
  return { set, values };
}

/** The value of an attribute that may be there once, with one value (RFC 5652, section 11). Throws DerError for several. */
export function singleValue(attributes: Attributes | undefined, type: string): DerElement | undefined {
  const [value, ...others] = attributes?.values.get(type) ?? [];
  if (others.length > 0) throw new DerError(`attribute ${type} has several values`);
  return value;
}

/** Issuer and serial number of an X.509 certificate, raw (RFC 5280, section 4.1). Throws DerError. */
export function certificateId(der: Uint8Array): { readonly issuer: Uint8Array; readonly serialNumber: Uint8Array } {
  const fields = new Fields(new Fields(readDer(der)).take(TAG.sequence));
  fields.takeIf(context(0));
  const serialNumber = fields.take(TAG.integer).value;
  fields.take(TAG.sequence);
  return { serialNumber, issuer: requireTag(fields.take(), TAG.sequence).raw };
}
