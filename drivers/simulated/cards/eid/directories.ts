/**
 * The directory files of PKCS #15 v1.1, sections 6.1 to 6.9, which ISO/IEC 7816-15:2016 keeps: what is on the card and where, in DER. One function for
 * each kind of entry; a file is entries one after another.
 */
import { encodeTlv } from '../../../../apdu/tlv/ber-tlv.ts';
import { parseHex } from '../../bytes.ts';
import { encodeOid, generalizedTime, integer, namedBits, octetString, path, retag, sequence, utf8String } from './der.ts';
import { KEY_PARAMETERS, type KeyAlgorithm } from './private-key.ts';
import { curveOf, type CardAlgorithm } from './profile.ts';

/** What a directory of a kind is tagged with in the ODF (section 6.2). */
export const ODF_TAGS = {
  privateKeys: 0xa0,
  publicKeys: 0xa1,
  certificates: 0xa4,
  trustedCertificates: 0xa5,
  dataObjects: 0xa7,
  authenticationObjects: 0xa8,
} as const;

/** CommonObjectFlags (section 6.1.8), KeyUsageFlags and KeyAccessFlags (section 6.3.2), PasswordFlags (section 6.8.1), TokenFlags (section 6.9). */
const FLAG_PRIVATE = 0;
const FLAG_MODIFIABLE = 1;
export const USAGE = { decrypt: 1, sign: 2, unwrap: 5, verify: 6, encrypt: 0, wrap: 4, nonRepudiation: 9 } as const;
const KEY_SENSITIVE = 0;
const KEY_EXTRACTABLE = 1;
const KEY_ALWAYS_SENSITIVE = 2;
const KEY_NEVER_EXTRACTABLE = 3;
const KEY_LOCAL = 4;
const PIN_LOCAL = 1;
const PIN_CHANGE_DISABLED = 2;
const PIN_UNBLOCK_DISABLED = 3;
const PIN_INITIALIZED = 4;
const PIN_NEEDS_PADDING = 5;
const PIN_UNBLOCKING = 6;
const PIN_TYPE_ASCII_NUMERIC = 1;
const TOKEN_LOGIN_REQUIRED = 1;
const TOKEN_PRN_GENERATION = 2;
const TOKEN_EID_COMPLIANT = 3;
/** Operations (section 6.9): bits. */
const OPERATION_COMPUTE_SIGNATURE = 1;
const OPERATION_DECIPHER = 5;
const OPERATION_HASH = 6;
const OPERATION_GENERATE_KEY = 7;

export function encodeApplicationTemplate(applicationId: Uint8Array, label: string, filePath: Uint8Array): Uint8Array {
  const labelBytes = new TextEncoder().encode(label);
  return encodeTlv(0x61, encodeTlv(0x4f, applicationId), encodeTlv(0x50, labelBytes), encodeTlv(0x51, filePath));
}

export function encodeOdfEntry(tag: number, filePath: Uint8Array): Uint8Array {
  return encodeTlv(tag, path(filePath));
}

export interface TokenInfo {
  readonly serialNumber: Uint8Array;
  readonly manufacturer: string;
  readonly label: string;
  readonly algorithms: readonly CardAlgorithm[];
  readonly lastUpdate?: Date;
}

export function encodeTokenInfo(info: TokenInfo): Uint8Array {
  return sequence(
    integer(0),
    octetString(info.serialNumber),
    utf8String(info.manufacturer),
    retag(0x80, utf8String(info.label)),
    namedBits(TOKEN_LOGIN_REQUIRED, TOKEN_PRN_GENERATION, TOKEN_EID_COMPLIANT),
    ...(info.algorithms.length > 0 ? [encodeTlv(0xa2, ...info.algorithms.map(encodeAlgorithm))] : []),
    ...(info.lastUpdate ? [encodeTlv(0xa5, generalizedTime(info.lastUpdate))] : []),
  );
}

function encodeAlgorithm(row: CardAlgorithm): Uint8Array {
  const curve = curveOf(row);
  return sequence(
    integer(row.id),
    integer(row.mechanism),
    curve ? encodeOid(curve.oid) : encodeTlv(0x05),
    namedBits(...operationsOf(row)),
    ...(row.oid === undefined ? [] : [encodeOid(row.oid)]),
    integer(row.reference),
  );
}

function operationsOf({ use }: CardAlgorithm): readonly number[] {
  switch (use.scheme) {
    case 'generate':
      return [OPERATION_GENERATE_KEY];
    case 'rsa':
      return [OPERATION_COMPUTE_SIGNATURE, OPERATION_DECIPHER];
    case 'pkcs1':
      return use.hash === undefined
        ? [OPERATION_COMPUTE_SIGNATURE, OPERATION_DECIPHER]
        : [OPERATION_COMPUTE_SIGNATURE, OPERATION_HASH];
    case 'pss':
      return [OPERATION_COMPUTE_SIGNATURE, OPERATION_HASH];
    case 'ecdsa':
      return use.hash === undefined ? [OPERATION_COMPUTE_SIGNATURE] : [OPERATION_COMPUTE_SIGNATURE, OPERATION_HASH];
  }
}

export interface PinEntry {
  readonly label: string;
  readonly authId: number;
  /** `authId` of what unblocks it. Absent: this is the PUK. */
  readonly unblockedBy?: number;
  readonly reference: number;
  readonly minLength: number;
  readonly storedLength: number;
  readonly padding: number;
  /** Of the DF that it belongs to. */
  readonly directory?: Uint8Array;
}

export function encodePinEntry(pin: PinEntry): Uint8Array {
  const isPuk = pin.unblockedBy === undefined;
  const flags = isPuk
    ? [PIN_LOCAL, PIN_CHANGE_DISABLED, PIN_UNBLOCK_DISABLED, PIN_INITIALIZED, PIN_NEEDS_PADDING, PIN_UNBLOCKING]
    : [PIN_LOCAL, PIN_INITIALIZED, PIN_NEEDS_PADDING];
  const common = isPuk
    ? sequence(utf8String(pin.label), namedBits(FLAG_PRIVATE, FLAG_MODIFIABLE))
    : sequence(utf8String(pin.label), namedBits(FLAG_PRIVATE, FLAG_MODIFIABLE), octetString(Uint8Array.of(pin.unblockedBy)));
  const attributes = sequence(
    namedBits(...flags),
    encodeTlv(0x0a, Uint8Array.of(PIN_TYPE_ASCII_NUMERIC)),
    ...[pin.minLength, pin.storedLength, pin.storedLength].map(integer),
    retag(0x80, integer(pin.reference)),
    octetString(Uint8Array.of(pin.padding)),
    ...(pin.directory ? [path(pin.directory)] : []),
  );
  return sequence(common, sequence(octetString(Uint8Array.of(pin.authId))), encodeTlv(0xa1, attributes));
}

export interface KeyEntry {
  readonly label: string;
  readonly id: number;
  readonly algorithm: KeyAlgorithm;
  readonly usage: readonly number[];
  readonly reference: number;
  readonly file: Uint8Array;
}

export interface PrivateKeyEntry extends KeyEntry {
  /** `authId` of its PIN. */
  readonly authId: number;
  readonly needsConsent: boolean;
  /** `id` in TokenInfo. */
  readonly algorithmIds: readonly number[];
}

export function encodePrivateKeyEntry(key: PrivateKeyEntry): Uint8Array {
  const common = sequence(
    utf8String(key.label),
    namedBits(FLAG_PRIVATE),
    octetString(Uint8Array.of(key.authId)),
    ...(key.needsConsent ? [integer(1)] : []),
  );
  const attributes = sequence(
    octetString(Uint8Array.of(key.id)),
    namedBits(...key.usage),
    namedBits(KEY_SENSITIVE, KEY_ALWAYS_SENSITIVE, KEY_NEVER_EXTRACTABLE, KEY_LOCAL),
    integer(key.reference),
    ...(key.algorithmIds.length > 0 ? [encodeTlv(0xa1, ...key.algorithmIds.map(integer))] : []),
  );
  const parameters = KEY_PARAMETERS[key.algorithm];
  const type = encodeTlv(0xa1, sequence(path(key.file), integer(parameters.bits)));
  return encodeTlv(tagOf(key.algorithm), common, attributes, type);
}

export function encodePublicKeyEntry(key: KeyEntry): Uint8Array {
  const common = sequence(utf8String(key.label), namedBits());
  const attributes = sequence(
    octetString(Uint8Array.of(key.id)),
    namedBits(...key.usage),
    namedBits(KEY_EXTRACTABLE),
    integer(key.reference),
  );
  const parameters = KEY_PARAMETERS[key.algorithm];
  const domain = parameters.kind === 'curve' ? encodeOid(parameters.oid) : integer(parameters.bits);
  return encodeTlv(tagOf(key.algorithm), common, attributes, encodeTlv(0xa1, sequence(path(key.file), domain)));
}

/** The choice of `PrivateKeyType` and `PublicKeyType`: RSA is a SEQUENCE, elliptic curves are [0]. */
function tagOf(algorithm: KeyAlgorithm): number {
  return KEY_PARAMETERS[algorithm].kind === 'curve' ? 0xa0 : 0x30;
}

export interface CertificateEntry {
  readonly label: string;
  /** That of its key. */
  readonly id: number;
  readonly isAuthority?: boolean;
  readonly file: Uint8Array;
  /** Where the file is longer than the certificate. */
  readonly lengthBytes?: number;
}

export function encodeCertificateEntry(certificate: CertificateEntry): Uint8Array {
  const authority = certificate.isAuthority ? [parseHex('0101ff')] : [];
  const { lengthBytes } = certificate;
  const place = path(certificate.file, lengthBytes === undefined ? undefined : { index: 0, lengthBytes });
  return sequence(
    sequence(utf8String(certificate.label), namedBits()),
    sequence(octetString(Uint8Array.of(certificate.id)), ...authority),
    encodeTlv(0xa1, sequence(place)),
  );
}

/** Room for what is to come (section 5.5.5): a part of a file, and the PIN that lets one write there. */
export function encodeUnusedSpace(file: Uint8Array, lengthBytes: number, authId: number): Uint8Array {
  return sequence(path(file, { index: 0, lengthBytes }), octetString(Uint8Array.of(authId)));
}
