/** The PC/SC service: that it is installed, runs, lets this user in and answers. */
import { defineCheck, type TypedReport } from '../check.ts';
import type { Look } from '../look.ts';
import type { PcscService } from '../pcsc-service.ts';
import { isDeskSimulated } from '../simulated-desk.ts';

type Fault = keyof typeof FAULTS;

const FAULTS = {
  pcsc_hangs: {
    severity: 'error',
    en: 'The PC/SC service takes connections and answers nothing, so no program reaches a card.',
    sv: 'PC/SC-tjänsten tar emot anslutningar men svarar inte, så inget program når något kort.',
    command: 'sudo systemctl restart pcscd.service',
  },
  pcsc_not_installed: {
    severity: 'error',
    en: 'The PC/SC service is not installed, and without it no card reader is found.',
    sv: 'PC/SC-tjänsten är inte installerad, och utan den hittas inga kortläsare.',
    command: 'sudo apt-get install pcscd',
  },
  pcsc_not_running: {
    severity: 'error',
    en: 'The PC/SC service does not run, and nothing starts it when a program connects.',
    sv: 'PC/SC-tjänsten är inte igång, och inget startar den när ett program ansluter.',
    command: 'sudo systemctl enable --now pcscd.socket',
  },
  pcsc_protocol_unknown: {
    severity: 'info',
    en: 'The PC/SC service speaks a version of its protocol that this kortd does not know; kortd uses the library instead.',
    sv: 'PC/SC-tjänsten talar en version av sitt protokoll som denna kortd inte känner; kortd använder biblioteket i stället.',
    command: 'sudo apt-get install --only-upgrade kortd',
  },
  pcsc_socket_forbidden: {
    severity: 'error',
    en: 'The socket of the PC/SC service does not let this user connect; it is meant to be open to everybody, and polkit decides who is let in.',
    sv: 'PC/SC-tjänstens socket släpper inte in den här användaren; den ska vara öppen för alla, och polkit avgör vem som släpps in.',
    command: 'sudo chmod 0666 {socket} && sudo systemctl restart pcscd.socket',
  },
  pcsc_version_refuses_services: {
    severity: 'error',
    en: 'This version of the PC/SC service refuses system services whatever polkit says (fixed in 2.3.3).',
    sv: 'Den här versionen av PC/SC-tjänsten avvisar systemtjänster vad polkit än säger (rättat i 2.3.3).',
    command: 'sudo apt-get install --only-upgrade pcscd',
  },
} as const;

export const pcscCheck = defineCheck({
  id: 'pcsc',
  title: { en: 'The PC/SC service', sv: 'PC/SC-tjänsten' },
  faults: FAULTS,
  async look(look, report) {
    if (look.platform !== 'linux') {
      report.unseen(
        { en: 'the PC/SC service of this system', sv: 'systemets PC/SC-tjänst' },
        {
          en: 'looked at on Linux alone; the daemon tells what it sees of it',
          sv: 'undersöks bara på Linux; tjänsten berättar vad den ser av den',
        },
      );
      return;
    }
    if (await isDeskSimulated(look)) return;
    const service = await look.pcsc();
    await reportService(service, look, report);
    const version = await versionOf(look);
    if (version === '2.3.2') report.found('pcsc_version_refuses_services', `pcscd ${version}`);
  },
});

async function reportService(service: PcscService, look: Look, report: TypedReport<Fault>): Promise<void> {
  switch (service.state) {
    case 'answers':
    case 'denied': // the check of polkit tells
      return;
    case 'absent':
    case 'refused':
      report.found((await look.isInstalled('pcscd')) ? 'pcsc_not_running' : 'pcsc_not_installed', service.why);
      return;
    case 'forbidden':
      report.found('pcsc_socket_forbidden', service.why, { socket: service.socket });
      return;
    case 'hangs':
      report.found('pcsc_hangs', [service.socket, service.why]);
      return;
    case 'unknown':
      report.found('pcsc_protocol_unknown', service.why);
  }
}

/** "pcsc-lite version 2.3.2." */
async function versionOf(look: Look): Promise<string | undefined> {
  const ran = await look.run('pcscd', ['--version']);
  return ran.state === 'seen' ? /version (\d+(?:\.\d+)+)/.exec(ran.value.stdout)?.[1] : undefined;
}
