/** The ASN.1 of PKCS #10 (RFC 2986, section 4), by @peculiar's schemas. Loaded on first use. */
import 'reflect-metadata'; // @peculiar/x509 injects its dependencies by it
import { AsnConvert } from '@peculiar/asn1-schema';
import { Attributes, CertificationRequest, CertificationRequestInfo } from '@peculiar/asn1-csr';
import { ecdsaWithSHA256, ecdsaWithSHA384 } from '@peculiar/asn1-ecc';
import {
  RsaSaPssParams,
  id_RSASSA_PSS,
  id_mgf1,
  id_sha256WithRSAEncryption,
  id_sha384WithRSAEncryption,
  id_sha512WithRSAEncryption,
  sha256,
  sha384,
  sha512,
} from '@peculiar/asn1-rsa';
import { AlgorithmIdentifier, Attribute, Name, SubjectPublicKeyInfo } from '@peculiar/asn1-x509';
import { Name as NameText } from '@peculiar/x509';
import { ecdsaToDer } from '../../apdu/signature-encoding.ts';
import { ApiError } from '../errors.ts';
import { encodeExtensionRequest, type RequestedExtensions } from './extension-request.ts';

type HashName = 'sha256' | 'sha384' | 'sha512';

/** RFC 4055, section 5: parameters are NULL. The library's own constant for SHA-256 holds the identifier of SHA-512/256 (2.11.1). */
const PKCS1 = { sha256: id_sha256WithRSAEncryption, sha384: id_sha384WithRSAEncryption, sha512: id_sha512WithRSAEncryption };
const HASHES = { sha256, sha384, sha512 };
const DIGEST_LENGTH = { sha256: 32, sha384: 48, sha512: 64 };

/** PKCS #9: extensionRequest (RFC 2985, section 5.4.2). */
const id_extensionRequest = '1.2.840.113549.1.9.14';

/**
 * DER of CertificationRequestInfo. Its only attribute is the request of extensions, where there is one. Throws invalid_params for a subject that is no
 * distinguished name.
 */
export function encodeRequestInfo(subject: string, publicKey: Uint8Array, extensions?: RequestedExtensions): Uint8Array {
  const subjectPKInfo = AsnConvert.parse(publicKey, SubjectPublicKeyInfo);
  const attributes = extensions
    ? [new Attribute({ type: id_extensionRequest, values: [encodeExtensionRequest(extensions, subjectPKInfo)] })]
    : [];
  const info = new CertificationRequestInfo({
    subject: parseSubject(subject),
    subjectPKInfo,
    attributes: new Attributes(attributes),
  });
  return new Uint8Array(AsnConvert.serialize(info));
}

/** DER of CertificationRequest. `signature` of an ECDSA key is r‖s. */
export function encodeRequest(
  info: Uint8Array,
  scheme: { readonly family: 'pkcs1' | 'pss' | 'ecdsa'; readonly hash: HashName },
  signature: Uint8Array,
): Uint8Array {
  const request = new CertificationRequest({
    certificationRequestInfo: AsnConvert.parse(info, CertificationRequestInfo),
    signatureAlgorithm: signatureAlgorithm(scheme),
    signature: toArrayBuffer(scheme.family === 'ecdsa' ? ecdsaToDer(signature) : signature),
  });
  return new Uint8Array(AsnConvert.serialize(request));
}

/** Attributes that certificates of people have and the library has no name for, by their names in RFC 4519, section 2, and as OpenSSL writes them. */
const PERSONAL_ATTRIBUTES = {
  serialNumber: '2.5.4.5',
  GN: '2.5.4.42',
  givenName: '2.5.4.42',
  sn: '2.5.4.4',
  surname: '2.5.4.4',
  title: '2.5.4.12',
};

/** DER of a distinguished name. Throws invalid_params for a text that is none. */
export function encodeName(text: string): Uint8Array {
  return new Uint8Array(AsnConvert.serialize(parseSubject(text)));
}

/** The text begins with the last relative name (RFC 4514, section 2.1); the library takes them in the order of the text. */
function parseSubject(subject: string): Name {
  try {
    const name = new NameText(new NameText(subject, PERSONAL_ATTRIBUTES).toJSON().reverse(), PERSONAL_ATTRIBUTES);
    if (name.toJSON().length > 0) return AsnConvert.parse(name.toArrayBuffer(), Name);
  } catch (error) {
    throw subjectError(error);
  }
  throw subjectError(undefined);
}

function subjectError(cause: unknown): ApiError {
  const problem = 'subject is no distinguished name (RFC 4514)';
  return new ApiError('invalid_params', `requesting a certificate: ${problem}`, { problem }, { cause });
}

function signatureAlgorithm({
  family,
  hash,
}: {
  readonly family: 'pkcs1' | 'pss' | 'ecdsa';
  readonly hash: HashName;
}): AlgorithmIdentifier {
  if (family === 'ecdsa') return hash === 'sha256' ? ecdsaWithSHA256 : ecdsaWithSHA384;
  if (family === 'pkcs1') return new AlgorithmIdentifier({ algorithm: PKCS1[hash], parameters: null });
  const maskGenAlgorithm = new AlgorithmIdentifier({ algorithm: id_mgf1, parameters: AsnConvert.serialize(HASHES[hash]) });
  const parameters = new RsaSaPssParams({ hashAlgorithm: HASHES[hash], maskGenAlgorithm, saltLength: DIGEST_LENGTH[hash] });
  return new AlgorithmIdentifier({ algorithm: id_RSASSA_PSS, parameters: AsnConvert.serialize(parameters) });
}

function toArrayBuffer(bytes: Uint8Array): ArrayBuffer {
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
}
