/** A report as a person reads it, in English or Swedish. */
import type { DoctorReport } from './report.ts';

export type Language = 'en' | 'sv';

const WORDS = {
  en: {
    severity: { error: 'ERROR', warning: 'WARNING', info: 'info' },
    seen: 'seen',
    mend: 'to mend it',
    unseen: 'Not looked at:',
    healthy: (checks: number) => `Nothing is wrong: ${checks} checks.`,
    count: (errors: number, warnings: number) => `${errors} errors, ${warnings} warnings.`,
  },
  sv: {
    severity: { error: 'FEL', warning: 'VARNING', info: 'info' },
    seen: 'sågs',
    mend: 'åtgärd',
    unseen: 'Kunde inte undersökas:',
    healthy: (checks: number) => `Inget är fel: ${checks} kontroller.`,
    count: (errors: number, warnings: number) => `${errors} fel, ${warnings} varningar.`,
  },
} as const;

/** As the system's locale has it (locale(7)). */
export function languageOf({ LC_ALL, LC_MESSAGES, LANG }: Readonly<Record<string, string | undefined>>): Language {
  return /^sv/i.test(LC_ALL || LC_MESSAGES || LANG || '') ? 'sv' : 'en';
}

export function describeReport(report: DoctorReport, language: Language): string {
  const words = WORDS[language];
  const findings = report.findings.flatMap((finding) => [
    `${words.severity[finding.severity]}  ${finding.explanation[language]}  [${finding.id}]`,
    ...finding.evidence.map((line) => `    ${words.seen}: ${line}`),
    `    ${words.mend}: ${finding.command}`,
    '',
  ]);
  const unseen = report.unseen.map(({ check, what, why }) => `    ${check}: ${what} (${why})`);
  return [...findings, ...(unseen.length === 0 ? [] : [words.unseen, ...unseen, '']), summaryOf(report, language)].join('\n');
}

function summaryOf({ status, findings, checks }: DoctorReport, language: Language): string {
  const count = (severity: string): number => findings.filter((finding) => finding.severity === severity).length;
  const words = WORDS[language];
  return status === 'healthy' ? words.healthy(checks.length) : words.count(count('error'), count('warning'));
}
