/** Machine-readable zones, looked at by kortd itself: check digits are counted, whatever anybody else thinks of them. */
import type { MrzRepair } from '../../../apdu/icao9303/mrz-repair.ts';
import type { Scan } from '../../../api-spec/scan/scan.ts';
import type { VerdictCheck } from '../../../api-spec/document.ts';
import { worstVerdict } from '../check.ts';
import { mrzCheck } from './reasons.ts';
import type { Zone } from './statement.ts';

export function* zoneChecks(zones: readonly Zone[]): Generator<VerdictCheck> {
  if (zones.length === 0) for (const name of ['read', 'digits', 'repair']) yield mrzCheck(`mrz.${name}`, 'zone_absent');
  for (const { source, mrz, repairs, problem = '' } of zones) {
    const sources = [source];
    if (!mrz) {
      yield { ...mrzCheck(`mrz.read.${source}`, 'zone_invalid', { problem }), sources };
      for (const name of ['digits', 'repair']) yield { ...mrzCheck(`mrz.${name}.${source}`, 'zone_absent'), sources };
      continue;
    }
    yield { ...mrzCheck(`mrz.read.${source}`, 'zone_read', { format: mrz.format }), sources };
    for (const { field, isRight } of mrz.checks)
      yield { ...mrzCheck(`mrz.digits.${source}.${field}`, isRight ? 'digit_agrees' : 'digit_differs'), sources };
    const count = repairs.length;
    yield { ...mrzCheck(`mrz.repair.${source}`, count === 0 ? 'zone_untouched' : 'zone_repaired', { count }), sources };
  }
}

/** What a scanner thinks of the zone counts for nothing; that it thinks otherwise is worth a word. */
export function* vendorZoneChecks(scan: Scan, zones: readonly Zone[]): Generator<VerdictCheck> {
  const told = scan.checks.filter(({ group, verdict }) => group === 'mrz' && ['passed', 'failed'].includes(verdict));
  const own = zones.find(({ source }) => source === 'mrz')?.mrz;
  if (told.length === 0 || !own) return;
  const thinksWell = worstVerdict(told.map(({ verdict }) => verdict)) === 'passed';
  yield {
    ...mrzCheck('mrz.vendor', thinksWell === own.isConsistent ? 'vendor_agrees' : 'vendor_differs'),
    sources: ['mrz'],
    by: 'scan',
  };
}

/** The lines as a camera read them, before a driver or kortd put anything right. */
export function linesAsRead({ lines, corrections }: NonNullable<Scan['mrz']>): readonly string[] {
  return lines.map((line, index) => {
    const characters = Array.from(line);
    for (const { line: number, position, read } of corrections) if (number === index + 1) characters[position - 1] = read;
    return characters.join('');
  });
}

/** Where a character stands: lines and positions from 1. */
export function placeOf({ position }: MrzRepair, lineLength: number): { readonly line: number; readonly position: number } {
  return { line: Math.floor(position / lineLength) + 1, position: (position % lineLength) + 1 };
}
