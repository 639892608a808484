/**
 * A version that became ready and then failed again and again soon after it was installed. The package goes back by itself only from a version that was never ready, so
 * this says how: by the same way, which puts the databases of the former version in place again.
 */
import { join } from 'node:path';
import { VERSION } from '../../version.ts';
import { SERVICE } from '../../service/service-unit.ts';
import { defineCheck, type TypedReport } from '../check.ts';
import type { Look } from '../look.ts';

/** What stands before the package's own command: while the service starts anew, it would take the mark away. */
const MARK = 'sudo systemctl stop kortd.service kortd.socket && echo {former} | sudo tee {folder}/unproven >/dev/null && sudo ';

const FAULTS = {
  upgrade_fails: {
    severity: 'error',
    en: 'The version that was installed fails again and again. This goes back to the former one, with the databases that it had; what was recorded since stays in the folder former.',
    sv: 'Versionen som installerades kraschar gång på gång. Detta går tillbaka till den tidigare, med de databaser den hade; det som har registrerats sedan dess finns kvar i mappen former.',
    command: `${MARK}dpkg --install kortd_{former}_$(dpkg --print-architecture).deb`,
  },
  upgrade_fails_rpm: {
    severity: 'error',
    en: 'The version that was installed fails again and again. This goes back to the former one, with the databases that it had; what was recorded since stays in the folder former.',
    sv: 'Versionen som installerades kraschar gång på gång. Detta går tillbaka till den tidigare, med de databaser den hade; det som har registrerats sedan dess finns kvar i mappen former.',
    command: `${MARK}rpm --upgrade --oldpackage kortd-{former}-1.$(uname -m).rpm`,
  },
} as const;

/** After an upgrade: what fails later has other causes. */
const SOON_MS = 10 * 60_000;
/** Once is an accident. */
const REPEATEDLY = 3;
/** SD_MESSAGE_UNIT_RESTART_SCHEDULED of sd-messages.h (systemd): each time that a service is to be started anew. */
const RESTART_SCHEDULED = '5eb03494b6584870a536b337290809b3';
/** Of the file names of packages. */
const VERSION_NAME = /^\d[A-Za-z0-9.+~-]{0,63}$/;
const MAX_FORMER = 64;
const PROPERTIES = [
  'ActiveState',
  'Result',
  'NRestarts',
  'InactiveExitTimestampMonotonic',
  'StateChangeTimestampMonotonic',
] as const;

interface Former {
  readonly version: string;
  /** When its databases were copied: at the upgrade. */
  readonly upgradedMs: number;
}

export const upgradeCheck = defineCheck({
  id: 'upgrade',
  title: { en: 'The version that was installed last', sv: 'Den senast installerade versionen' },
  faults: FAULTS,
  async look(look, report) {
    if (!look.isService) return;
    const shown = await look.run('systemctl', ['show', SERVICE, `--property=${PROPERTIES.join(',')}`]);
    if (shown.state !== 'seen' || shown.value.status !== 0) return;
    const failures = failuresIn(shown.value.stdout, look.now());
    if (!failures) return;
    const former = await latestFormer(look, report);
    if (!former || !(await failedSoonAfter(former, failures, { look, report }))) return;
    const { state, count, lastMs } = failures;
    const isDebian = await look.isInstalled('dpkg');
    report.found(
      isDebian ? 'upgrade_fails' : 'upgrade_fails_rpm',
      [
        {
          en: `${SERVICE} is ${state} and was started anew ${count} times`,
          sv: `${SERVICE} är ${state} och har startats om ${count} gånger`,
        },
        {
          en: `${former.version} was replaced at ${iso(former.upgradedMs)}; it failed last at ${iso(lastMs)}`,
          sv: `${former.version} ersattes ${iso(former.upgradedMs)}; den slutade fungera senast ${iso(lastMs)}`,
        },
      ],
      { former: former.version, folder: join(look.dataFolder, 'former') },
    );
  },
});

interface Surroundings {
  readonly look: Look;
  readonly report: TypedReport<keyof typeof FAULTS>;
}

interface Failures {
  /** As systemd calls it. */
  readonly state: string;
  readonly count: number;
  readonly lastMs: number;
}

/** Undefined while the service does well, or failed once or twice. */
function failuresIn(text: string, now: Date): Failures | undefined {
  const values = new Map(text.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
  const [active = '', result = ''] = [values.get('ActiveState'), values.get('Result')];
  const restarts = Number(values.get('NRestarts') ?? 0);
  const isGivenUp = active === 'failed' && (result === 'start-limit-hit' || restarts >= REPEATEDLY);
  if (!isGivenUp && restarts < REPEATEDLY) return undefined;
  const changed = values.get(isGivenUp ? 'StateChangeTimestampMonotonic' : 'InactiveExitTimestampMonotonic');
  if (changed === undefined || !/^[1-9]\d*$/.test(changed)) return undefined;
  // Microseconds of CLOCK_MONOTONIC, which is Node's clock too.
  const agoMs = Number(process.hrtime.bigint() / 1_000n - BigInt(changed)) / 1_000;
  const state = isGivenUp ? `${active} (${result})` : active;
  return { state, count: restarts, lastMs: now.getTime() - Math.max(0, agoMs) };
}

/** What has failed only lately has another cause, however often it was started since: to go back would take what was recorded in between. */
async function failedSoonAfter(
  { upgradedMs }: Former,
  { count, lastMs }: Failures,
  { look, report }: Surroundings,
): Promise<boolean> {
  const sinceMs = lastMs - upgradedMs;
  if (sinceMs < 0 || sinceMs <= SOON_MS) return sinceMs >= 0;
  // Had it failed as fast from the first minute on, it would have failed repeatedly by then.
  if ((sinceMs / count) * REPEATEDLY > SOON_MS) return false;
  const [since, until] = [upgradedMs, upgradedMs + SOON_MS].map((timeMs) => `@${Math.floor(timeMs / 1_000)}`);
  const journal = await look.run('journalctl', [
    ...['--unit', SERVICE, '--since', since ?? '', '--until', until ?? '', '--output', 'cat', '--lines', String(REPEATEDLY)],
    ...['--quiet', `MESSAGE_ID=${RESTART_SCHEDULED}`],
  ]);
  if (journal.state === 'seen' && journal.value.status === 0) return linesOf(journal.value.stdout).length >= REPEATEDLY;
  report.unseen(
    { en: 'since when the service fails', sv: 'sedan när tjänsten misslyckas' },
    { en: 'the journal cannot be read: run this as root (sudo)', sv: 'journalen kan inte läsas: kör detta som root (sudo)' },
  );
  return false;
}

function linesOf(text: string): readonly string[] {
  return text.split('\n').filter((line) => line.trim() !== '');
}

async function latestFormer(look: Look, report: TypedReport<keyof typeof FAULTS>): Promise<Former | undefined> {
  const folder = join(look.dataFolder, 'former');
  const names = await look.list(folder);
  if (names.state === 'forbidden' || names.state === 'failed')
    report.unseen({ en: 'which version was installed before', sv: 'vilken version som var installerad tidigare' }, names.why);
  if (names.state !== 'seen') return undefined;
  const found: Former[] = [];
  for (const version of names.value.filter((name) => VERSION_NAME.test(name) && name !== VERSION).slice(0, MAX_FORMER)) {
    const status = await look.status(join(folder, version));
    if (status.state === 'seen' && status.value.kind === 'folder') found.push({ version, upgradedMs: status.value.modifiedMs });
  }
  return found.sort((one, other) => other.upgradedMs - one.upgradedMs)[0];
}

function iso(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
