/** The authorities behind simulated passports, as `make-authorities.ts` made them, and what they publish: master list and revocation list. Their keys are public: trust nothing that they sign. */
import { X509Certificate, createPrivateKey, type KeyObject } from 'node:crypto';
import { decodeFirstTlv, decodeTlv, encodeTlv } from '../../../../apdu/tlv/ber-tlv.ts';
import { NO_BYTES, parseBase64 } from '../../bytes.ts';
import { authorityKeyIdentifier, encodeExtension, encodeTime } from '../../certificate.ts';
import { encodeInteger, sequence, setOf } from '../../der.ts';
import { signData, type CmsSigner } from '../../signed-data.ts';
import { algorithmIdentifier, signBy, usualScheme, type SignatureHash, type SignatureScheme } from '../../signature-scheme.ts';
import file from './authorities.json' with { type: 'json' };
import { OID_CSCA_MASTER_LIST } from './constants.ts';

export const SIGNER_NAMES = [
  'ECDSA',
  'ECDSA brainpool',
  'ECDSA explicit',
  'RSA',
  'RSA-PSS',
  'expired',
  'revoked',
  'unknown',
] as const;
export type SignerName = (typeof SIGNER_NAMES)[number];

export const CHIP_KEY_NAMES = ['P-256', 'RSA', 'RSA-1024', 'brainpoolP256r1'] as const;
export type ChipKeyName = (typeof CHIP_KEY_NAMES)[number];

export interface CountryAuthority {
  /** X.509, DER. */
  readonly certificate: Uint8Array;
  readonly key: KeyObject;
  readonly scheme: SignatureScheme;
}

/** "first" and "second" are the state's; "unknown" stands in no list. */
export function countryAuthority(name: 'first' | 'second' | 'unknown'): CountryAuthority {
  const row = requireRow(file.authorities, name);
  const hash: SignatureHash = row.scheme.hash === 'SHA-384' ? 'SHA-384' : 'SHA-256';
  const kind = row.scheme.kind === 'RSA-PSS' ? 'RSA-PSS' : 'ECDSA';
  return { certificate: parseBase64(row.certificate), key: readKey(row.privateKey), scheme: { kind, hash } };
}

/** What a reader is given to trust: both authorities of the state. */
export function trustedCountryCertificates(): readonly Uint8Array[] {
  return [countryAuthority('first').certificate, countryAuthority('second').certificate];
}

/** The second authority's key, certified by the first (9303-12, section 4.4). */
export function linkCertificate(): Uint8Array {
  return parseBase64(file.link);
}

export function documentSigner(name: SignerName, hash: SignatureHash = 'SHA-256'): CmsSigner {
  const row = requireRow(file.signers, name);
  const key = readKey(row.privateKey);
  const kind = name === 'RSA-PSS' ? 'RSA-PSS' : usualScheme(key).kind;
  return { certificate: parseBase64(row.certificate), key, scheme: { kind, hash } };
}

export function chipKey(name: ChipKeyName): KeyObject {
  return readKey(file.chipKeys[name]);
}

/** CSCA master list (9303-12, section 9): both authorities and the link unless other certificates are given. ContentInfo, DER. */
export function makeMasterList(
  certificates: readonly Uint8Array[] = [...trustedCountryCertificates(), linkCertificate()],
): Uint8Array {
  const { certificate, privateKey } = file.masterListSigner;
  const key = readKey(privateKey);
  const list = sequence(encodeInteger(0n), setOf(...certificates));
  return signData(
    { type: OID_CSCA_MASTER_LIST, bytes: list, certificates: [countryAuthority('first').certificate] },
    { certificate: parseBase64(certificate), key, scheme: usualScheme(key) },
  );
}

/** RFC 5280, section 5.2.3. */
const OID_CRL_NUMBER = '2.5.29.20';

export interface RevocationListOrder {
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  /** Certificates that are revoked, DER. Default: that of the signer "revoked". */
  readonly revoked?: readonly Uint8Array[];
}

/** CertificateList version 2 (RFC 5280, section 5; 9303-12, section 7.1.4) of the first or second authority, DER. */
export function makeRevocationList(name: 'first' | 'second' | 'unknown', order: RevocationListOrder): Uint8Array {
  const { certificate, key, scheme } = countryAuthority(name);
  const { thisUpdate, nextUpdate, revoked = name === 'first' ? [documentSigner('revoked').certificate] : [] } = order;
  const entries = revoked.map((one) => sequence(encodeTlv(0x02, fieldOf(one, 1)), encodeTime(thisUpdate)));
  const algorithm = algorithmIdentifier(scheme);
  const publicKey = new X509Certificate(certificate).publicKey.export({ format: 'der', type: 'spki' });
  const extensions = [
    authorityKeyIdentifier(new Uint8Array(publicKey)),
    { oid: OID_CRL_NUMBER, value: encodeInteger(BigInt(thisUpdate.getTime())) },
  ];
  const list = sequence(
    encodeInteger(1n),
    algorithm,
    encodeTlv(0x30, fieldOf(certificate, 5)),
    encodeTime(thisUpdate),
    encodeTime(nextUpdate),
    // An empty list is left out (RFC 5280, section 5.1.2.6).
    ...(entries.length > 0 ? [sequence(...entries)] : []),
    encodeTlv(0xa0, sequence(...extensions.map(encodeExtension))),
  );
  return sequence(list, algorithm, encodeTlv(0x03, Uint8Array.of(0), signBy(scheme, key, list)));
}

const DAY_MS = 86_400_000;
const LIST_DAYS = 30;

/** What the state publishes: its authorities, and their revocation lists of the day. */
export const UTOPIAN_COUNTRY_SIGNERS = {
  get certificates(): readonly Uint8Array[] {
    return trustedCountryCertificates();
  },
  revocationLists: (now: Date): readonly Uint8Array[] => {
    const order = {
      thisUpdate: new Date(now.getTime() - DAY_MS),
      nextUpdate: new Date(now.getTime() + LIST_DAYS * DAY_MS),
    };
    return (['first', 'second'] as const).map((name) => makeRevocationList(name, order));
  },
};

/** Contents of a field of the part that is signed: 1 is the serial number, 5 the subject. */
function fieldOf(certificate: Uint8Array, index: number): Uint8Array {
  const toBeSigned = decodeTlv(decodeFirstTlv(certificate).object.value)[0]?.value ?? NO_BYTES;
  return decodeTlv(toBeSigned)[index]?.value ?? NO_BYTES;
}

function requireRow<T extends { readonly name: string }>(rows: readonly T[], name: string): T {
  const row = rows.find((one) => one.name === name);
  if (!row) throw new RangeError(`there is no ${name}`);
  return row;
}

function readKey(pkcs8: string): KeyObject {
  return createPrivateKey({ key: Buffer.from(pkcs8, 'base64'), format: 'der', type: 'pkcs8' });
}
