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
  internal_errors: {
    severity: 'warning',
    en: 'Calls failed lately by defects of kortd itself.',
    sv: 'Anrop har nyligen misslyckats på grund av fel i kortd självt.',
    command: 'kortd support-bundle',
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
    if (lines.length > 0) report.found('errors_in_journal', `${lines.length} lines`);
  },
});

/** That PC/SC is away is told by its own check, with the reason. */
async function reportSources(look: Look, daemon: Running, report: TypedReport<Fault>): Promise<void> {
  const { sources } = await daemon.ask.health();
  const answers = daemon.info.simulated || look.platform !== 'linux' || (await look.pcsc()).state === 'answers';
  for (const { id, available, recoveries, problem = 'no reason was given' } of sources) {
    if (!available && (id !== 'pcsc' || answers)) report.found('source_unavailable', `${id}: ${problem}`);
    if (recoveries >= MANY_RECOVERIES) report.found('source_flapping', `${id}: ${recoveries} times since kortd was started`);
  }
}

async function reportDefects(look: Look, daemon: Running, report: TypedReport<Fault>): Promise<void> {
  const { last } = await daemon.ask.records({ limit: 1 });
  const since = Math.max(0, last - MAX_RECORDS);
  const { records } = await daemon.ask.records({ since, limit: MAX_RECORDS, outcome: 'internal_error' });
  const recent = records.filter(({ time }) => Date.parse(time) > look.now().getTime() - RECENT_MS);
  const methods = [...new Set(recent.map(({ method }) => method))].sort();
  if (recent.length > 0) report.found('internal_errors', `${recent.length} in the last day: ${methods.join(', ')}`);
}
