/** Files of an electronic travel document (ICAO Doc 9303-10, sections 3.11 and 4, tables 38 and following): identifier, short identifier and outermost tag. */

export type DataGroup =
  | 'DG1'
  | 'DG2'
  | 'DG3'
  | 'DG4'
  | 'DG5'
  | 'DG6'
  | 'DG7'
  | 'DG8'
  | 'DG9'
  | 'DG10'
  | 'DG11'
  | 'DG12'
  | 'DG13'
  | 'DG14'
  | 'DG15'
  | 'DG16';
export type DocumentFileName = DataGroup | 'EF.CardAccess' | 'EF.CardSecurity' | 'EF.COM' | 'EF.SOD';

export interface DocumentFile {
  readonly name: DocumentFileName;
  readonly identifier: number;
  readonly shortIdentifier: number;
  readonly tag: number;
}

const TAG_SET = 0x31;
const TAG_SEQUENCE = 0x30;
const DATA_GROUP_TAGS = [0x61, 0x75, 0x63, 0x76, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f, 0x70] as const;
const FIRST_DATA_GROUP = 0x0101;

const DATA_GROUPS: readonly DocumentFile[] = DATA_GROUP_TAGS.map((tag, index) => ({
  name: dataGroupOf(index + 1),
  identifier: FIRST_DATA_GROUP + index,
  shortIdentifier: index + 1,
  tag,
}));

const FILES: readonly DocumentFile[] = [
  // Of the master file; EF.CardAccess is there for everybody.
  { name: 'EF.CardAccess', identifier: 0x011c, shortIdentifier: 0x1c, tag: TAG_SET },
  { name: 'EF.CardSecurity', identifier: 0x011d, shortIdentifier: 0x1d, tag: TAG_SEQUENCE },
  // Of the application.
  { name: 'EF.COM', identifier: 0x011e, shortIdentifier: 0x1e, tag: 0x60 },
  { name: 'EF.SOD', identifier: 0x011d, shortIdentifier: 0x1d, tag: 0x77 },
  ...DATA_GROUPS,
];

export function documentFile(name: DocumentFileName): DocumentFile {
  const file = FILES.find((one) => one.name === name);
  if (!file) throw new Error(`there is no file ${name}`);
  return file;
}

/** By number, 1 to 16. Throws RangeError. */
export function dataGroupOf(number: number): DataGroup {
  if (!Number.isInteger(number) || number < 1 || number > DATA_GROUP_TAGS.length)
    throw new RangeError(`there is no data group ${number}`);
  return `DG${number}` as DataGroup;
}

/** As EF.COM lists them. Undefined for a tag of none. */
export function dataGroupByTag(tag: number): DataGroup | undefined {
  return DATA_GROUPS.find((file) => file.tag === tag)?.name as DataGroup | undefined;
}
