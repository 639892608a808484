/**
 * Checks of an identity document: the words of a verdict (BSI TR-03135-1), the entry that stands in a list of checks, and reasons as data, from which entries are made.
 * A check that was not made is an entry too. Which checks must pass for the whole to pass is not said here.
 */
import type { CHECK_GROUPS, DocumentCheck, VERDICTS } from '../../api-spec/document-check.ts';

export type Verdict = (typeof VERDICTS)[number];
export type CheckGroup = (typeof CHECK_GROUPS)[number];

/** An entry in a list of checks, as it goes to the wire. Holds no personal data: only which thing was looked at, and what came of it. */
export type Check = Readonly<DocumentCheck>;

/** What can be said of one check. `{name}` in a text stands for a detail. */
export interface CheckReason {
  readonly verdict: Verdict;
  readonly en: string;
  readonly sv: string;
}

/** Reasons by their code, which is snake_case and never renamed. */
export type CheckReasons = Readonly<Record<string, CheckReason>>;

export type CheckDetails = Readonly<Record<string, number | string>>;

/** Makes the entries of one group from its reasons: `makeChecks('electronic', REASONS)('electronic.passive.chain', 'chain_trusted')`. */
export function makeChecks<R extends CheckReasons>(
  group: CheckGroup,
  reasons: R,
): (id: string, reason: keyof R & string, details?: CheckDetails) => Check {
  return (id, reason, details = {}) => {
    const row = reasons[reason];
    if (!row) throw new RangeError(`there is no reason ${reason}`);
    const { verdict, en, sv } = row;
    return { id, group, verdict, reason, text: { en: fill(en, details), sv: fill(sv, details) } };
  };
}

function fill(text: string, details: CheckDetails): string {
  return text.replaceAll(/\{(\w+)\}/g, (_, name: string) => String(details[name] ?? ''));
}

/** The worst first: what of several verdicts stands for all of them. */
const WORST_FIRST: readonly Verdict[] = ['failed', 'aborted', 'undetermined', 'notPerformed', 'notSupported', 'passed'];

/** Of no verdicts, nothing was performed. */
export function worstVerdict(verdicts: Iterable<Verdict>): Verdict {
  const given = new Set(verdicts);
  return WORST_FIRST.find((verdict) => given.has(verdict)) ?? 'notPerformed';
}
