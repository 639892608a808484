/** Dates of a machine-readable zone with their century, which it leaves out (ICAO Doc 9303-3, section 4.8). */

/** A day, or as much of it as is known: "1974-08-12", "1974-08", "1974". */
export type KnownDate = string;

const UNKNOWN = '<<';
const CENTURY = 100;
/** How far ahead a document may expire: longer than any is valid (9303-4 and -5 know of ten years). */
const MAX_YEARS_AHEAD = 50;

/** The last such day that is not after today. Undefined for one that no calendar has. */
export function birthDateOf(yymmdd: string, today: Date): KnownDate | undefined {
  const parts = partsOf(yymmdd);
  if (!parts) return undefined;
  const century = Math.floor(today.getUTCFullYear() / CENTURY) * CENTURY;
  const date = dateOf(century + parts.year, parts);
  if (date === undefined || date <= today.toISOString().slice(0, date.length)) return date;
  return dateOf(century - CENTURY + parts.year, parts);
}

/** Of this century, or of the next where that is nearer; an expired document is told as such. Undefined for one that no calendar has. */
export function expiryDateOf(yymmdd: string, today: Date): KnownDate | undefined {
  const parts = partsOf(yymmdd);
  if (!parts) return undefined;
  const year = today.getUTCFullYear();
  const century = Math.floor(year / CENTURY) * CENTURY;
  const near = [century - CENTURY, century, century + CENTURY].map((hundred) => hundred + parts.year);
  const chosen = near.find((candidate) => candidate > year + MAX_YEARS_AHEAD - CENTURY && candidate <= year + MAX_YEARS_AHEAD);
  return chosen === undefined ? undefined : dateOf(chosen, parts);
}

interface Parts {
  readonly year: number;
  readonly month: string;
  readonly day: string;
}

function partsOf(yymmdd: string): Parts | undefined {
  const match = /^(\d\d)(\d\d|<<)(\d\d|<<)$/.exec(yymmdd);
  const [, year, month, day] = match ?? [];
  return year === undefined || month === undefined || day === undefined ? undefined : { year: Number(year), month, day };
}

/** A day without its month says nothing. */
function dateOf(year: number, { month, day }: Parts): KnownDate | undefined {
  const text = String(year).padStart(4, '0');
  if (month === UNKNOWN) return text;
  if (Number(month) < 1 || Number(month) > 12) return undefined;
  if (day === UNKNOWN) return `${text}-${month}`;
  const date = `${text}-${month}-${day}`;
  const parsed = new Date(`${date}T00:00:00Z`);
  return Number.isNaN(parsed.getTime()) || parsed.toISOString().slice(0, 10) !== date ? undefined : date;
}
