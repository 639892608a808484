/** Requests for tests of the authority, well formed or not, by pkijs. */
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { BitString, PrintableString, Utf8String, type AsnType } from 'asn1js';
import {
  Attribute,
  AttributeTypeAndValue,
  CertificationRequest,
  Extension,
  Extensions,
  PublicKeyInfo,
  RelativeDistinguishedNames,
} from 'pkijs';
import { bufferOf, readAsn1 } from './asn1.ts';
import { toSigningKey } from './issuers.ts';

export const CARD_NUMBER = '9752000000000000102';
export const HSA_ID = 'SE2321000016-BENCH3';

/** Object identifiers of X.520. */
export const CECILIA: readonly (readonly [string, string])[] = [
  ['2.5.4.3', 'Cecilia Öberg'],
  ['2.5.4.5', HSA_ID],
  ['2.5.4.42', 'Cecilia'],
  ['2.5.4.4', 'Öberg'],
];

export interface RequestDescription {
  readonly subject?: readonly (readonly [string, string])[];
  readonly key?: KeyObject;
  /** First byte of keyUsage: 0x80 digitalSignature, 0x40 nonRepudiation. No extension when it is undefined. */
  readonly keyUsage?: number | undefined;
  readonly cardNumber?: AsnType;
}

export const P256: KeyObject = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

/** DER. */
export async function makeRequest(description: RequestDescription = {}): Promise<Uint8Array> {
  const { subject = CECILIA, key = P256, cardNumber = new PrintableString({ value: CARD_NUMBER }) } = description;
  const keyUsage = 'keyUsage' in description ? description.keyUsage : 0x80;
  const spki = new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' }));
  const extensions = [
    ...(keyUsage === undefined ? [] : [extension('2.5.29.15', new BitString({ valueHex: bufferOf(Uint8Array.of(keyUsage)) }))]),
    extension('1.2.752.34.2.1', cardNumber),
  ];
  const request = new CertificationRequest({
    subject: new RelativeDistinguishedNames({
      typesAndValues: subject.map(([type, value]) => new AttributeTypeAndValue({ type, value: new Utf8String({ value }) })),
    }),
    subjectPublicKeyInfo: new PublicKeyInfo({ schema: readAsn1(spki) }),
    attributes: [new Attribute({ type: '1.2.840.113549.1.9.14', values: [new Extensions({ extensions }).toSchema()] })],
  });
  await request.sign(await toSigningKey(key), 'SHA-256');
  return new Uint8Array(request.toSchema(true).toBER());
}

function extension(extnID: string, value: AsnType): Extension {
  return new Extension({ extnID, extnValue: value.toBER() });
}
