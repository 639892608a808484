/**
 * The card number in certificates of Swedish identity cards: extension 1.2.752.34.2.1 (SEIS; SS 614330 and SS 614331), a PrintableString of nineteen digits as
 * printed on the card. Whether the last one is a check digit is unconfirmed: it is not looked at.
 */
import { PrintableString } from 'asn1js';
import { TlvError } from '../../apdu/tlv/ber-tlv.ts';
import { decodeObject } from './asn1.ts';

export const OID_CARD_NUMBER = '1.2.752.34.2.1';
const CARD_NUMBER = /^\d{19}$/;

/** `value` is the extension's, inside its OCTET STRING. Undefined for anything but a card number; throws TlvError for what is no PrintableString. */
export function parseCardNumber(value: Uint8Array): string | undefined {
  const object = decodeObject(value);
  if (!(object instanceof PrintableString)) throw new TlvError('decoding a card number: no PrintableString');
  const text = object.getValue();
  return isCardNumber(text) ? text : undefined;
}

export function isCardNumber(text: string): boolean {
  return CARD_NUMBER.test(text);
}
