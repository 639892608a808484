/** A machine-readable zone as kortd reads it, whatever the scanner thinks of it: lines, fields, and every check digit counted anew (ICAO Doc 9303-3, section 4.9). */
import { MrzError } from '../../apdu/icao9303/mrz.ts';
import { repairMrz, type RepairedMrz } from '../../apdu/icao9303/mrz-repair.ts';
import type { ScannedMrz } from '../../api-spec/scan/scan.ts';

export interface ReadLines {
  readonly lines: readonly string[];
  readonly source?: ScannedMrz['source'] | undefined;
}

/** Never throws: what is no such zone is told as read, and `undetermined`. */
export function readZone({ lines, source = 'optical' }: ReadLines): ScannedMrz {
  const written = lines.map((line) => line.trim().toUpperCase());
  try {
    return describeZone(repairMrz(written.join('\n')), source);
  } catch (error) {
    if (!(error instanceof MrzError)) throw error;
    return { lines: written, source, checkDigits: [], corrections: [], verdict: 'undetermined' };
  }
}

function describeZone({ mrz, repairs }: RepairedMrz, source: ScannedMrz['source']): ScannedMrz {
  const [{ length } = ''] = mrz.lines;
  return {
    format: mrz.format,
    lines: [...mrz.lines],
    source,
    fields: {
      documentCode: mrz.documentCode,
      issuer: mrz.issuer,
      surname: mrz.name.surname,
      givenNames: mrz.name.givenNames,
      nameMayBeTruncated: mrz.name.mayBeTruncated,
      number: mrz.documentNumber,
      nationality: mrz.nationality,
      birthDate: mrz.birthDate,
      sex: mrz.sex,
      expiry: mrz.expiryDate,
      optional: [...mrz.optionalData],
    },
    checkDigits: mrz.checks.map(({ field, found, computed, isRight }) => ({
      field,
      read: found,
      expected: String(computed),
      verdict: isRight ? 'passed' : 'failed',
    })),
    corrections: repairs.map(({ position, from, to }) => ({
      line: Math.floor(position / length) + 1,
      position: (position % length) + 1,
      read: from,
      used: to,
    })),
    verdict: mrz.isConsistent ? 'passed' : 'failed',
  };
}
