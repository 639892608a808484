/**
 * Extensions that a certification request asks for (RFC 2985, section 5.4.2): what the key is for, and which card it is on, as Swedish e-ID certificates
 * say it. Loaded on first use, by `certificate-request-asn1.ts`.
 */
import { AsnConvert, AsnPrintableStringConverter, OctetString } from '@peculiar/asn1-schema';
import { id_rsaEncryption } from '@peculiar/asn1-rsa';
import { Extension, Extensions, KeyUsage, KeyUsageFlags, id_ce_keyUsage, type SubjectPublicKeyInfo } from '@peculiar/asn1-x509';
import { ApiError } from '../errors.ts';
import { OID_CARD_NUMBER, isCardNumber } from '../identity/card-number.ts';

export interface RequestedExtensions {
  /** `authentication` is the key for legitimering, `signature` that for underskrift. */
  readonly keyUsage: 'authentication' | 'signature';
  /** Nineteen digits, as printed on the card. */
  readonly cardNumber?: string;
}

/** DER of Extensions (RFC 5280, section 4.1). Throws invalid_params for a card number that is none. */
export function encodeExtensionRequest(wanted: RequestedExtensions, key: SubjectPublicKeyInfo): ArrayBuffer {
  const keyUsage = AsnConvert.serialize(new KeyUsage(usageFlags(wanted.keyUsage, key)));
  const extensions = [new Extension({ extnID: id_ce_keyUsage, critical: true, extnValue: new OctetString(keyUsage) })];
  if (wanted.cardNumber !== undefined) {
    const extnValue = new OctetString(encodeCardNumber(wanted.cardNumber));
    extensions.push(new Extension({ extnID: OID_CARD_NUMBER, extnValue }));
  }
  return AsnConvert.serialize(new Extensions(extensions));
}

/** RFC 5280, section 4.2.1.3. An RSA key also takes keys that are encrypted for its holder; one of an elliptic curve cannot. */
function usageFlags(usage: RequestedExtensions['keyUsage'], key: SubjectPublicKeyInfo): number {
  if (usage === 'signature') return KeyUsageFlags.nonRepudiation;
  const isRsa = key.algorithm.algorithm === id_rsaEncryption;
  return KeyUsageFlags.digitalSignature | (isRsa ? KeyUsageFlags.keyEncipherment : 0);
}

function encodeCardNumber(digits: string): ArrayBuffer {
  if (isCardNumber(digits)) return AsnPrintableStringConverter.toASN(digits).toBER();
  const problem = 'cardNumber is not nineteen digits';
  throw new ApiError('invalid_params', `requesting a certificate: ${problem}`, { problem });
}
