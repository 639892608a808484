/**
 * Swedish personal identity numbers and coordination numbers (Skatteverket, rättslig vägledning 330245), in the twelve digits of the population register:
 * YYYYMMDDNNNC. Date and check digit must be right. The ten-digit form is not taken: its century would be a guess.
 */

export interface PersonalNumber {
  readonly kind: 'personal identity number' | 'coordination number';
  /** Twelve digits. */
  readonly number: string;
}

/** What a coordination number adds to the day. */
const COORDINATION_DAYS = 60;

/** Undefined for what is neither. */
export function parsePersonalNumber(text: string): PersonalNumber | undefined {
  if (!/^\d{12}$/.test(text) || !hasCheckDigit(text.slice(2))) return undefined;
  const [year, month, day] = [Number(text.slice(0, 4)), Number(text.slice(4, 6)), Number(text.slice(6, 8))];
  if (day < COORDINATION_DAYS) {
    const isPerson = isDate(year, month, day) && text.slice(8, 11) !== '000';
    return isPerson ? { kind: 'personal identity number', number: text } : undefined;
  }
  return isCoordinationDate(year, month, day - COORDINATION_DAYS) ? { kind: 'coordination number', number: text } : undefined;
}

/** Luhn: digits from the last to the first count once and twice in turn; the sum of their digits ends in 0. Of organisation numbers as well. */
export function hasCheckDigit(digits: string): boolean {
  const sum = Array.from(digits)
    .reverse()
    .reduce((total, digit, index) => {
      const weighted = Number(digit) * (index % 2 === 0 ? 1 : 2);
      return total + (weighted > 9 ? weighted - 9 : weighted);
    }, 0);
  return sum % 10 === 0;
}

function isDate(year: number, month: number, day: number): boolean {
  return month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month);
}

/** Of a person whose month or day of birth is not known, either is 00. Unconfirmed; seen in older numbers. */
function isCoordinationDate(year: number, month: number, day: number): boolean {
  return month <= 12 && day <= (month === 0 ? 31 : daysIn(year, month));
}

function daysIn(year: number, month: number): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month, 0);
  return date.getUTCDate();
}
