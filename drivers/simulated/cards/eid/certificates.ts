/**
 * Certificates as on Swedish e-ID cards, for people who do not exist. Subject fields, key usages and the card-number extension are as publicly known of
 * SITHS e-id; the full certificate profiles are not public. Unconfirmed, and therefore parameters: policy identifiers, extended key usages, addresses of
 * revocation lists and of OCSP. Left out for the same reason: the user principal name.
 */
import { createPublicKey, randomBytes, type KeyObject } from 'node:crypto';
import { encodeTlv } from '../../../../apdu/tlv/ber-tlv.ts';
import { bytesToBigInt } from '../../bytes.ts';
import {
  authorityInformationAccess,
  authorityKeyIdentifier,
  basicConstraints,
  certificatePolicies,
  crlDistributionPoint,
  extendedKeyUsage,
  keyUsage,
  signCertificate,
  subjectKeyIdentifier,
  type CertificateExtension,
  type CertificateName,
} from '../../certificate.ts';
import { namedBits } from './der.ts';
import type { KeyName } from './layout.ts';

/** Card number (SS 614330 and SS 614331, SEIS): PrintableString, not critical. */
export const OID_CARD_NUMBER = '1.2.752.34.2.1';
/** RFC 5280, sections 4.2.1.3, 4.2.1.12 and 4.2.1.4. */
const OID_KEY_USAGE = '2.5.29.15';
const OID_CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const OID_EMAIL_PROTECTION = '1.3.6.1.5.5.7.3.4';
const OID_ANY_POLICY = '2.5.29.32.0';
const USAGE_DIGITAL_SIGNATURE = 0;
const USAGE_NON_REPUDIATION = 1;
const USAGE_KEY_ENCIPHERMENT = 2;
/** Bytes of a serial number. */
const SERIAL_BYTES = 16;

export interface EidPerson {
  readonly givenName: string;
  readonly surname: string;
  readonly title?: string;
  readonly organisation?: string;
  /** What stands as serialNumber in the subject: an HSA-id ("SE2321000016-…"), or twelve digits of a personal identity number. */
  readonly identifier: string;
}

export interface EidAuthority {
  readonly name: CertificateName;
  readonly key: KeyObject;
}

export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** Where it is told that a certificate was revoked, and where its issuer's own one lies. */
export interface RevocationAddresses {
  readonly crl: string;
  readonly ocsp: string;
  readonly issuer: string;
}

/** What certificates of a card have in common, whatever they call its holder. */
interface CardCertificate extends Validity {
  readonly use: KeyName;
  readonly publicKey: KeyObject;
  /** Level of assurance, as policy identifiers. */
  readonly policies: readonly string[];
  readonly authority: EidAuthority;
  /** Not in the certificate unless given. */
  readonly addresses?: RevocationAddresses;
}

export interface PersonalCertificate extends CardCertificate {
  readonly person: EidPerson;
  /** 19 digits. */
  readonly cardNumber: string;
}

export interface NamedCertificate extends CardCertificate {
  readonly subject: CertificateName;
  /** 19 digits. Not in the certificate unless given. */
  readonly cardNumber?: string;
}

/** DER. */
export function issuePersonalCertificate(order: PersonalCertificate): Uint8Array {
  return issueNamedCertificate({ ...order, subject: nameOf(order.person) });
}

/** DER. As for a person, whose name is given as it is to stand there. */
export function issueNamedCertificate(order: NamedCertificate): Uint8Array {
  const { use, publicKey, cardNumber, addresses } = order;
  const isRsa = publicKey.asymmetricKeyType === 'rsa';
  const usages =
    use === 'underskrift' ? [USAGE_NON_REPUDIATION] : [USAGE_DIGITAL_SIGNATURE, ...(isRsa ? [USAGE_KEY_ENCIPHERMENT] : [])];
  return issue(order.subject, publicKey, order.authority, order, [
    basicConstraints(false),
    { oid: OID_KEY_USAGE, critical: true, value: namedBits(...usages) },
    extendedKeyUsage(use === 'underskrift' ? OID_EMAIL_PROTECTION : OID_CLIENT_AUTH),
    certificatePolicies(...order.policies),
    ...(cardNumber === undefined ? [] : [{ oid: OID_CARD_NUMBER, value: encodeTlv(0x13, new TextEncoder().encode(cardNumber)) }]),
    ...(addresses ? [crlDistributionPoint(addresses.crl), authorityInformationAccess(addresses)] : []),
  ]);
}

export interface AuthorityCertificate extends Validity {
  readonly name: CertificateName;
  readonly publicKey: KeyObject;
  /** A root is its own. */
  readonly issuer: EidAuthority;
}

/** DER. The authority may issue under any policy. */
export function issueAuthorityCertificate(order: AuthorityCertificate): Uint8Array {
  return issue(order.name, order.publicKey, order.issuer, order, [
    basicConstraints(true),
    keyUsage('keyCertSign', 'cRLSign'),
    certificatePolicies(OID_ANY_POLICY),
  ]);
}

function issue(
  subject: CertificateName,
  publicKey: KeyObject,
  authority: EidAuthority,
  validity: Validity,
  extensions: readonly CertificateExtension[],
): Uint8Array {
  const subjectKey = publicKeyInfo(publicKey);
  const template = {
    serialNumber: bytesToBigInt(new Uint8Array(randomBytes(SERIAL_BYTES))) >> 1n,
    subject,
    issuer: authority.name,
    notBefore: validity.notBefore,
    notAfter: validity.notAfter,
    publicKey: subjectKey,
    extensions: [
      ...extensions,
      subjectKeyIdentifier(subjectKey),
      authorityKeyIdentifier(publicKeyInfo(createPublicKey(authority.key))),
    ],
  };
  return signCertificate(template, authority.key);
}

function publicKeyInfo(key: KeyObject): Uint8Array {
  return new Uint8Array(key.export({ format: 'der', type: 'spki' }));
}

/** In the order in which they are seen: country, organisation, title, surname, given name, identifier, full name. */
function nameOf(person: EidPerson): CertificateName {
  return [
    ['C', 'SE'],
    ...(person.organisation === undefined ? [] : ([['O', person.organisation]] as const)),
    ...(person.title === undefined ? [] : ([['title', person.title]] as const)),
    ['SN', person.surname],
    ['GN', person.givenName],
    ['serialNumber', person.identifier],
    ['CN', `${person.givenName} ${person.surname}`],
  ];
}
