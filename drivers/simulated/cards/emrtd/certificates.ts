/** Certificates of the authorities behind passports (ICAO Doc 9303-12, section 7, table 6): country signing authorities, links between them, document signers, signers of master lists. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { encodeTlv } from '../../../../apdu/tlv/ber-tlv.ts';
import {
  authorityKeyIdentifier,
  extendedKeyUsage,
  keyUsage,
  signCertificate,
  subjectKeyIdentifier,
  type CertificateExtension,
  type CertificateName,
} from '../../certificate.ts';
import { encodeInteger, sequence, setOf } from '../../der.ts';
import type { SignatureScheme } from '../../signature-scheme.ts';

export interface CountrySigner {
  readonly name: CertificateName;
  readonly key: KeyObject;
  readonly scheme: SignatureScheme;
}

export interface IssueOrder {
  readonly serialNumber: bigint;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** 9303-12, section 7.1.1: types of documents that the signer signs, and that the authority's name changed. */
const OID_DOCUMENT_TYPE_LIST = '2.23.136.1.1.6.2';
const OID_NAME_CHANGE = '2.23.136.1.1.6.1';
/** Extended key usage of signers of master lists (section 7.1.1, table 6). */
const OID_MASTER_LIST_SIGNING = '2.23.136.1.1.3';

/** Self-signed, or a link: signed by the authority before it, under another name. */
export function issueCountryCertificate(authority: CountrySigner, order: IssueOrder, previous?: CountrySigner): Uint8Array {
  const issuer = previous ?? authority;
  const publicKey = publicKeyOf(authority.key);
  const nameChange = { oid: OID_NAME_CHANGE, value: encodeTlv(0x05) };
  const template = {
    ...{ ...order, publicKey, subject: authority.name, issuer: issuer.name },
    extensions: [
      authorityKeyIdentifier(publicKeyOf(issuer.key)),
      subjectKeyIdentifier(publicKey),
      keyUsage('keyCertSign', 'cRLSign'),
      lowestAuthority(),
      ...(previous ? [nameChange] : []),
    ],
  };
  return signCertificate(template, issuer.key, issuer);
}

/** The signer of documents, of passports and identity cards. */
export function issueDocumentSigner(
  order: IssueOrder & { readonly name: CertificateName; readonly key: KeyObject },
  issuer: CountrySigner,
): Uint8Array {
  const types = setOf(encodeTlv(0x13, Buffer.from('P')), encodeTlv(0x13, Buffer.from('I')));
  const list: CertificateExtension = { oid: OID_DOCUMENT_TYPE_LIST, value: sequence(encodeInteger(0n), types) };
  return issueSigner(order, issuer, list);
}

export function issueMasterListSigner(
  order: IssueOrder & { readonly name: CertificateName; readonly key: KeyObject },
  issuer: CountrySigner,
): Uint8Array {
  return issueSigner(order, issuer, { ...extendedKeyUsage(OID_MASTER_LIST_SIGNING), critical: true });
}

function issueSigner(
  { name, key, ...order }: IssueOrder & { readonly name: CertificateName; readonly key: KeyObject },
  issuer: CountrySigner,
  purpose: CertificateExtension,
): Uint8Array {
  const publicKey = publicKeyOf(key);
  const extensions = [
    authorityKeyIdentifier(publicKeyOf(issuer.key)),
    subjectKeyIdentifier(publicKey),
    keyUsage('digitalSignature'),
    purpose,
  ];
  return signCertificate({ ...order, publicKey, subject: name, issuer: issuer.name, extensions }, issuer.key, issuer);
}

/** As it was made: with explicit parameters where the key has them. */
function publicKeyOf(key: KeyObject): Uint8Array {
  return new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' }));
}

/** Basic constraints of an authority with none below it. */
function lowestAuthority(): CertificateExtension {
  return {
    ...{ oid: '2.5.29.19', critical: true },
    value: sequence(encodeTlv(0x01, Uint8Array.of(0xff)), encodeInteger(0n)),
  };
}
