/**
 * What a scan alone comes to, group by group (after BSI TR-03135-1: what was not done can never pass). It is no judgement of the document: dates, lists, what was
 * typed and what the operator saw are the daemon's.
 */
import type { ScanCheck, ScanReport } from '../../api-spec/scan/report.ts';
import type { GroupVerdicts, ScannedMrz } from '../../api-spec/scan/scan.ts';
import type { Verdict } from '../../api-spec/scan/verdict.ts';

export interface Findings {
  readonly chip?: ScanReport['chip'] | undefined;
  readonly comparisons?: ScanReport['comparisons'] | undefined;
  readonly document?: ScanReport['document'] | undefined;
  readonly outcome: NonNullable<ScanReport['outcome']>;
  readonly mrz?: ScannedMrz | undefined;
  readonly checks: readonly ScanCheck[];
}

const MAX_REASONS = 64;

export function summarise(findings: Findings): GroupVerdicts {
  const reasons: string[] = [];
  const group = (name: ScanCheck['group'], others: readonly Named[]): Verdict => groupVerdict(name, others, findings, reasons);
  const mrz = group('mrz', findings.mrz ? [{ name: 'mrz.checkDigits', verdict: findings.mrz.verdict }] : []);
  const optical = group('optical', []);
  const electronic = group('electronic', chipVerdicts(findings.chip));
  const combined = group('combined', comparisonVerdicts(findings.comparisons ?? []));
  const service = group('service', []);
  const said = [mrz, optical, electronic, combined, service];
  const overall = overallOf(said, [optical, electronic, service], findings, reasons);
  return { overall, mrz, optical, electronic, combined, reasons: reasons.slice(0, MAX_REASONS) };
}

interface Named {
  readonly name: string;
  readonly verdict: Verdict;
}

function overallOf(
  said: readonly Verdict[],
  genuine: readonly Verdict[],
  { outcome, document = {} }: Findings,
  reasons: string[],
): Verdict {
  if (document.expired === true) reasons.push('document.expired');
  if (said.includes('failed') || document.expired === true) return 'failed';
  if (outcome === 'aborted') return 'aborted';
  if (outcome === 'partial') reasons.push('scan.partial');
  // Check digits prove that a zone was read rightly: whoever can print can count them.
  const isProven = genuine.includes('passed');
  if (!isProven) reasons.push('scan.nothingProvesGenuine');
  const isOpen = said.some((verdict) => verdict === 'undetermined' || verdict === 'aborted');
  const lacksChip = document.chipExpected === true && genuine[1] !== 'passed';
  if (lacksChip) reasons.push('chip.expected');
  return outcome === 'complete' && isProven && !isOpen && !lacksChip ? 'passed' : 'undetermined';
}

/** `failed` of a check that is not critical leaves its group open, and so does a critical one that was not done. */
function groupVerdict(name: ScanCheck['group'], others: readonly Named[], { checks }: Findings, reasons: string[]): Verdict {
  const own = checks
    .filter(({ group }) => group === name)
    .map(({ id, verdict, critical }): Named => {
      const isOpen = critical === false ? verdict === 'failed' : critical === true && verdict === 'notPerformed';
      return { name: id, verdict: isOpen ? 'undetermined' : verdict };
    });
  const all = [...others, ...own];
  for (const { name: reason, verdict } of all) if (isBad(verdict)) reasons.push(`${reason}: ${verdict}`.slice(0, 160));
  return worst(all.map(({ verdict }) => verdict));
}

function isBad(verdict: Verdict): boolean {
  return verdict === 'failed' || verdict === 'undetermined' || verdict === 'aborted';
}

/** Of several; `notPerformed` and `notSupported` beside others say nothing. */
export function worst(verdicts: readonly Verdict[]): Verdict {
  const order: readonly Verdict[] = ['failed', 'aborted', 'undetermined', 'passed', 'notPerformed', 'notSupported'];
  return order.find((verdict) => verdicts.includes(verdict)) ?? 'notPerformed';
}

function chipVerdicts(chip: ScanReport['chip']): readonly Named[] {
  if (!chip) return [];
  const passive = Object.entries(chip.passive ?? {}).filter(([name]) => name !== 'signer') as [string, Verdict][];
  const groups = (chip.dataGroups ?? []).map(({ dg, hash }) => ({ name: `chip.dg${dg}`, verdict: hash ?? 'notPerformed' }));
  return [
    ...passive.map(([name, verdict]) => ({ name: name === 'verdict' ? 'chip.passive' : `chip.passive.${name}`, verdict })),
    ...groups,
    ...(['active', 'chipAuthentication', 'terminalAuthentication', 'verdict'] as const).map((name) => ({
      name: `chip.${name}`,
      verdict: chip[name] ?? 'notPerformed',
    })),
  ];
}

function comparisonVerdicts(comparisons: NonNullable<ScanReport['comparisons']>): readonly Named[] {
  return comparisons.map(({ a, b, verdict }) => ({ name: `combined.${a}-${b}`, verdict }));
}
