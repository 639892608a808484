/** Time that runs down: what stands on the clock, when it wants attention, and what is said aloud. It counts from when it was told, by a clock that nobody sets. */

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** Minutes that are said aloud: those who hear the page are not told every second. */
const SPOKEN_MINUTES: readonly number[] = [10, 5, 2, 1];

export interface Deadline {
  readonly remainingMs: number;
  /** Of `performance.now()`, when that was told. */
  readonly toldAt: number;
}

/** 0 once it is over. */
export function remainingAt({ remainingMs, toldAt }: Deadline, now: number): number {
  return Math.max(0, remainingMs - (now - toldAt));
}

/** 14:59; 2:05:00 from an hour on; 3 d 4 h from two days on. Whole seconds, rounded up, so that 0:00 means over. */
export function formatRemaining(ms: number): string {
  if (ms >= 2 * DAY_MS) return `${Math.floor(ms / DAY_MS)} d ${Math.floor((ms % DAY_MS) / HOUR_MS)} h`;
  const seconds = Math.ceil(ms / SECOND_MS);
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor((seconds % 3_600) / 60)];
  const tail = String(seconds % 60).padStart(2, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${tail}` : `${minutes}:${tail}`;
}

export function urgencyOf(ms: number): 'calm' | 'over' | 'soon' {
  if (ms === 0) return 'over';
  return ms <= 2 * MINUTE_MS ? 'soon' : 'calm';
}

/** The mark that was passed between the two, in minutes; undefined while there is nothing to say. */
export function spokenMinutes(before: number, now: number): number | undefined {
  return SPOKEN_MINUTES.filter((minutes) => now <= minutes * MINUTE_MS && before > minutes * MINUTE_MS).at(-1);
}
