/** What went wrong lately: sources of readers that are away, defects in the audit log, errors in the journal. */
import { defineCheck, type TypedReport } from '../check.ts';
import type { DaemonView, Look } from '../look.ts';

const FAULTS = {
  errors_in_journal: {
    severity: 'info',
    en: 'The journal has errors of kortd from the last day.',
    sv: 'Journalen har fel från kortd det senaste dygnet.',
    command: 'journalctl -u kortd.service -p err --since -1day',
  },
  health_problem: {
    severity: 'warning',
    en: 'kortd itself tells of something that is wrong.',
    sv: 'kortd berättar själv om något som är fel.',
    command: 'kortd status',
  },
  internal_errors: {
    severity: 'warning',
    en: 'Calls failed lately by defects of kortd itself.',
    sv: 'Anrop har nyligen misslyckats på grund av fel i kortd självt.',
    command: 'kortd support-bundle',
  },
  reload_refused: {
    severity: 'warning',
    en: 'A reload was refused because of a file, and kortd goes by what it read before.',
    sv: 'En omläsning avvisades på grund av en fil, och kortd går efter det som lästes förut.',
    command: 'kortd config check && kortd reload',
  },
  restart_needed: {
    severity: 'info',
    en: 'The configuration was changed in a way that counts from the next start.',
    sv: 'Konfigurationen har ändrats på ett sätt som gäller från nästa start.',
    command: 'sudo systemctl restart kortd.service',
  },
  source_flapping: {
    severity: 'warning',
    en: 'The service behind the readers went away and came back many times.',
    sv: 'Tjänsten bakom läsarna har försvunnit och kommit tillbaka många gånger.',
    command: 'journalctl -u pcscd.service -n 50',
  },
  source_unavailable: {
    severity: 'error',
    en: 'kortd does not reach the service behind its readers.',
    sv: 'kortd når inte tjänsten bakom sina läsare.',
    command: 'sudo systemctl restart pcscd.service',
  },
} as const;

type Fault = keyof typeof FAULTS;
type Running = Extract<DaemonView, { readonly state: 'running' }>;

/** What evidence shows of the journal. */
const LAST_LINES = 3;
const MAX_LINE = 160;
const RECENT_MS = 86_400_000;
const MAX_RECORDS = 500;
const MANY_RECOVERIES = 20;

export const lastErrorsCheck = defineCheck({
  id: 'last-errors',
  title: { en: 'What went wrong lately', sv: 'Vad som nyligen har gått fel' },
  faults: FAULTS,
  async look(look, report) {
    const daemon = await look.daemon();
    if (daemon.state === 'running') {
      await reportSources(look, daemon, report);
      await reportDefects(look, daemon, report);
      await reportProblems(look, daemon, report);
    }
    const journal = await look.run('journalctl', [
      '-u',
      'kortd.service',
      '-p',
      'err',
      '--since',
      '-1day',
      '-o',
      'cat',
      '-n',
      '200',
      '-q',
    ]);
    const lines = journal.state === 'seen' ? journal.value.stdout.split('\n').filter(Boolean) : [];
    if (lines.length > 0)
      report.found('errors_in_journal', [
        { en: `${lines.length} lines, the last ones:`, sv: `${lines.length} rader, de sista:` },
        ...lines.slice(-LAST_LINES).map(messageOf),
      ]);
  },
});

/** That PC/SC is away is told by its own check, with the reason. */
async function reportSources(look: Look, daemon: Running, report: TypedReport<Fault>): Promise<void> {
  const { sources } = await daemon.ask.health();
  const answers = daemon.info.simulated || look.platform !== 'linux' || (await look.pcsc()).state === 'answers';
  for (const { id, available, recoveries, problem = 'no reason was given' } of sources) {
    if (!available && (id !== 'pcsc' || answers)) report.found('source_unavailable', `${id}: ${problem}`);
    if (recoveries >= MANY_RECOVERIES)
      report.found('source_flapping', {
        en: `${id}: ${recoveries} times since kortd was started`,
        sv: `${id}: ${recoveries} gånger sedan kortd startades`,
      });
  }
}

/** Those that it tells of itself. What of them stands in a file that this user can read is told by that file's check. */
async function reportProblems(look: Look, daemon: Running, report: TypedReport<Fault>): Promise<void> {
  const { problems } = await daemon.ask.health();
  const [data, policy] = await Promise.all([look.list(look.dataFolder), look.list(look.policyFolder)]);
  for (const { code, en, sv } of problems) {
    const isTold =
      (code === 'policy_refused' && policy.state === 'seen') ||
      (/^(database_(discarded|replaced)|scanners_refused)$/.test(code) && data.state === 'seen');
    if (code === 'reload_refused' || code === 'restart_needed') report.found(code, { en, sv });
    else if (!isTold) report.found('health_problem', { en, sv });
  }
}

async function reportDefects(look: Look, daemon: Running, report: TypedReport<Fault>): Promise<void> {
  const { last } = await daemon.ask.records({ limit: 1 });
  const since = Math.max(0, last - MAX_RECORDS);
  const { records } = await daemon.ask.records({ since, limit: MAX_RECORDS, outcome: 'internal_error' });
  const recent = records.filter(({ time }) => Date.parse(time) > look.now().getTime() - RECENT_MS);
  const methods = [...new Set(recent.map(({ method }) => method))].sort();
  if (recent.length > 0)
    report.found('internal_errors', {
      en: `${recent.length} in the last day: ${methods.join(', ')}`,
      sv: `${recent.length} det senaste dygnet: ${methods.join(', ')}`,
    });
}

/** kortd logs JSON: a person reads its message. The rest may say who sat here. */
function messageOf(line: string): string {
  try {
    const record: unknown = JSON.parse(line);
    if (typeof record === 'object' && record !== null && 'msg' in record && typeof record.msg === 'string')
      return record.msg.slice(0, MAX_LINE);
  } catch {
    // systemd's own words
  }
  return line.slice(0, MAX_LINE);
}
