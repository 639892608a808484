/** Paths in the card's tree of files, and what a file says of itself when it is selected (ISO/IEC 7816-4:2020, section 7). */
import { encodeTlv } from '../../../../apdu/tlv/ber-tlv.ts';
import { bigIntToBytes, concatBytes, formatHex } from '../../bytes.ts';
import { encodeAccess } from './access.ts';
import {
  FID_MF,
  TAG_COMPACT_SECURITY_ATTRIBUTES,
  TAG_DF_NAME,
  TAG_FILE_DESCRIPTOR,
  TAG_FILE_IDENTIFIER,
  TAG_LIFE_CYCLE_STATUS,
  TAG_SHORT_EF_IDENTIFIER,
  TAG_SIZE,
} from './constants.ts';
import type { CardFile, Eid, FilePath, Memory } from './memory.ts';

export const PATH_MF: FilePath = '';
/** Hexadecimal digits of a file identifier. */
const FID_DIGITS = 4;

/** File descriptor byte (section 7.4.5, table 12): working EF, transparent; internal EF, transparent; DF. */
export const DESCRIPTOR_WORKING = 0x01;
export const DESCRIPTOR_INTERNAL = 0x09;
export const DESCRIPTOR_DIRECTORY = 0x38;
/** Life cycle status byte (section 7.4.10, table 17): operational, activated. */
const ACTIVATED = 0x05;

export function formatFid(fid: number): string {
  return fid.toString(16).padStart(FID_DIGITS, '0');
}

/** The path of what is in a directory. */
export function childPath(directory: FilePath, fid: number | Uint8Array): FilePath {
  return directory + (typeof fid === 'number' ? formatFid(fid) : formatHex(fid));
}

/** Undefined for the MF. */
export function parentPath(path: FilePath): FilePath | undefined {
  return path === PATH_MF ? undefined : path.slice(0, -FID_DIGITS);
}

export function fidOf(path: FilePath): number {
  return path === PATH_MF ? FID_MF : parseInt(path.slice(-FID_DIGITS), 16);
}

export function children(memory: Memory, directory: FilePath): readonly (readonly [FilePath, CardFile])[] {
  return [...memory.files].filter(([path]) => path !== PATH_MF && parentPath(path) === directory);
}

/** The EF in a directory with this short identifier. */
export function findByShortId(memory: Memory, directory: FilePath, shortId: number): FilePath | undefined {
  return children(memory, directory).find(([, file]) => file.kind === 'working' && file.shortId === shortId)?.[0];
}

/** Makes the file current; an EF together with the DF that it is in. */
export function makeCurrent(eid: Eid, path: FilePath): void {
  const { session, memory } = eid;
  const isDirectory = memory.files.get(path)?.kind === 'directory';
  const directory = isDirectory ? path : (parentPath(path) ?? PATH_MF);
  if (directory !== session.directory) {
    session.signature = {};
    session.confidentiality = {};
    session.digest = undefined;
  }
  session.directory = directory;
  session.file = isDirectory ? undefined : path;
}

/** File control parameters, without their template (section 7.4.3, table 10). */
export function encodeFcp(path: FilePath, file: CardFile): Uint8Array {
  const parts = [
    ...(file.kind === 'working' ? [encodeTlv(TAG_SIZE, bigIntToBytes(BigInt(file.content.length), 2))] : []),
    encodeTlv(TAG_FILE_DESCRIPTOR, Uint8Array.of(descriptorOf(file))),
    encodeTlv(TAG_FILE_IDENTIFIER, bigIntToBytes(BigInt(fidOf(path)), 2)),
    encodeName(file),
    ...(file.kind === 'working' && file.shortId !== undefined
      ? [encodeTlv(TAG_SHORT_EF_IDENTIFIER, Uint8Array.of(file.shortId << 3))]
      : []),
    encodeTlv(TAG_LIFE_CYCLE_STATUS, Uint8Array.of(ACTIVATED)),
    encodeTlv(TAG_COMPACT_SECURITY_ATTRIBUTES, encodeAccess(file.access)),
  ];
  return concatBytes(...parts);
}

/** The DF name, or nothing for a file without one. */
export function encodeName(file: CardFile): Uint8Array {
  return file.kind === 'directory' && file.name ? encodeTlv(TAG_DF_NAME, file.name) : new Uint8Array();
}

function descriptorOf(file: CardFile): number {
  if (file.kind === 'directory') return DESCRIPTOR_DIRECTORY;
  return file.kind === 'key' ? DESCRIPTOR_INTERNAL : DESCRIPTOR_WORKING;
}

/** Bytes that all files take together. */
export function usedBytes(memory: Memory): number {
  let sum = 0;
  for (const file of memory.files.values()) sum += file.kind === 'working' ? file.content.length : 0;
  return sum;
}
