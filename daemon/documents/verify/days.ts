/**
 * Days of documents and persons: written out, in six digits without their century, or with parts that nobody knows. An age is counted in the calendar of Sweden, and
 * of a birthday that is not wholly known only what holds for every day that it can be.
 */
import { birthDateOf, expiryDateOf } from '../../../apdu/icao9303/mrz-dates.ts';
import { parsePersonalNumber } from '../../identity/personal-number.ts';

/** `YYYY-MM-DD`, or only as much of it as is known. */
export type Day = string;
export type DayAgreement = 'agree' | 'differ' | 'inPart' | 'unreadable';

/** What a coordination number adds to the day (Skatteverket, rättslig vägledning 330245). */
const COORDINATION_DAYS = 60;
const SWEDEN = 'Europe/Stockholm';

/** As calendars in Sweden have it at that moment. */
export function swedishDay(now: Date): Day {
  return new Intl.DateTimeFormat('sv-SE', { timeZone: SWEDEN, year: 'numeric', month: '2-digit', day: '2-digit' }).format(now);
}

/** From YYMMDD with fillers for what is not known (ICAO Doc 9303-3, section 4.8), or from a day, which may end early. Undefined for what no calendar has. */
export function readDay(text: string, kind: 'birth' | 'expiry', today: Day): Day | undefined {
  const written = text.trim();
  if (/^[0-9<]{6}$/.test(written)) {
    const now = new Date(`${today}T00:00:00Z`);
    return kind === 'birth' ? birthDateOf(written, now) : expiryDateOf(written, now);
  }
  if (!/^\d{4}(-\d\d(-\d\d)?)?$/.test(written)) return undefined;
  const [year = '', month = '01', day = '01'] = written.split('-');
  const full = `${year}-${month}-${day}`;
  const parsed = new Date(`${full}T00:00:00Z`);
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(full) ? written : undefined;
}

/** Of a personal identity number or coordination number. Undefined for what is neither; without the parts that are not known. */
export function birthDayIn(personalNumber: string): Day | undefined {
  const number = parsePersonalNumber(personalNumber.replaceAll(/[-+\s]/g, ''))?.number;
  if (number === undefined) return undefined;
  const [year, month, written] = [number.slice(0, 4), number.slice(4, 6), Number(number.slice(6, 8))];
  const day = written > COORDINATION_DAYS || written === COORDINATION_DAYS ? written - COORDINATION_DAYS : written;
  if (month === '00') return year;
  return day === 0 ? `${year}-${month}` : `${year}-${month}-${String(day).padStart(2, '0')}`;
}

/** As far as both are known. Two that are written without a century are the same or not as they stand. */
export function compareDays(one: string, other: string, kind: 'birth' | 'expiry', today: Day): DayAgreement {
  if (one === other && /^[0-9<]{6}$/.test(one)) return 'agree';
  const [a, b] = [readDay(one, kind, today), readDay(other, kind, today)];
  if (a === undefined || b === undefined) return 'unreadable';
  const length = Math.min(a.length, b.length);
  if (isShort(one) || isShort(other)) {
    if (a.slice(2, length) !== b.slice(2, length)) return 'differ';
  } else if (a.slice(0, length) !== b.slice(0, length)) return 'differ';
  return a.length === b.length ? 'agree' : 'inPart';
}

/** Its century is a guess: of somebody older than a hundred it is the wrong one. */
function isShort(text: string): boolean {
  return text.trim().length === 'YYMMDD'.length;
}

/** In whole years on that day: the least and the most that it can be. */
export function ageOn(today: Day, born: Day): { readonly least: number; readonly most: number } {
  const [year = '', month, day] = born.split('-');
  const latest = `${year}-${month ?? '12'}-${day ?? '31'}`;
  const earliest = `${year}-${month ?? '01'}-${day ?? '01'}`;
  return { least: wholeYears(latest, today), most: wholeYears(earliest, today) };
}

/** One born on the last of February of a leap year is older on the last of February of others (lag 1930:173, 1 §). */
function wholeYears(born: Day, today: Day): number {
  const years = Number(today.slice(0, 4)) - Number(born.slice(0, 4));
  const birthday = born.slice(5) === '02-29' && !isLeapYear(Number(today.slice(0, 4))) ? '02-28' : born.slice(5);
  return today.slice(5) >= birthday ? years : years - 1;
}

function isLeapYear(year: number): boolean {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
}
