/** A report as a person reads it, in English or Swedish. */
import type { DoctorReport } from './report.ts';

export type Language = 'en' | 'sv';

const WORDS = {
  en: {
    severity: { error: 'ERROR', warning: 'WARNING', info: 'info' },
    seen: 'seen',
    mend: 'to mend it',
    unseen: 'Not looked at:',
    subject: (folder: string) => `Looked at the kortd of ${folder}`,
    service: ', the installed service',
    healthy: (checks: number) => `Nothing is wrong: ${checks} checks.`,
    count: (errors: number, warnings: number) =>
      `${errors} ${errors === 1 ? 'error' : 'errors'}, ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}.`,
  },
  sv: {
    severity: { error: 'FEL', warning: 'VARNING', info: 'info' },
    seen: 'sågs',
    mend: 'åtgärd',
    unseen: 'Kunde inte undersökas:',
    subject: (folder: string) => `Undersökte kortd i ${folder}`,
    service: ', den installerade tjänsten',
    healthy: (checks: number) => `Inget är fel: ${checks} kontroller.`,
    count: (errors: number, warnings: number) => `${errors} fel, ${warnings} ${warnings === 1 ? 'varning' : 'varningar'}.`,
  },
} as const;

/** What was looked at. */
export interface Subject {
  readonly dataFolder: string;
  readonly isService: boolean;
}

export function describeReport(report: DoctorReport, language: Language, { dataFolder, isService }: Subject): string {
  const words = WORDS[language];
  const findings = report.findings.flatMap((finding) => [
    `${words.severity[finding.severity]}  ${finding.explanation[language]}  [${finding.id}]`,
    ...(language === 'sv' ? finding.evidenceSv : finding.evidence).map((line) => `    ${words.seen}: ${line}`),
    `    ${words.mend}: ${finding.command}`,
    '',
  ]);
  const titleOf = (id: string): string => report.checks.find((check) => check.id === id)?.title[language] ?? id;
  const unseen = report.unseen.map(
    ({ check, what, why, sv }) => `    ${titleOf(check)}: ${language === 'sv' ? sv : `${what} (${why})`}`,
  );
  const subject = `${words.subject(dataFolder)}${isService ? words.service : ''}.`;
  return [
    subject,
    '',
    ...findings,
    ...(unseen.length === 0 ? [] : [words.unseen, ...unseen, '']),
    summaryOf(report, language),
  ].join('\n');
}

function summaryOf({ status, findings, checks }: DoctorReport, language: Language): string {
  const count = (severity: string): number => findings.filter((finding) => finding.severity === severity).length;
  const words = WORDS[language];
  return status === 'healthy' ? words.healthy(checks.length) : words.count(count('error'), count('warning'));
}
