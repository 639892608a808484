/**
 * What each source says about a document and its holder, in one form: what was typed, the machine-readable zone, what people read on the page, the chip, a bar code.
 * Only what a source itself says: a device's own summary is none.
 */
import type { Static } from 'typebox';
import type { DocumentFacts } from '../../../api-spec/document.ts';
import type { Scan } from '../../../api-spec/scan/scan.ts';
import { MrzError, type Mrz } from '../../../apdu/icao9303/mrz.ts';
import { repairMrz, type MrzRepair } from '../../../apdu/icao9303/mrz-repair.ts';

export type Facts = Readonly<Static<typeof DocumentFacts>>;
export type FactName = keyof Facts;

/** In the order in which two of them are named. `zone`: lines that were given beside a scan which has some of its own. */
export const SOURCES = ['typed', 'chip', 'mrz', 'zone', 'viz', 'barcode'] as const;
export type Source = (typeof SOURCES)[number];

export interface Statement {
  readonly source: Source;
  readonly facts: Facts;
  /** Of a name in a machine-readable zone that fills its place. */
  readonly mayBeTruncated?: boolean;
}

/** A machine-readable zone that was looked at: what it says, or why it is none. */
export interface Zone {
  readonly source: Extract<Source, 'chip' | 'mrz' | 'zone'>;
  readonly mrz?: Mrz;
  readonly repairs: readonly MrzRepair[];
  readonly problem?: string;
}

/** Never throws: what cannot be read says so. What a chip gives is not repaired: it was not read by a camera. */
export function readZone(source: Zone['source'], lines: readonly string[]): Zone {
  try {
    const { mrz, repairs } = repairMrz(lines.map((line) => line.toUpperCase()).join('\n'));
    return { source, mrz, repairs };
  } catch (error) {
    if (error instanceof MrzError) return { source, repairs: [], problem: error.message };
    throw error;
  }
}

export function statementOfZone(source: Source, mrz: Mrz): Statement {
  const { name, sex } = mrz;
  const facts = {
    documentCode: mrz.documentCode,
    issuer: mrz.issuer,
    surname: name.surname,
    givenNames: name.givenNames,
    documentNumber: mrz.documentNumber,
    nationality: mrz.nationality,
    birthDate: mrz.birthDate,
    sex: sex === 'unspecified' ? 'X' : sex,
    expiryDate: mrz.expiryDate,
    personalNumber: personalNumberIn(mrz),
  } as const;
  return { source, facts: withoutEmpty(facts), mayBeTruncated: name.mayBeTruncated };
}

/** Swedish passports and national identity cards carry it in the optional data, in twelve digits. Unconfirmed, and only believed where it is one. */
function personalNumberIn({ issuer, optionalData }: Mrz): string | undefined {
  return issuer === 'SWE' ? optionalData.find((data) => /^\d{12}$/.test(data)) : undefined;
}

/** How a scan names what stands in a field. */
const FIELD_NAMES: Readonly<Record<string, keyof Facts>> = {
  birthDate: 'birthDate',
  documentCode: 'documentCode',
  documentNumber: 'documentNumber',
  expiry: 'expiryDate',
  expiryDate: 'expiryDate',
  givenNames: 'givenNames',
  issuer: 'issuer',
  issuingState: 'issuer',
  nationality: 'nationality',
  number: 'documentNumber',
  personalNumber: 'personalNumber',
  sex: 'sex',
  surname: 'surname',
};

/** What a scan read from one source, field by field; of several readings of one field the surest. */
export function statementOfScan(source: Extract<Source, 'barcode' | 'chip' | 'viz'>, scan: Scan): Statement | undefined {
  const facts: Partial<Record<keyof Facts, string>> = {};
  for (const { name, values = [] } of scan.fields) {
    const field = Object.hasOwn(FIELD_NAMES, name) ? FIELD_NAMES[name] : undefined;
    const [surest] = values.filter((value) => value.source === source).sort((a, b) => (b.confidence ?? 0) - (a.confidence ?? 0));
    if (field !== undefined && surest !== undefined) facts[field] ??= surest.value;
  }
  const known = withoutEmpty(facts);
  return Object.keys(known).length === 0 ? undefined : { source, facts: known };
}

export function withoutEmpty(facts: Readonly<Partial<Record<keyof Facts, string | undefined>>>): Facts {
  return Object.fromEntries(
    Object.entries(facts).flatMap(([name, value]) => (value === undefined || value.trim() === '' ? [] : [[name, value.trim()]])),
  );
}
