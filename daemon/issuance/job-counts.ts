/** How many jobs on cards are open, by what they do next: for whoever watches the desk. Says nothing of any of them. */
import type { JobPhase } from './card-job.ts';
import type { Ceremonies } from './ceremonies.ts';
import { openJob } from './ceremony.ts';

type OpenPhase = Exclude<JobPhase, 'abandoned' | 'confirmed' | 'undone'>;

const OPEN_PHASES: Readonly<Record<OpenPhase, true>> = {
  confirming: true,
  finished: true,
  making: true,
  undoing: true,
  waiting: true,
  writing: true,
};

/** `none`: ceremonies whose turn for the card has not come, or is over. */
export const JOB_STATES: readonly string[] = [...Object.keys(OPEN_PHASES), 'none'].sort();
/** A desk has a few; more are not counted. */
const MAX_COUNTED = 500;

export function countJobs(ceremonies: Pick<Ceremonies, 'get' | 'list'>): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { id } of ceremonies.list({ state: 'open', includesProtected: true, limit: MAX_COUNTED })) {
    const state = openJob(ceremonies.get(id))?.job.phase ?? 'none';
    counts[state] = (counts[state] ?? 0) + 1;
  }
  return counts;
}
