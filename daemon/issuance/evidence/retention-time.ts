/** How long evidence is kept: the years of its routine from the day on which the ceremony ended, to the end of that day (UTC). */

export interface Ended {
  readonly routine: { readonly retentionYears: number };
  /** ISO 8601, UTC. */
  readonly updatedAt: string;
}

/** YYYY-MM-DD, the last day. */
export function keepUntil({ routine, updatedAt }: Ended): string {
  const day = new Date(updatedAt);
  day.setUTCFullYear(day.getUTCFullYear() + routine.retentionYears);
  return dayOf(day);
}

export function dayOf(time: Date): string {
  return time.toISOString().slice(0, 10);
}
