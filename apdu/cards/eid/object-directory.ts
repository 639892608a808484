/** EF.OD, and what all entries of the directory files have in common (ISO/IEC 7816-15:2016, sections 8.2 and 8.3). */
import { CardDataError } from '../../errors.ts';
import { TlvError, decodeFirstTlv, decodeTlv } from '../../tlv/ber-tlv.ts';
import { fillingLength, isFilling } from './file-shape.ts';
import {
  Elements,
  TAG_BIT_STRING,
  TAG_INTEGER,
  TAG_OCTET_STRING,
  TAG_SEQUENCE,
  TAG_UTF8_STRING,
  parseBits,
  parseIdentifier,
  parseLabel,
  parseSize,
  parsing,
} from './der.ts';
import { parsePath, type FilePath } from './path.ts';

export type DirectoryKind =
  | 'private keys'
  | 'public keys'
  | 'trusted public keys'
  | 'secret keys'
  | 'certificates'
  | 'trusted certificates'
  | 'useful certificates'
  | 'data objects'
  | 'authentication objects';

/** CIOChoice (section 8.3). */
const KINDS: ReadonlyMap<number, DirectoryKind> = new Map([
  [0xa0, 'private keys'],
  [0xa1, 'public keys'],
  [0xa2, 'trusted public keys'],
  [0xa3, 'secret keys'],
  [0xa4, 'certificates'],
  [0xa5, 'trusted certificates'],
  [0xa6, 'useful certificates'],
  [0xa7, 'data objects'],
  [0xa8, 'authentication objects'],
]);

/** A directory file, or the entries themselves. */
export type DirectoryPointer = { readonly kind: DirectoryKind } & (
  { readonly path: FilePath } | { readonly entries: Uint8Array }
);

/** More than any card has. */
const MAX_POINTERS = 32;
export const MAX_OBJECTS = 128;
const TAG_DIRECT = 0xa0;

export function parseObjectDirectory(content: Uint8Array): readonly DirectoryPointer[] {
  return parsing('EF.OD', () => {
    const pointers: DirectoryPointer[] = [];
    for (const { tag, value } of decodeTlv(content)) {
      const kind = KINDS.get(tag);
      if (!kind) throw new TlvError(`decoding DER: ${tag.toString(16).toUpperCase()} is no class of objects`);
      const elements = new Elements(value);
      const path = elements.take(TAG_SEQUENCE);
      const entries = elements.take(TAG_DIRECT);
      const file = path && parsePath(path);
      if (file) pointers.push({ kind, path: file });
      else if (entries) pointers.push({ kind, entries });
      if (pointers.length > MAX_POINTERS) throw new TlvError(`decoding DER: more than ${MAX_POINTERS} directory files`);
    }
    return pointers;
  });
}

/** True for bytes that begin as EF.OD does: how a wrong file behind its short identifier is told. */
export function looksLikeObjectDirectory(content: Uint8Array): boolean {
  return content.length === 0 || KINDS.has(content[0] ?? 0);
}

export interface DirectoryEntry {
  /** The outer tag: what kind of key, certificate or authentication object. */
  readonly tag: number;
  readonly label: string;
  readonly isPrivate: boolean;
  /** Of the authentication object that guards this one. */
  readonly authenticationId?: string;
  /** How many times the object may be used after one verification. */
  readonly userConsent?: number;
  readonly classAttributes: Uint8Array;
  readonly typeAttributes: Uint8Array;
  /** As on the card, outer tag included. */
  readonly bytes: Uint8Array;
}

const OBJECT_FLAG_PRIVATE = 0;
const TAG_SUBCLASS = 0xa0;
const TAG_TYPE = 0xa1;

/** The entries of a directory file, without those that were deleted and what fills it up. */
export function parseEntries(what: string, content: Uint8Array): readonly DirectoryEntry[] {
  return parsing(what, () => {
    const entries = splitEntries(content).map(parseEntry);
    if (entries.length > MAX_OBJECTS) throw new CardDataError(`reading ${what}: more than ${MAX_OBJECTS} objects`);
    return entries;
  });
}

/** Entries one after the other, as they stand. */
export function splitEntries(content: Uint8Array): readonly Uint8Array[] {
  const entries: Uint8Array[] = [];
  let rest = content;
  while (rest.length > 0) {
    if (isFilling(rest[0])) {
      rest = rest.subarray(fillingLength(rest));
      continue;
    }
    const after = decodeFirstTlv(rest).rest;
    entries.push(rest.subarray(0, rest.length - after.length));
    if (entries.length > MAX_OBJECTS) throw new TlvError(`decoding DER: more than ${MAX_OBJECTS} objects`);
    rest = after;
  }
  return entries;
}

/** Strings that cards have written where UTF8String belongs: PrintableString, TeletexString, IA5String. */
const TAGS_OF_OTHER_STRINGS = [0x13, 0x14, 0x16];

function parseEntry(bytes: Uint8Array): DirectoryEntry {
  const { object } = decodeFirstTlv(bytes);
  const elements = new Elements(object.value);
  const common = new Elements(elements.require(TAG_SEQUENCE, 'common attributes'));
  const label = common.take(TAG_UTF8_STRING, ...TAGS_OF_OTHER_STRINGS);
  const flags = common.take(TAG_BIT_STRING);
  const authenticationId = common.take(TAG_OCTET_STRING);
  const userConsent = common.take(TAG_INTEGER);
  const classAttributes = elements.require(TAG_SEQUENCE, 'class attributes');
  elements.take(TAG_SUBCLASS);
  const typeAttributes = new Elements(elements.require(TAG_TYPE, 'type attributes'));
  return {
    tag: object.tag,
    label: label ? parseLabel(label) : '',
    isPrivate: flags ? parseBits(flags, 'flags of an object').has(OBJECT_FLAG_PRIVATE) : false,
    ...(authenticationId ? { authenticationId: parseIdentifier(authenticationId, 'authId') } : {}),
    ...(userConsent ? { userConsent: parseSize(userConsent, 'userConsent') } : {}),
    classAttributes,
    typeAttributes: typeAttributes.require(TAG_SEQUENCE, 'type attributes'),
    bytes,
  };
}

/** EF.UnusedSpace (ISO/IEC 7816-15:2016, section 8.11). */
export interface UnusedSpace {
  /** The authentication object that lets one write there: the first that is named. */
  readonly authenticationId?: string;
  /** Files that hold nothing yet. */
  readonly files: readonly string[];
}

/** Entries of a path and the authentication object that lets one write there. */
export function parseUnusedSpace(content: Uint8Array): UnusedSpace {
  return parsing('EF.UnusedSpace', () => {
    const entries = splitEntries(content).map((entry) => {
      const elements = new Elements(decodeFirstTlv(entry).object.value);
      const path = elements.take(TAG_SEQUENCE);
      return { file: path && parsePath(path)?.file, authenticationId: elements.take(TAG_OCTET_STRING) };
    });
    const authenticationId = entries.find((entry) => entry.authenticationId)?.authenticationId;
    return {
      ...(authenticationId ? { authenticationId: parseIdentifier(authenticationId, 'authId') } : {}),
      files: entries.flatMap(({ file }) => (file === undefined ? [] : [file])),
    };
  });
}
