/** The daemon itself: that it runs, answers, is of this version, and how it is doing. */
import { VERSION } from '../../version.ts';
import { defineCheck, type Texts, type TypedReport } from '../check.ts';
import type { DaemonView, Look } from '../look.ts';
import { SERVICE } from '../../service/service-unit.ts';

const FAULTS = {
  daemon_died: {
    severity: 'error',
    en: 'kortd ended without tidying up: it crashed, was killed, or the computer went down.',
    sv: 'kortd avslutades utan att städa efter sig: programmet kraschade, dödades, eller så stannade datorn.',
    command: 'sudo systemctl restart kortd.service; journalctl -u kortd.service -n 50',
  },
  daemon_fails: {
    severity: 'error',
    en: 'kortd fails soon after each start and is started again and again, so no web app reaches a card.',
    sv: 'kortd slutar fungera strax efter varje start och startas om gång på gång, så ingen webbapp når något kort.',
    command: 'journalctl -u kortd.service -n 50',
  },
  daemon_large: {
    severity: 'warning',
    en: 'kortd uses far more memory than it needs.',
    sv: 'kortd använder långt mer minne än det behöver.',
    command: 'kortd support-bundle && sudo systemctl restart kortd.service',
  },
  daemon_mute: {
    severity: 'error',
    en: 'kortd runs and does not answer.',
    sv: 'kortd är igång men svarar inte.',
    command: 'sudo systemctl restart kortd.service',
  },
  daemon_not_running: {
    severity: 'error',
    en: 'kortd does not run, so no web app reaches a card.',
    sv: 'kortd är inte igång, så ingen webbapp når något kort.',
    command: 'sudo systemctl enable --now kortd.service',
  },
  daemon_other_version: {
    severity: 'warning',
    en: 'The kortd that runs is of another version than the program that is installed: it was not started anew after an update.',
    sv: 'Den kortd som är igång har en annan version än det installerade programmet: den startades inte om efter en uppdatering.',
    command: 'sudo systemctl restart kortd.service',
  },
  daemon_slow: {
    severity: 'warning',
    en: 'kortd answers slowly: this computer is overloaded, or something holds kortd up.',
    sv: 'kortd svarar långsamt: datorn är överbelastad, eller så fördröjer något kortd.',
    command: 'kortd support-bundle && sudo systemctl restart kortd.service',
  },
} as const;

type Fault = keyof typeof FAULTS;
type Running = Extract<DaemonView, { readonly state: 'running' }>;

const NOT_OWNER = {
  en: 'the folder is another user’s: run this as that user, or as root (sudo)',
  sv: 'mappen är en annan användares: kör detta som den användaren eller som root (sudo)',
};
const NO_MEMBER = {
  en: 'it answers root and members of its group: run this with sudo, or sudo adduser "$USER" kortd and log in anew',
  sv: 'den svarar root och medlemmar i sin grupp: kör detta med sudo, eller sudo adduser "$USER" kortd och logga in på nytt',
};

/** Idle it needs 110 MB, and with a full desk under work less than 300. */
const LARGE_BYTES = 600 * 1_048_576;
/** The best of some: one call alone may have met a busy moment. */
const SLOW_MS = 750;
const TRIES = 4;
/** Once or twice is an accident. */
const REPEATEDLY = 3;

export const daemonCheck = defineCheck({
  id: 'daemon',
  title: { en: 'The daemon itself', sv: 'Tjänsten själv' },
  faults: FAULTS,
  async look(look, report) {
    const daemon = await look.daemon();
    if (daemon.state !== 'running' && (await reportFailing(look, report))) return;
    switch (daemon.state) {
      case 'none':
        report.found('daemon_not_running', noneUses(look));
        return;
      case 'forbidden':
        await reportForbidden(look, report);
        return;
      case 'died':
        report.found('daemon_died', {
          en: `${look.dataFolder} names process ${daemon.pid}, which is gone`,
          sv: `${look.dataFolder} anger process ${daemon.pid}, som inte finns längre`,
        });
        return;
      case 'mute':
        report.found('daemon_mute', daemon.pid === 0 ? daemon.why : `process ${daemon.pid}: ${daemon.why}`);
        return;
      case 'running':
        await reportRunning(look, daemon, report);
    }
  },
});

function noneUses({ dataFolder }: Look): Texts {
  return { en: `no daemon uses ${dataFolder}`, sv: `ingen tjänst använder ${dataFolder}` };
}

/** systemd starts it without end: between two starts, and during one, neither "failed" nor "inactive" is true. */
async function reportFailing(look: Look, report: TypedReport<Fault>): Promise<boolean> {
  if (!look.isService) return false;
  const shown = await look.run('systemctl', ['show', SERVICE, '--property=ActiveState,SubState,NRestarts']);
  if (shown.state !== 'seen' || shown.value.status !== 0) return false;
  const valueOf = (name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(shown.value.stdout)?.[1] ?? '';
  const [state, restarts] = [`${valueOf('ActiveState')} (${valueOf('SubState')})`, Number(valueOf('NRestarts'))];
  if (!state.startsWith('activating') || restarts < REPEATEDLY) return false;
  report.found('daemon_fails', {
    en: `${SERVICE} is ${state} and was started anew ${restarts} times`,
    sv: `${SERVICE} är ${state} och har startats om ${restarts} gånger`,
  });
  return true;
}

/** Whether a service runs, systemd tells everybody. */
async function reportForbidden(look: Look, report: TypedReport<Fault>): Promise<void> {
  const active = look.isService ? await look.run('systemctl', ['is-active', SERVICE]) : undefined;
  if (active?.state === 'seen' && /^(inactive|failed)/.test(active.value.stdout)) {
    report.found('daemon_not_running', `systemctl is-active ${SERVICE}: ${active.value.stdout.trim()}`);
    return;
  }
  report.unseen(
    { en: `the daemon of ${look.dataFolder}`, sv: `tjänsten i ${look.dataFolder}` },
    look.isService ? NO_MEMBER : NOT_OWNER,
  );
}

async function reportRunning(look: Look, daemon: Running, report: TypedReport<Fault>): Promise<void> {
  if (daemon.info.version !== VERSION)
    report.found('daemon_other_version', {
      en: `it is ${daemon.info.version}, this program ${VERSION}`,
      sv: `den är ${daemon.info.version}, det här programmet ${VERSION}`,
    });
  const { bestMs, residentBytes } = await measure(daemon, look.signal);
  if (bestMs > SLOW_MS)
    report.found('daemon_slow', {
      en: `the fastest of ${TRIES} answers took ${Math.round(bestMs)} ms`,
      sv: `det snabbaste av ${TRIES} svar tog ${Math.round(bestMs)} ms`,
    });
  if (residentBytes > LARGE_BYTES) report.found('daemon_large', `${Math.round(residentBytes / 1_048_576)} MB`);
}

async function measure(
  daemon: Running,
  signal: AbortSignal,
): Promise<{ readonly bestMs: number; readonly residentBytes: number }> {
  let bestMs = Infinity;
  let residentBytes = 0;
  for (let attempt = 0; attempt < TRIES && !signal.aborted; attempt++) {
    const started = performance.now();
    ({ residentBytes } = await daemon.ask.health());
    bestMs = Math.min(bestMs, performance.now() - started);
    if (bestMs <= SLOW_MS) break;
  }
  return { bestMs, residentBytes };
}
