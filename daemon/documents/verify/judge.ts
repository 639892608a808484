/**
 * What all checks come to, by a set of rules (BSI TR-03135-1: the worst of what is mandatory). A check that failed fails the whole, mandatory or not, unless the rules
 * call it informative; no word of an operator changes that. What was not looked at is missed, and never passes.
 */
import type { ManualEntry, VerdictCheck } from '../../../api-spec/document.ts';
import { worstVerdict, type Verdict } from '../check.ts';
import { manualCheck, serviceCheck } from './reasons.ts';
import { covers } from './requirements.ts';
import type { ManualCheck, RuleSet } from './rule-set.ts';

export interface Requirement {
  readonly anyOf: string[];
  readonly verdict: Verdict;
  readonly settledBy?: ManualCheck[];
}

export interface Judgement {
  readonly overall: Verdict;
  /** Without what an operator looked at. */
  readonly machine: Verdict;
  readonly reasons: readonly string[];
  readonly requirements: readonly Requirement[];
  /** All of them: those of the machine, the operator's, and one for each thing that the rules ask for and nobody looked at. */
  readonly checks: readonly VerdictCheck[];
}

export interface Findings {
  readonly checks: readonly VerdictCheck[];
  readonly manual: readonly ManualEntry[];
  /** The document was scanned: nothing but a complete scan passes. */
  readonly isScanned: boolean;
  /** It has a chip, as far as anybody knows. */
  readonly isChipExpected: boolean;
}

export function judge(findings: Findings, rules: RuleSet): Judgement {
  const byHand = manualChecks(findings.manual);
  const wanted = wantedOf(findings, rules);
  const missed = missedOf([...findings.checks, ...byHand], wanted);
  const checks = [...findings.checks, ...byHand, ...missed];
  const judged = wanted.map((anyOf) => requirementOf(anyOf, checks, findings.manual, rules));
  const failed = checks.filter(({ id, verdict }) => verdict === 'failed' && !isInformative(id, rules));
  const overall = failed.length > 0 ? 'failed' : worstVerdict(judged.map(({ verdict }) => verdict));
  return {
    overall,
    machine: machineVerdict(findings, rules),
    reasons: reasonsOf(checks, judged, failed),
    requirements: judged,
    checks,
  };
}

function machineVerdict({ checks, ...rest }: Findings, rules: RuleSet): Verdict {
  const wanted = wantedOf({ checks, ...rest }, rules).map((anyOf) => anyOf.filter((name) => !name.startsWith('manual.')));
  if (checks.some(({ id, verdict }) => verdict === 'failed' && !isInformative(id, rules))) return 'failed';
  const ofMachine = wanted.filter((anyOf) => anyOf.length > 0);
  return worstVerdict(ofMachine.map((anyOf) => requirementOf(anyOf, checks, [], rules).verdict));
}

function wantedOf({ isScanned, isChipExpected }: Findings, rules: RuleSet): readonly string[][] {
  const needsChip = rules.requiresChip === 'always' || (rules.requiresChip === 'expected' && isChipExpected);
  const alone = [...rules.mandatory, ...(isScanned ? ['service.scan'] : []), ...(needsChip ? rules.chip : [])];
  return [...[...new Set(alone)].map((name) => [name]), ...rules.oneOf.map((names) => [...names])];
}

/** Of a data group that nobody asked for: it is missed only where the rules name it. */
const NOT_ASKED = 'file_not_read';

/** The last word on each, but for one that failed: that stands. */
function manualChecks(entries: readonly ManualEntry[]): readonly VerdictCheck[] {
  const last = new Map<ManualCheck, ManualEntry['verdict']>();
  for (const { check, verdict } of entries) if (last.get(check) !== 'failed') last.set(check, verdict);
  return [...last].map(([check, verdict]) => ({ ...manualCheck(check, `operator_${verdict}`), by: 'operator' }));
}

function missedOf(checks: readonly VerdictCheck[], wanted: readonly (readonly string[])[]): readonly VerdictCheck[] {
  const names = [...new Set(wanted.flat())].filter((name) => !checks.some(({ id }) => covers(name, id)));
  return names.map((name) => {
    if (name.startsWith('manual.')) return manualCheck(name, 'operator_silent');
    const group =
      (['mrz', 'optical', 'electronic', 'combined', 'quality'] as const).find((word) => covers(word, name)) ?? 'service';
    return { ...serviceCheck(name, 'not_looked_at'), group };
  });
}

function requirementOf(
  anyOf: readonly string[],
  checks: readonly VerdictCheck[],
  manual: readonly ManualEntry[],
  rules: RuleSet,
): Requirement {
  const settled = new Set<ManualCheck>();
  const verdicts = anyOf.map((name) => verdictOf(name, checks, manual, rules, settled));
  const best = verdicts.find((verdict) => verdict === 'passed') ?? worstVerdict(verdicts);
  return { anyOf: [...anyOf], verdict: best, ...(settled.size > 0 ? { settledBy: [...settled].sort() } : {}) };
}

function verdictOf(
  name: string,
  checks: readonly VerdictCheck[],
  manual: readonly ManualEntry[],
  rules: RuleSet,
  settled: Set<ManualCheck>,
): Verdict {
  return worstVerdict(
    checks
      .filter(({ id, reason }) => id === name || (covers(name, id) && reason !== NOT_ASKED))
      .map(({ id, verdict }) => {
        const by = verdict === 'undetermined' ? settlersOf(id, manual, rules) : undefined;
        for (const check of by ?? []) settled.add(check);
        return by ? 'passed' : verdict;
      }),
  );
}

/** Only what is undetermined, only by what the rules name, and by as many as they want. A scan that is not complete cannot be made so by a word. */
function settlersOf(id: string, manual: readonly ManualEntry[], { settles }: RuleSet): readonly ManualCheck[] | undefined {
  if (id === 'service.scan') return undefined;
  const words = manualChecks(manual);
  const rule = settles.find(({ check, by, persons }) => {
    const hasPassed = by.every((name) => words.some((word) => word.id === name && word.verdict === 'passed'));
    const people = new Set(manual.filter((entry) => by.includes(entry.check) && entry.verdict === 'passed').map(personOf));
    return covers(check, id) && hasPassed && people.size >= persons;
  });
  return rule?.by;
}

/** Two programs are no two persons: a card tells them apart. */
function personOf({ by }: ManualEntry): string {
  return by.cardSerial ?? '';
}

function isInformative(id: string, { informative }: RuleSet): boolean {
  return informative.some((name) => covers(name, id));
}

const MAX_REASONS = 64;

function reasonsOf(
  checks: readonly VerdictCheck[],
  judged: readonly Requirement[],
  failed: readonly VerdictCheck[],
): readonly string[] {
  const open = judged.filter(({ verdict }) => verdict !== 'passed').flatMap(({ anyOf }) => anyOf);
  const named = checks.filter(({ id, verdict }) => verdict !== 'passed' && open.some((name) => covers(name, id)));
  return [...new Set([...failed, ...named].map(({ id }) => id))].slice(0, MAX_REASONS);
}
