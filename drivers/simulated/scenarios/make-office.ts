/**
 * Makes `office.json`: `node drivers/simulated/scenarios/make-office.ts`. New keys and certificates at each run, so run it only to change the scenario.
 * People, organisation and CA are invented; the certificates are shaped as SITHS-style e-IDs are (subject, key usage), with policy identifiers under
 * 2.999, the arc for examples (ITU-T X.660, annex A).
 */
import { createPublicKey, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { bytesToBigInt, formatBase64, parseHex } from '../bytes.ts';
import {
  authorityKeyIdentifier,
  basicConstraints,
  certificatePolicies,
  extendedKeyUsage,
  keyUsage,
  signCertificate,
  subjectKeyIdentifier,
  type CertificateExtension,
  type CertificateName,
} from '../certificate.ts';
import { benchAuthorities } from '../cards/eid.ts';

interface Person {
  readonly givenName: string;
  readonly surname: string;
  readonly title: string;
  readonly hsaId: string;
}

const ORGANISATION = 'BENCH Region';
const AUTHORITY_NAME: CertificateName = [
  ['C', 'SE'],
  ['O', 'BENCH kortd'],
  ['CN', 'BENCH kortd Test CA v1'],
];
const OPERATOR: Person = { givenName: 'Anna', surname: 'Lindqvist', title: 'ID-administratör', hsaId: 'SE2321000016-BENCH1' };
const SECOND_OPERATOR: Person = {
  givenName: 'Björn',
  surname: 'Åkesson',
  title: 'ID-administratör',
  hsaId: 'SE2321000016-BENCH2',
};
const NOT_BEFORE = new Date('2024-01-01T00:00:00Z');
const NOT_AFTER = new Date('2049-12-31T23:59:59Z');
/** Levels of assurance of the bench. */
const OID_BENCH_LOA2 = '2.999.752.2';
const OID_BENCH_LOA3 = '2.999.752.3';
const OID_CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

const authorityKey = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;

function publicKeyOf(key: KeyObject): Uint8Array {
  return new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' }));
}

function issue(subject: CertificateName, key: KeyObject, extensions: readonly CertificateExtension[]): string {
  const publicKey = publicKeyOf(key);
  const template = {
    serialNumber: bytesToBigInt(new Uint8Array(randomBytes(16))) >> 1n,
    subject,
    issuer: AUTHORITY_NAME,
    notBefore: NOT_BEFORE,
    notAfter: NOT_AFTER,
    publicKey,
    extensions: [...extensions, subjectKeyIdentifier(publicKey), authorityKeyIdentifier(publicKeyOf(authorityKey))],
  };
  return formatBase64(signCertificate(template, authorityKey));
}

function exportKey(key: KeyObject): string {
  return formatBase64(new Uint8Array(key.export({ format: 'der', type: 'pkcs8' })));
}

function nameOf(person: Person): CertificateName {
  return [
    ['C', 'SE'],
    ['O', ORGANISATION],
    ['title', person.title],
    ['SN', person.surname],
    ['GN', person.givenName],
    ['serialNumber', person.hsaId],
    ['CN', `${person.givenName} ${person.surname}`],
  ];
}

function authenticationKey(person: Person): object {
  const key = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;
  const extensions = [
    basicConstraints(false),
    keyUsage('digitalSignature'),
    extendedKeyUsage(OID_CLIENT_AUTH),
    certificatePolicies(OID_BENCH_LOA3),
  ];
  return { privateKey: exportKey(key), certificate: issue(nameOf(person), key, extensions) };
}

function signatureKey(person: Person): object {
  const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const extensions = [basicConstraints(false), keyUsage('nonRepudiation'), certificatePolicies(OID_BENCH_LOA3)];
  return { privateKey: exportKey(key), certificate: issue(nameOf(person), key, extensions) };
}

/** The card's identity, which must not change from run to run: CHUID (SP 800-73-5 part 1, appendix A) with card UUID number `n`. */
function identityOf(n: number): Readonly<Record<string, string>> {
  const uuid = `0000000000004000800000000000000${n}`;
  return {
    '5FC102': formatBase64(
      parseHex(`3019d4e739da739ced39ce739d836858210842108421c84210c3eb3410${uuid}350832303939313233313e00fe00`),
    ),
  };
}

function personaOf(person: Person): object {
  return { name: `${person.givenName} ${person.surname}`, hsaId: person.hsaId };
}

/** e-ID cards that come with the simulator, of the same people and of others; in no reader at the start. */
const EID_CARDS = [
  { name: 'operatorEid', persona: 'anna', holder: { name: 'Anna Lindqvist', hsaId: 'SE2321000016-BENCH1' } },
  { name: 'secondOperatorEid', persona: 'bjorn', holder: { name: 'Björn Åkesson', hsaId: 'SE2321000016-BENCH2' } },
  { name: 'holderEid', persona: 'cecilia', holder: { name: 'Cecilia Öberg', hsaId: 'SE2321000016-BENCH3' } },
  { name: 'citizenEid', persona: 'david', holder: { name: 'David Ek' } },
  { name: 'reserveEid', persona: 'reserve' },
] as const;

/** Passports and identity cards that come with the simulator; the first lies on the contactless reader. Two of them are not what they should be. */
const DOCUMENTS = [
  { name: 'passport', persona: 'anna', holder: { name: 'Anna Lindqvist' } },
  { name: 'identityCard', persona: 'bjorn', holder: { name: 'Björn Åkesson' } },
  { name: 'olderPassport', persona: 'cecilia', holder: { name: 'Cecilia Öberg' } },
  { name: 'otherPassport', persona: 'david', holder: { name: 'David Ek' } },
  { name: 'tamperedPassport', persona: 'anna', holder: { name: 'Anna Lindqvist' }, defects: ['tampered portrait'] },
  { name: 'copiedPassport', persona: 'anna', holder: { name: 'Anna Lindqvist' }, defects: ['cloned chip'] },
] as const;

const scenario = {
  comment: 'Generated by make-office.ts. TEST KEYS: every private key in this file is public. Trust nothing that they sign.',
  name: 'office',
  authorities: [
    {
      name: 'BENCH kortd Test CA v1',
      certificate: issue(AUTHORITY_NAME, authorityKey, [basicConstraints(true), keyUsage('keyCertSign', 'cRLSign')]),
      privateKey: exportKey(authorityKey),
    },
    ...benchAuthorities().map(({ name, certificate, privateKey }) => ({
      ...{ name, certificate: formatBase64(certificate), privateKey: formatBase64(privateKey) },
    })),
  ],
  assuranceLevels: [
    { policy: OID_BENCH_LOA2, level: 'LoA2' },
    { policy: OID_BENCH_LOA3, level: 'LoA3' },
  ],
  administrators: [OPERATOR.hsaId, SECOND_OPERATOR.hsaId],
  readers: [
    { name: 'Simulated Operator 00 00', serialNumber: 'SIM0000000001', usbPath: '1-1.1', role: 'operator', card: 'operator' },
    {
      name: 'Simulated Second Operator 00 00',
      serialNumber: 'SIM0000000002',
      usbPath: '1-1.2',
      role: 'secondOperator',
      card: 'secondOperator',
    },
    { name: 'Simulated Holder 00 00', serialNumber: 'SIM0000000003', usbPath: '1-1.3', role: 'holder', card: 'reserve' },
    { name: 'Simulated Contactless 00 00', serialNumber: 'SIM0000000004', usbPath: '1-1.4', contactless: true, card: 'passport' },
  ],
  scanners: [
    {
      name: 'desk',
      model: 'Simulated Full Page',
      serialNumber: 'SCAN0000000001',
      documents: [
        {
          ...{ form: 'TD3', surname: 'Testsson', givenNames: 'Eva Linnea', number: 'T12345678', sex: 'F' },
          ...{ birthDate: '800214', expiryDate: '300101', optional: '198002141234' },
        },
        {
          ...{ form: 'TD1', surname: 'Ek', givenNames: 'David', number: 'T20000002', sex: 'M' },
          ...{ birthDate: '750923', expiryDate: '310615', optional: '197509234670' },
        },
      ],
    },
  ],
  scannerServices: [
    { name: 'regula', service: 'regula', document: { persona: 'anna' } },
    { name: 'id365', service: 'id365', document: { persona: 'bjorn' } },
    { name: 'authentiscan', service: 'authentiscan', document: { persona: 'cecilia' } },
  ],
  cards: [
    {
      ...{ name: 'operator', kind: 'piv', persona: personaOf(OPERATOR) },
      options: {
        profile: 'yubikey',
        serialNumber: 10_000_001,
        objects: identityOf(1),
        keys: { '9A': authenticationKey(OPERATOR), '9C': signatureKey(OPERATOR) },
      },
    },
    {
      ...{ name: 'secondOperator', kind: 'piv', persona: personaOf(SECOND_OPERATOR) },
      options: {
        profile: 'plain',
        objects: identityOf(2),
        keys: { '9A': authenticationKey(SECOND_OPERATOR), '9C': signatureKey(SECOND_OPERATOR) },
      },
    },
    { name: 'reserve', kind: 'piv', options: { profile: 'yubikey', serialNumber: 10_000_003, objects: identityOf(3) } },
    ...EID_CARDS.map(({ name, persona, ...rest }) => ({
      ...{ name, kind: 'eid', ...('holder' in rest ? { persona: rest.holder } : {}) },
      options: { persona },
    })),
    ...DOCUMENTS.map(({ name, persona, holder, ...rest }) => ({
      ...{ name, kind: 'emrtd', persona: holder },
      options: { persona, ...rest },
    })),
  ],
  pads: [{ model: 'STU-540', serialNumber: 'SIMPAD0001' }],
  // Beside the desk: a call plugs them in.
  linePads: [
    { line: 'topaz', model: 'siglite-1x5', serialNumber: 'SIMTOPAZ1', isPlugged: false },
    { line: 'serial-stu', model: 'STU-430V', serialNumber: 'SIMPAD0002', isPlugged: false },
    { line: 'signotec', type: 15, serialNumber: '1000001', isPlugged: false },
  ],
};

writeFileSync(new URL('office.json', import.meta.url), `${JSON.stringify(scenario, undefined, 2)}\n`);
