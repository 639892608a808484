/** Which files a new card has: the directory tree of kortd's notes on PKCS #15 cards, with the identifiers that many of them use. */
import { concatBytes, parseHex } from '../../bytes.ts';
import type { Access } from './access.ts';
import { FID_APPLICATION, FID_DIR, FID_MF, FID_ODF, FID_TOKEN_INFO, FID_UNUSED_SPACE } from './constants.ts';
import {
  ODF_TAGS,
  USAGE,
  encodeApplicationTemplate,
  encodeCertificateEntry,
  encodeOdfEntry,
  encodePinEntry,
  encodePrivateKeyEntry,
  encodePublicKeyEntry,
  encodeTokenInfo,
  encodeUnusedSpace,
} from './directories.ts';
import { PATH_MF, childPath, formatFid } from './file-system.ts';
import type { CardFile, FilePath } from './memory.ts';
import { MIN_PIN_LENGTH, STORED_PIN_LENGTH } from './pins.ts';
import type { KeyAlgorithm, PrivateKey } from './private-key.ts';
import { PIN_NAMES, algorithmsOf, type PinName, type Traits } from './profile.ts';

/** The two keys of an e-ID card are called as their PINs are. */
export type KeyName = 'legitimering' | 'underskrift';
export const KEY_NAMES: readonly KeyName[] = ['legitimering', 'underskrift'];

/** What a new card is to hold. */
export interface Contents {
  readonly traits: Traits;
  readonly applicationId: Uint8Array;
  readonly serialNumber: Uint8Array;
  readonly label: string;
  readonly lastUpdate?: Date;
  readonly keys: Readonly<Partial<Record<KeyName, { readonly key: PrivateKey; readonly certificate?: Uint8Array }>>>;
  /** Keys that are listed before they are made; their kind. */
  readonly preparedKeys: KeyAlgorithm | undefined;
  /** A second place for each of the two keys, empty; its kind. */
  readonly spareKeys: KeyAlgorithm | undefined;
  readonly authorities: readonly { readonly label: string; readonly certificate: Uint8Array }[];
}

const MANUFACTURER = 'BENCH kortd';
/** Files free to choose (the examples of PKCS #15 v1.1, figure 3, and measured cards): directories, certificates, keys. */
const FID_AODF = 0x4401;
const FID_PRKDF = 0x4402;
const FID_PUKDF = 0x4403;
const FID_CDF = 0x4404;
const FID_TRUSTED_CDF = 0x4405;
const FID_DODF = 0x4406;
const FID_FIRST_AUTHORITY = 0x4341;
/** Room that a directory has for entries to come, and a certificate file for a certificate. */
const DIRECTORY_BYTES = 768;
const CERTIFICATE_BYTES = 2048;
const PUBLIC_KEY_BYTES = 512;
/** The ODF, TokenInfo and UnusedSpace may be known by SFI too (7816-15, section 7.5): 5031, 5032, 5033. */
const SHORT_IDS: ReadonlyMap<number, number> = new Map([
  [FID_ODF, 0x11],
  [FID_TOKEN_INFO, 0x12],
  [FID_UNUSED_SPACE, 0x13],
]);

interface KeyPlace {
  readonly label: string;
  /** Pairs key, public key and certificate. */
  readonly id: number;
  /** What MSE SET names with tag 84. */
  readonly reference: number;
  readonly keyFid: number;
  readonly publicKeyFid: number;
  readonly certificateFid: number;
  readonly needsConsent: boolean;
}

const KEY_PLACES: Readonly<Record<KeyName, KeyPlace>> = {
  legitimering: {
    ...{ label: 'Legitimering', id: 0x45, reference: 0x01, keyFid: 0x4b01, publicKeyFid: 0x4d01, certificateFid: 0x4331 },
    ...{ needsConsent: false },
  },
  underskrift: {
    ...{ label: 'Underskrift', id: 0x46, reference: 0x02, keyFid: 0x4b02, publicKeyFid: 0x4d02, certificateFid: 0x4332 },
    ...{ needsConsent: true },
  },
};
const AUTHORITY_ID = 0x47;
/** Beside the first ones, under the same PINs: for certificates that come later. */
const SPARE_PLACES: Readonly<Record<KeyName, KeyPlace>> = {
  legitimering: {
    ...{ label: 'Legitimering 2', id: 0x55, reference: 0x03, keyFid: 0x4b03, publicKeyFid: 0x4d03, certificateFid: 0x4333 },
    ...{ needsConsent: false },
  },
  underskrift: {
    ...{ label: 'Underskrift 2', id: 0x56, reference: 0x04, keyFid: 0x4b04, publicKeyFid: 0x4d04, certificateFid: 0x4334 },
    ...{ needsConsent: true },
  },
};

/** A place with what stands there. */
interface FilledPlace {
  readonly name: KeyName;
  readonly place: KeyPlace;
  /** Of the key that is there, or is to be made there; undefined: none is listed. */
  readonly algorithm: KeyAlgorithm | undefined;
  readonly key?: PrivateKey;
  readonly certificate?: Uint8Array;
}

function placesOf({ keys, preparedKeys, spareKeys }: Contents): readonly FilledPlace[] {
  const first = KEY_NAMES.map((name) => {
    const held = keys[name];
    return { name, place: KEY_PLACES[name], algorithm: held?.key.algorithm ?? preparedKeys, ...held };
  });
  const spare = KEY_NAMES.map((name) => ({ name, place: SPARE_PLACES[name], algorithm: spareKeys }));
  return spareKeys === undefined ? first : [...first, ...spare];
}

const PIN_LABELS: Readonly<Record<PinName, string>> = {
  legitimering: 'Legitimering',
  underskrift: 'Underskrift',
  puk: 'PUK',
};
/** Identifiers of PINs in the directories; a key's `authId` names one. */
const AUTH_IDS: Readonly<Record<PinName, number>> = { legitimering: 1, underskrift: 2, puk: 3 };

const FIXED: Access = { read: 'always', update: 'never', remove: 'never' };

/** The whole tree. The PIN for legitimering lets its holder write certificates and directories; a key is made under its own PIN. */
export function layOut(contents: Contents): Map<FilePath, CardFile> {
  const { traits } = contents;
  const writer = traits.pinReferences.legitimering;
  const kept: Access = { read: 'always', update: writer, remove: 'never' };
  const files = new Map<FilePath, CardFile>([
    [PATH_MF, { kind: 'directory', access: { read: 'never', update: 'never', remove: 'never' } }],
    [formatFid(FID_DIR), workingFile(encodeDir(contents), FIXED)],
    [
      formatFid(FID_APPLICATION),
      { kind: 'directory', name: contents.applicationId, access: { read: writer, update: writer, remove: 'never' } },
    ],
  ]);
  const add = (fid: number, file: CardFile): void => {
    const shortId = SHORT_IDS.get(fid);
    files.set(
      childPath(formatFid(FID_APPLICATION), fid),
      shortId === undefined || file.kind !== 'working' ? file : { ...file, shortId },
    );
  };
  const directory = (content: Uint8Array): CardFile => workingFile(pad(content, DIRECTORY_BYTES, traits.filler), kept);
  add(FID_ODF, workingFile(encodeOdf(), FIXED));
  add(FID_TOKEN_INFO, directory(encodeTokenInfo({ ...contents, manufacturer: MANUFACTURER, algorithms: traits.algorithms })));
  add(FID_UNUSED_SPACE, directory(encodeUnused(contents)));
  add(FID_AODF, workingFile(encodeAodf(traits), FIXED));
  const places = placesOf(contents);
  add(FID_PRKDF, directory(concatBytes(...places.map((place) => encodePrivateKey(contents, place)))));
  add(FID_PUKDF, directory(concatBytes(...places.map(encodePublicKey))));
  add(FID_CDF, directory(concatBytes(...places.map(encodeCertificate))));
  add(FID_TRUSTED_CDF, directory(concatBytes(...contents.authorities.map(encodeAuthority))));
  add(FID_DODF, directory(new Uint8Array()));
  for (const place of places) addKeyFiles(contents, place, add, kept);
  contents.authorities.forEach(({ certificate }, index) => add(FID_FIRST_AUTHORITY + index, workingFile(certificate, kept)));
  return files;
}

function addKeyFiles(
  { traits }: Contents,
  { name, place, key, certificate }: FilledPlace,
  add: (fid: number, file: CardFile) => void,
  kept: Access,
): void {
  const pin = traits.pinReferences[name];
  add(place.keyFid, {
    ...{ kind: 'key', reference: place.reference, pin, needsConsent: place.needsConsent },
    uses: place.needsConsent && !traits.signingKeyDeciphers ? ['sign'] : ['sign', 'decipher'],
    access: { read: 'never', update: pin, remove: 'never' },
    key,
  });
  // Whoever makes the key writes its public half too.
  add(place.publicKeyFid, workingFile(pad(key?.publicKeyFile, PUBLIC_KEY_BYTES, traits.filler), { ...kept, update: pin }));
  add(place.certificateFid, workingFile(pad(certificate, CERTIFICATE_BYTES, traits.filler), kept));
}

function workingFile(content: Uint8Array, access: Access): CardFile {
  return { kind: 'working', content, access };
}

/** The content, then filler up to `lengthBytes`; longer content makes a longer file. */
function pad(content: Uint8Array = new Uint8Array(), lengthBytes: number, filler: number): Uint8Array {
  const file = new Uint8Array(Math.max(lengthBytes, content.length)).fill(filler);
  file.set(content);
  return file;
}

/** From the MF on, as Path has it. */
function absolute(...fids: readonly number[]): Uint8Array {
  return parseHex([FID_MF, FID_APPLICATION, ...fids].map(formatFid).join(''));
}

function encodeDir(contents: Contents): Uint8Array {
  return encodeApplicationTemplate(contents.applicationId, contents.label, absolute());
}

function encodeOdf(): Uint8Array {
  return concatBytes(
    encodeOdfEntry(ODF_TAGS.authenticationObjects, absolute(FID_AODF)),
    encodeOdfEntry(ODF_TAGS.privateKeys, absolute(FID_PRKDF)),
    encodeOdfEntry(ODF_TAGS.publicKeys, absolute(FID_PUKDF)),
    encodeOdfEntry(ODF_TAGS.certificates, absolute(FID_CDF)),
    encodeOdfEntry(ODF_TAGS.trustedCertificates, absolute(FID_TRUSTED_CDF)),
    encodeOdfEntry(ODF_TAGS.dataObjects, absolute(FID_DODF)),
  );
}

function encodeAodf(traits: Traits): Uint8Array {
  const entries = PIN_NAMES.map((name) =>
    encodePinEntry({
      ...{ label: PIN_LABELS[name], authId: AUTH_IDS[name], reference: traits.pinReferences[name] },
      ...{ minLength: name === 'puk' ? STORED_PIN_LENGTH : MIN_PIN_LENGTH, storedLength: STORED_PIN_LENGTH },
      ...{ padding: traits.pinPadding, directory: absolute() },
      ...(name === 'puk' ? {} : { unblockedBy: AUTH_IDS.puk }),
    }),
  );
  return concatBytes(...entries);
}

/** Of the key, or of the one that is to be made in its place; no entry where there is neither. */
function encodePrivateKey({ traits }: Contents, { name, place, algorithm }: FilledPlace): Uint8Array {
  if (algorithm === undefined) return new Uint8Array();
  const isRsa = algorithm.startsWith('RSA');
  return encodePrivateKeyEntry({
    ...{ ...place, algorithm, authId: AUTH_IDS[name], file: absolute(place.keyFid) },
    usage: place.needsConsent ? [USAGE.nonRepudiation] : isRsa ? [USAGE.decrypt, USAGE.sign, USAGE.unwrap] : [USAGE.sign],
    algorithmIds: traits.listsKeyAlgorithms ? algorithmsOf(traits, algorithm).map(({ id }) => id) : [],
  });
}

/** As with private keys: also of one that is to be made. */
function encodePublicKey({ place, algorithm }: FilledPlace): Uint8Array {
  if (algorithm === undefined) return new Uint8Array();
  const isRsa = algorithm.startsWith('RSA');
  const usage = place.needsConsent || !isRsa ? [USAGE.verify] : [USAGE.encrypt, USAGE.wrap, USAGE.verify];
  return encodePublicKeyEntry({ ...place, algorithm, usage, file: absolute(place.publicKeyFid) });
}

function encodeCertificate({ place, certificate }: FilledPlace): Uint8Array {
  if (!certificate) return new Uint8Array();
  return encodeCertificateEntry({ ...place, file: absolute(place.certificateFid), lengthBytes: certificate.length });
}

function encodeAuthority({ label, certificate }: Contents['authorities'][number], index: number): Uint8Array {
  const file = absolute(FID_FIRST_AUTHORITY + index);
  return encodeCertificateEntry({ label, id: AUTHORITY_ID + index, isAuthority: true, file, lengthBytes: certificate.length });
}

/** Certificate files that hold nothing yet. */
function encodeUnused(contents: Contents): Uint8Array {
  const free = placesOf(contents).filter(({ certificate }) => certificate === undefined);
  const entries = free.map(({ place }) =>
    encodeUnusedSpace(absolute(place.certificateFid), CERTIFICATE_BYTES, AUTH_IDS.legitimering),
  );
  return concatBytes(...entries);
}
