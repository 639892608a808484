/** What the tests of this folder share: authorities and certificates on keys of their own, by the simulator's builder. */
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { encodeTlv } from '../../apdu/tlv/ber-tlv.ts';
import {
  authorityKeyIdentifier,
  basicConstraints,
  certificatePolicies,
  encodeInteger,
  keyUsage,
  sequence,
  signCertificate,
  subjectKeyIdentifier,
  type CertificateExtension,
  type CertificateName,
} from '../../drivers/simulated/certificate.ts';
import { OID_CARD_NUMBER } from './card-number.ts';
import { certificateFacts, type CertificateFacts } from './certificate-facts.ts';
import type { IdentitySettings } from './identity.ts';

export const NOW = new Date('2026-03-02T08:15:00Z');
export const LOA2 = '2.999.752.2';
export const LOA3 = '2.999.752.3';
export const CARD_NUMBER = '9752278900000000000';
const NOT_BEFORE = new Date('2024-01-01T00:00:00Z');
const NOT_AFTER = new Date('2034-01-01T00:00:00Z');

export interface Authority {
  readonly name: CertificateName;
  readonly key: KeyObject;
  readonly der: Uint8Array;
  readonly facts: CertificateFacts;
}

export interface Issue {
  readonly subject?: CertificateName;
  readonly key?: KeyObject;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly extensions?: readonly CertificateExtension[];
}

export function ecKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;
}

export function nameOf(label: string): CertificateName {
  return [
    ['C', 'SE'],
    ['CN', label],
  ];
}

let count = 0n;

/** DER; a key of its own unless given. */
export function issue(issuer: { readonly name: CertificateName; readonly key: KeyObject }, what: Issue = {}): Uint8Array {
  const publicKey = spki(what.key ?? ecKey());
  const template = {
    serialNumber: ++count,
    subject: what.subject ?? nameOf('Somebody'),
    issuer: issuer.name,
    notBefore: what.notBefore ?? NOT_BEFORE,
    notAfter: what.notAfter ?? NOT_AFTER,
    publicKey,
    extensions: [...(what.extensions ?? []), subjectKeyIdentifier(publicKey), authorityKeyIdentifier(spki(issuer.key))],
  };
  return signCertificate(template, issuer.key);
}

function spki(key: KeyObject): Uint8Array {
  return new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' }));
}

/** May issue under any policy, unless other extensions are given. A root without `issuer`. */
export function makeAuthority(label: string, issuer?: Pick<Authority, 'name' | 'key'>, what: Issue = {}): Authority {
  const self = { name: what.subject ?? nameOf(label), key: what.key ?? ecKey() };
  const extensions = what.extensions ?? [
    basicConstraints(true),
    keyUsage('keyCertSign', 'cRLSign'),
    certificatePolicies('2.5.29.32.0'),
  ];
  const der = issue(issuer ?? self, { ...what, subject: self.name, key: self.key, extensions });
  return { ...self, der, facts: factsOf(der) };
}

export function factsOf(der: Uint8Array): CertificateFacts {
  const facts = certificateFacts(der);
  if (!facts) throw new Error('it is no certificate');
  return facts;
}

export interface Person {
  readonly givenName?: string;
  readonly surname?: string;
  readonly organisation?: string;
  readonly identifiers?: readonly string[];
  readonly cardNumber?: string;
  readonly policies?: readonly string[];
  readonly use?: 'authentication' | 'signature';
}

/** A certificate of a person as on an identity card. */
export function issuePersonal(issuer: Pick<Authority, 'name' | 'key'>, person: Person = {}, what: Issue = {}): Uint8Array {
  const { givenName = 'Anna', surname = 'Lindqvist', organisation, identifiers = ['SE2321000016-BENCH1'] } = person;
  const { policies = [LOA3], cardNumber = CARD_NUMBER, use = 'authentication' } = person;
  const subject: CertificateName = [
    ['C', 'SE'],
    ...(organisation === undefined ? [] : ([['O', organisation]] as const)),
    ['SN', surname],
    ['GN', givenName],
    ...identifiers.map((text) => ['serialNumber', text] as const),
    ['CN', `${givenName} ${surname}`],
  ];
  const extensions = [
    basicConstraints(false),
    keyUsage(use === 'signature' ? 'nonRepudiation' : 'digitalSignature'),
    ...(policies.length > 0 ? [certificatePolicies(...policies)] : []),
    ...(cardNumber === '' ? [] : [cardNumberExtension(cardNumber)]),
  ];
  return issue(issuer, { subject, extensions, ...what });
}

export function cardNumberExtension(text: string, tag = 0x13): CertificateExtension {
  return { oid: OID_CARD_NUMBER, value: encodeTlv(tag, new TextEncoder().encode(text)) };
}

/** Basic constraints of an authority with a path length (RFC 5280, section 4.2.1.9). */
export function pathLength(length: bigint): CertificateExtension {
  const value = sequence(encodeTlv(0x01, Uint8Array.of(0xff)), encodeInteger(length));
  return { oid: '2.5.29.19', critical: true, value };
}

export function settingsOf(anchors: readonly Authority[], intermediates: readonly Authority[] = []): IdentitySettings {
  return {
    anchors: anchors.map(({ facts }) => facts),
    intermediates: intermediates.map(({ facts }) => facts),
    assuranceLevels: new Map([
      [LOA2, 'LoA2'],
      [LOA3, 'LoA3'],
    ]),
  };
}
