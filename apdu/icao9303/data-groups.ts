/** What the data groups of a document say (ICAO Doc 9303-10, section 4.7). Bytes come from the chip: nothing is believed of their lengths. */
import { CardDataError } from '../errors.ts';
import { TlvError, decodeTlv, findTlv, requireTlv, type TlvObject } from '../tlv/ber-tlv.ts';
import { dataGroupByTag, documentFile, type DataGroup, type DocumentFileName } from './document-files.ts';
import { MrzError, parseMrz, type Mrz } from './mrz.ts';

const TAG_MRZ = 0x5f1f;
const TAG_LDS_VERSION = 0x5f01;
const TAG_TAG_LIST = 0x5c;
const TAG_DISPLAYED_SIGNATURE = 0x5f43;

/** EF.COM (section 4.6.1). */
export interface CommonData {
  /** "0107". */
  readonly ldsVersion: string;
  readonly groups: readonly DataGroup[];
}

export function parseCommonData(file: Uint8Array): CommonData {
  return parsing('EF.COM', file, (objects) => ({
    ldsVersion: ascii(requireTlv(objects, TAG_LDS_VERSION)),
    groups: Array.from(requireTlv(objects, TAG_TAG_LIST)).flatMap((tag) => dataGroupByTag(tag) ?? []),
  }));
}

/** DG1 (section 4.7.1). */
export function parseDataGroup1(file: Uint8Array): Mrz {
  const text = parsing('DG1', file, (objects) => ascii(requireTlv(objects, TAG_MRZ)));
  try {
    return parseMrz(text);
  } catch (error) {
    if (error instanceof MrzError) throw new CardDataError(`reading DG1: ${error.message}`, {}, { cause: error });
    throw error;
  }
}

/** DG7 (section 4.7.7): images of the holder's signature, as they are. */
export function parseDataGroup7(file: Uint8Array): readonly Uint8Array[] {
  return parsing('DG7', file, (objects) =>
    objects.filter(({ tag }) => tag === TAG_DISPLAYED_SIGNATURE).map(({ value }) => value),
  );
}

/** DG11 (section 4.7.11): what is told of the person beyond the machine-readable zone. Lines of an address and parts of names as they are written. */
export interface PersonalDetails {
  readonly fullName?: string;
  readonly personalNumber?: string;
  /** "1974-08-12". */
  readonly birthDate?: string;
  readonly placeOfBirth?: readonly string[];
  readonly address?: readonly string[];
  readonly telephone?: string;
  readonly profession?: string;
  readonly title?: string;
}

export function parseDataGroup11(file: Uint8Array): PersonalDetails {
  return parsing('DG11', file, (objects) => {
    const text = (tag: number): string | undefined => textOf(objects, tag);
    const lines = (tag: number): readonly string[] | undefined => text(tag)?.split('<').filter(Boolean);
    return defined({
      fullName: text(0x5f0e)?.replaceAll('<', ' ').replaceAll(/ {2,}/g, ', ').trim(),
      personalNumber: text(0x5f10),
      birthDate: dayOf(findTlv(objects, 0x5f2b)),
      placeOfBirth: lines(0x5f11),
      address: lines(0x5f42),
      telephone: text(0x5f12),
      profession: text(0x5f13),
      title: text(0x5f14),
    });
  });
}

/** DG12 (section 4.7.12). */
export interface DocumentDetails {
  readonly issuingAuthority?: string;
  readonly issueDate?: string;
  readonly endorsements?: string;
}

export function parseDataGroup12(file: Uint8Array): DocumentDetails {
  return parsing('DG12', file, (objects) =>
    defined({
      issuingAuthority: textOf(objects, 0x5f19)?.replaceAll('<', ' ').trim(),
      issueDate: dayOf(findTlv(objects, 0x5f26)),
      endorsements: textOf(objects, 0x5f1b),
    }),
  );
}

/** What is inside of a file's outermost object; files of one object in one. */
export function contentOf(name: DocumentFileName, file: Uint8Array): Uint8Array {
  return unwrapping(name, () => requireTlv(decodeTlv(file), documentFile(name).tag));
}

function parsing<T>(name: DocumentFileName, file: Uint8Array, parse: (objects: readonly TlvObject[]) => T): T {
  return unwrapping(name, () => parse(decodeTlv(requireTlv(decodeTlv(file), documentFile(name).tag))));
}

function unwrapping<T>(name: DocumentFileName, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof TlvError) throw new CardDataError(`reading ${name}: ${error.message}`, {}, { cause: error });
    throw error;
  }
}

function textOf(objects: readonly TlvObject[], tag: number): string | undefined {
  const value = findTlv(objects, tag);
  return value && new TextDecoder().decode(value).trim();
}

/** CCYYMMDD as text, or in two digits a byte, as older documents have it (section 4.7.11, tag 5F2B). */
function dayOf(value: Uint8Array | undefined): string | undefined {
  const digits =
    value?.length === 4 ? Array.from(value, (byte) => byte.toString(16).padStart(2, '0')).join('') : value && ascii(value);
  const [, year, month, day] = /^(\d{4})(\d\d)(\d\d)$/.exec(digits ?? '') ?? [];
  return year === undefined ? undefined : `${year}-${month ?? ''}-${day ?? ''}`;
}

function ascii(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

type Defined<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

/** Without what is not there. */
function defined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;
}
