/**
 * A PKCS #10 request (RFC 2986) of a card's key, taken apart and verified. What the certificate is to say of the key and its card stands in the attribute
 * extensionRequest (RFC 2985, section 5.4.2): key usage, and the card number. Written from the documents, and shares nothing with what makes such requests.
 */
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { BitString, PrintableString } from 'asn1js';
import { CertificationRequest, Extensions } from 'pkijs';
import { equalBytes } from '../bytes.ts';
import type { CertificateName, NameAttribute } from '../certificate.ts';
import { OID_CARD_NUMBER } from '../cards/eid/certificates.ts';
import type { KeyName } from '../cards/eid/layout.ts';
import { decodeName, readAsn1 } from './asn1.ts';
import { AuthorityError } from './errors.ts';

export interface CardRequest {
  /** In the order of certificates on cards. */
  readonly subject: CertificateName;
  /** The serialNumber of the subject: an HSA-id or a personal identity number. */
  readonly identifier: string;
  readonly publicKey: KeyObject;
  readonly use: KeyName;
  readonly cardNumber?: string;
  /** SHA-256 of the DER, hexadecimal. */
  readonly fingerprint: string;
}

const OID_EXTENSION_REQUEST = '1.2.840.113549.1.9.14';
/** RFC 5280, section 4.2.1.3. */
const OID_KEY_USAGE = '2.5.29.15';
const USAGE_DIGITAL_SIGNATURE = 0x80;
const USAGE_NON_REPUDIATION = 0x40;
/** SEIS: nineteen digits, as printed on the card. */
const CARD_NUMBER = /^\d{19}$/;
/** X.520, annex C: no bound of these attributes is above 128. */
const MAX_NAME_LENGTH = 128;
const SUBJECT_ORDER: readonly NameAttribute[] = ['C', 'O', 'title', 'SN', 'GN', 'serialNumber', 'CN'];
const MIN_RSA_BITS = 2048;
const CURVES: readonly (string | undefined)[] = ['prime256v1', 'secp384r1'];

/** Throws AuthorityError. `der` is bounded by whoever took it from the wire. */
export async function readRequest(der: Uint8Array): Promise<CardRequest> {
  const request = orInvalid('it is no PKCS #10', () => decodeRequest(der));
  const publicKey = orInvalid('its key is none', () =>
    createPublicKey({ key: Buffer.from(request.subjectPublicKeyInfo.toSchema().toBER()), format: 'der', type: 'spki' }),
  );
  requireStrongKey(publicKey);
  if (!(await isSignedByItsKey(request)))
    throw new AuthorityError('request_signature_invalid', 'verifying the request: its signature is not by its key');
  const subject = orInvalid('its subject', () => orderSubject(decodeName(request.subject)));
  return {
    subject,
    identifier: subject.find(([type]) => type === 'serialNumber')?.[1] ?? '',
    publicKey,
    ...orInvalid('its extensionRequest', () => readExtensions(request)),
    fingerprint: createHash('sha256').update(der).digest('hex'),
  };
}

/** The library takes lengths and bits that DER does not allow: what does not encode to the same bytes is none. Throws. */
function decodeRequest(der: Uint8Array): CertificationRequest {
  const request = new CertificationRequest({ schema: readAsn1(der) });
  const isDer = equalBytes(new Uint8Array(request.toSchema().toBER()), der);
  if (!isDer || request.signatureValue.valueBlock.unusedBits !== 0) throw new SyntaxError('it is not DER');
  return request;
}

function requireStrongKey({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): void {
  const { modulusLength = 0, namedCurve } = asymmetricKeyDetails ?? {};
  if (asymmetricKeyType === 'rsa' && modulusLength >= MIN_RSA_BITS) return;
  if (asymmetricKeyType === 'ec' && CURVES.includes(namedCurve)) return;
  throw new AuthorityError(
    'key_unsupported',
    `reading the request: its key is ${asymmetricKeyType ?? 'unknown'} ${namedCurve ?? modulusLength}`,
  );
}

/** The library throws for what it does not know, too. */
async function isSignedByItsKey(request: CertificationRequest): Promise<boolean> {
  try {
    return await request.verify();
  } catch (error) {
    throw new AuthorityError('request_signature_invalid', 'verifying the request: its signature cannot be read', {
      cause: error,
    });
  }
}

/** Throws SyntaxError. */
function orderSubject(name: CertificateName): CertificateName {
  for (const [type, text] of name) {
    if (text === '' || text.length > MAX_NAME_LENGTH)
      throw new SyntaxError(`${type} must have 1 to ${MAX_NAME_LENGTH} characters`);
    if (name.filter(([other]) => other === type).length > 1) throw new SyntaxError(`${type} stands there twice`);
  }
  for (const needed of ['CN', 'serialNumber'])
    if (!name.some(([type]) => type === needed)) throw new SyntaxError(`the subject has no ${needed}`);
  const whole: CertificateName = name.some(([type]) => type === 'C') ? name : [['C', 'SE'], ...name];
  return [...whole].sort(([left], [right]) => SUBJECT_ORDER.indexOf(left) - SUBJECT_ORDER.indexOf(right));
}

/** Throws SyntaxError. */
function readExtensions(request: CertificationRequest): { readonly use: KeyName; readonly cardNumber?: string } {
  const values = request.attributes?.find(({ type }) => type === OID_EXTENSION_REQUEST)?.values ?? [];
  const { extensions } = values.length === 0 ? { extensions: [] } : new Extensions({ schema: values[0] });
  const valueOf = (oid: string): Uint8Array | undefined =>
    extensions.find(({ extnID }) => extnID === oid)?.extnValue.valueBlock.valueHexView;
  const usage = valueOf(OID_KEY_USAGE);
  if (!usage) throw new SyntaxError('it does not say what the key is for (key usage)');
  const cardNumber = valueOf(OID_CARD_NUMBER);
  return { use: readUse(usage), ...(cardNumber ? { cardNumber: readCardNumber(cardNumber) } : {}) };
}

function readUse(value: Uint8Array): KeyName {
  const bits = readAsn1(value);
  if (!(bits instanceof BitString)) throw new SyntaxError('key usage is no BIT STRING');
  const isFor = (bit: number): boolean => ((bits.valueBlock.valueHexView[0] ?? 0) & bit) !== 0;
  if (isFor(USAGE_DIGITAL_SIGNATURE) !== isFor(USAGE_NON_REPUDIATION))
    return isFor(USAGE_NON_REPUDIATION) ? 'underskrift' : 'legitimering';
  throw new SyntaxError('key usage is neither digitalSignature alone nor nonRepudiation alone');
}

function readCardNumber(value: Uint8Array): string {
  const text = readAsn1(value);
  if (!(text instanceof PrintableString) || !CARD_NUMBER.test(text.getValue()))
    throw new SyntaxError('the card number is no PrintableString of nineteen digits');
  return text.getValue();
}

function orInvalid<R>(problem: string, work: () => R): R {
  try {
    return work();
  } catch (error) {
    const detail = error instanceof SyntaxError ? `${problem}: ${error.message}` : problem;
    throw new AuthorityError('request_invalid', `reading the request: ${detail}`, { cause: error });
  }
}
