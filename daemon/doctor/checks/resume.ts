/** What sleep, crashes and power cuts leave behind: a service's number that is nobody's, readers that did not wake, sockets without a process. */
import { join } from 'node:path';
import { FRONT_FILES } from '../../data-folder.ts';
import { defineCheck, type TypedReport } from '../check.ts';
import type { Look } from '../look.ts';
import { isDeskSimulated } from '../simulated-desk.ts';
import { usbDevices } from '../usb-devices.ts';

const FAULTS = {
  front_left_behind: {
    severity: 'info',
    en: 'A process that held connections of PKCS #11 programs ended without tidying up; the next start of kortd does.',
    sv: 'En process som höll PKCS #11-programs anslutningar avslutades utan att städa; nästa start av kortd gör det.',
    command: 'rm {file}',
  },
  pcscd_left_behind: {
    severity: 'warning',
    en: 'The PC/SC service ended without tidying up, and its files say that it still runs: it may refuse to start.',
    sv: 'PC/SC-tjänsten avslutades utan att städa, och dess filer säger att den är igång: den kanske inte vill starta.',
    command: 'sudo rm -f {file} && sudo systemctl restart pcscd.socket pcscd.service',
  },
  reader_asleep: {
    severity: 'warning',
    en: 'A card reader did not wake when the computer did.',
    sv: 'En kortläsare vaknade inte när datorn gjorde det.',
    command: 'echo on | sudo tee /sys/bus/usb/devices/{port}/power/control && sudo systemctl restart pcscd.service',
  },
} as const;

type Fault = keyof typeof FAULTS;

const PID_FILE = '/run/pcscd/pcscd.pid';

export const resumeCheck = defineCheck({
  id: 'resume',
  title: { en: 'What sleep and crashes left behind', sv: 'Vad viloläge och krascher lämnat efter sig' },
  faults: FAULTS,
  async look(look, report) {
    if (look.platform !== 'linux') return;
    await reportFronts(look, report);
    if (await isDeskSimulated(look)) return;
    await reportPcscd(look, report);
    const asleep = (await usbDevices(look)).filter(({ isCardReader, power }) => isCardReader && power === 'error');
    for (const { name, port } of asleep)
      report.found(
        'reader_asleep',
        {
          en: `${name} at USB port ${port}: power/runtime_status is error`,
          sv: `${name} vid USB-port ${port}: power/runtime_status är error`,
        },
        { port },
      );
  },
});

async function reportPcscd(look: Look, report: TypedReport<Fault>): Promise<void> {
  const text = await look.readText(PID_FILE);
  const pid = text.state === 'seen' ? Number(text.value.trim()) : Number.NaN;
  if (!Number.isInteger(pid) || pid <= 0 || (await isThere(look, pid))) return;
  if ((await look.pcsc()).state === 'answers') return;
  report.found('pcscd_left_behind', `${PID_FILE} names process ${pid}, which is gone`, { file: PID_FILE });
}

async function reportFronts(look: Look, report: TypedReport<Fault>): Promise<void> {
  const names = await look.list(look.dataFolder);
  for (const name of names.state === 'seen' ? names.value.filter((each) => each.startsWith(FRONT_FILES)) : []) {
    const pid = Number(name.slice(FRONT_FILES.length));
    const file = join(look.dataFolder, name);
    if (Number.isInteger(pid) && pid > 0 && !(await isThere(look, pid))) report.found('front_left_behind', file, { file });
  }
}

/** True also where it cannot be told. */
async function isThere(look: Look, pid: number): Promise<boolean> {
  const [all, own] = await Promise.all([look.status('/proc/self'), look.status(`/proc/${pid}`)]);
  return all.state !== 'seen' || own.state !== 'absent';
}
