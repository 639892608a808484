/** What a ceremony orders of a certification authority: whom the certificates are to name, on which card, of which level, until when. */
import type { CertificateOrder } from './certificate-check.ts';
import { valueAt, type Ceremony } from './ceremony.ts';
import type { StepOf } from './routine.ts';

export function orderOf(ceremony: Ceremony, step: StepOf<'enrol'>, now: Date): CertificateOrder {
  const at = (path: string | undefined): string | undefined => (path === undefined ? undefined : valueAt(ceremony, path));
  const { holder, assuranceLevel } = step;
  const personalNumber = at(holder.personalNumber);
  const hsaId = at(holder.hsaId);
  const validTo = lastMoment(at(step.validTo), at(step.validDays), now);
  return {
    cardNumber: at(step.cardNumber) ?? '',
    ...(personalNumber === undefined ? {} : { personalNumber }),
    ...(hsaId === undefined ? {} : { hsaId }),
    ...(assuranceLevel === undefined ? {} : { assuranceLevel }),
    ...(validTo === undefined ? {} : { validTo }),
  };
}

/** Of the earlier of the two days, by the workstation's calendar. */
function lastMoment(day: string | undefined, days: string | undefined, now: Date): Date | undefined {
  const moments: Date[] = [];
  if (day !== undefined) moments.push(new Date(`${day}T23:59:59.999`));
  if (days !== undefined) {
    const last = new Date(now);
    last.setDate(last.getDate() + Number(days));
    last.setHours(23, 59, 59, 999);
    moments.push(last);
  }
  return moments.sort((one, other) => one.getTime() - other.getTime())[0];
}

/** RFC 4514: the holder's name, and the number by which they are known (2.5.4.5, serialNumber: RFC 4519, section 2.31). */
export function subjectOf(ceremony: Ceremony, { holder }: StepOf<'enrol'>): string {
  const at = (path: string | undefined): string | undefined => (path === undefined ? undefined : valueAt(ceremony, path));
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
