/** How long something holds, as a person would say it: days under 60, months under two years, and beyond that the day on which it ends. */
const DAY_MS = 86_400_000;
const DAYS_UNTIL = 60;
const MONTHS_UNTIL_DAYS = 730;
/** Mean, of the Gregorian calendar. */
const DAYS_A_MONTH = 30.436875;

export interface TimeLeft {
  readonly unit: 'days' | 'months' | 'date';
  readonly en: string;
  readonly sv: string;
}

/** Of what has not ended; a day that has begun counts. */
export function timeLeft(until: Date, now: Date): TimeLeft {
  const days = Math.max(0, Math.ceil((until.getTime() - now.getTime()) / DAY_MS));
  if (days < DAYS_UNTIL)
    return {
      unit: 'days',
      en: days === 1 ? '1 day left' : `${days} days left`,
      sv: days === 1 ? '1 dag kvar' : `${days} dagar kvar`,
    };
  const months = Math.max(2, Math.floor(days / DAYS_A_MONTH));
  if (days < MONTHS_UNTIL_DAYS) return { unit: 'months', en: `${months} months left`, sv: `${months} månader kvar` };
  const day = dayOf(until);
  return { unit: 'date', en: `Valid until ${day}`, sv: `Giltigt till ${day}` };
}

/** YYYY-MM-DD, on the clock of this computer. */
function dayOf(time: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
}
