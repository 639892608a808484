/** What a ceremony orders of a certification authority: whom the certificates are to name, on which card, of which level, until when. */
import type { CertificateOrder } from './certificate-check.ts';
import { valueAt, type Ceremony } from './ceremony.ts';
import type { StepOf } from './routine.ts';

export function orderOf(ceremony: Ceremony, step: StepOf<'enrol'>, now: Date): CertificateOrder {
  const at = (path: string | undefined): string | undefined => valueAt(ceremony, path);
  const { holder } = step;
  const personalNumber = at(holder.personalNumber);
  const hsaId = at(holder.hsaId);
  const validTo = lastMoment(at(step.validTo), at(step.validDays), now);
  const validAtLeastTo = leastLast(at(step.validDays), now);
  const assuranceLevel = at(step.assuranceLevelOf) ?? step.assuranceLevel;
  return {
    cardNumber: at(step.cardNumber) ?? '',
    ...(personalNumber === undefined ? {} : { personalNumber }),
    ...(hsaId === undefined ? {} : { hsaId }),
    ...(assuranceLevel === undefined ? {} : { assuranceLevel }),
    ...(validTo === undefined ? {} : { validTo }),
    ...(validAtLeastTo === undefined ? {} : { validAtLeastTo }),
  };
}

/** Of the earlier of the two days, by the workstation's calendar. */
function lastMoment(day: string | undefined, days: string | undefined, now: Date): Date | undefined {
  const moments: Date[] = [];
  if (day !== undefined) moments.push(new Date(`${day}T23:59:59.999`));
  if (days !== undefined) moments.push(daysFrom(now, Number(days), [23, 59, 59, 999]));
  return moments.sort((one, other) => one.getTime() - other.getTime())[0];
}

/** One day less is the same number of days by an authority that counts from a little earlier. */
function leastLast(days: string | undefined, now: Date): Date | undefined {
  return days === undefined ? undefined : daysFrom(now, Number(days) - 1, [0, 0, 0, 0]);
}

function daysFrom(now: Date, days: number, time: readonly [number, number, number, number]): Date {
  const day = new Date(now);
  day.setDate(day.getDate() + days);
  day.setHours(...time);
  return day;
}

/** RFC 4514: the holder's name, and the number by which they are known (2.5.4.5, serialNumber: RFC 4519, section 2.31). */
export function subjectOf(ceremony: Ceremony, { holder }: StepOf<'enrol'>): string {
  const at = (path: string | undefined): string | undefined => valueAt(ceremony, path);
  const number = at(holder.hsaId) ?? at(holder.personalNumber);
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['CN', at(holder.name)],
    ['2.5.4.5', number],
    ['C', 'SE'],
  ];
  return rows.flatMap(([type, value]) => (value === undefined ? [] : [`${type}=${escapeValue(value)}`])).join(',');
}

/** RFC 4514, section 2.4. */
function escapeValue(value: string): string {
  return value.replaceAll(/["+,;<>\\=]/gu, String.raw`\$&`).replaceAll(/^[ #]| $/gu, String.raw`\$&`);
}
