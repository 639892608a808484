/** The clock: signatures, certificates and the audit log go by it. */
import { join } from 'node:path';
import { tlsStatus } from '../../tls/tls-folder.ts';
import { defineCheck } from '../check.ts';
import type { Look } from '../look.ts';

const FAULTS = {
  clock_before_build: {
    severity: 'error',
    en: 'The clock shows a time before this program was built: certificates look as if they were not valid yet.',
    sv: 'Klockan visar en tid före det att programmet byggdes: certifikat ser ut att inte gälla ännu.',
    command: 'sudo timedatectl set-ntp true',
  },
  clock_before_certificate: {
    severity: 'error',
    en: 'The certificate for https is not valid yet: the clock is wrong, or was when it was made.',
    sv: 'Certifikatet för https gäller inte ännu: klockan går fel, eller gjorde det när certifikatet gjordes.',
    command: 'sudo timedatectl set-ntp true',
  },
  clock_went_back: {
    severity: 'error',
    en: 'The audit log was written to at a time that is still to come: the clock went back.',
    sv: 'Granskningsloggen har skrivits vid en tid som ännu inte har kommit: klockan har gått bakåt.',
    command: 'sudo timedatectl set-ntp true',
  },
  clock_unsynchronised: {
    severity: 'warning',
    en: 'The clock is not kept right by a time server.',
    sv: 'Klockan hålls inte rätt av någon tidsserver.',
    command: 'sudo timedatectl set-ntp true',
  },
} as const;

/** Clocks of file systems and of this computer may differ a little. */
const SLACK_MS = 3_600_000;
/** systemd-timesyncd.service(8). */
const SYNCHRONISED = '/run/systemd/timesync/synchronized';

export const clockCheck = defineCheck({
  id: 'clock',
  title: { en: 'The clock', sv: 'Klockan' },
  faults: FAULTS,
  async look(look, report) {
    const now = look.now();
    const builtAt = await look.builtAt();
    if (builtAt && builtAt.getTime() > now.getTime() + SLACK_MS)
      report.found('clock_before_build', {
        en: `it is ${now.toISOString()}, and the program is of ${builtAt.toISOString()}`,
        sv: `klockan är ${now.toISOString()}, och programmet är från ${builtAt.toISOString()}`,
      });
    const tls = tlsStatus(look.dataFolder, { now });
    if (tls.state === 'unusable' && tls.error.problem === 'not_yet_valid')
      report.found('clock_before_certificate', tls.error.message);
    const written = await look.status(join(look.dataFolder, 'audit.sqlite'));
    if (written.state === 'seen' && written.value.modifiedMs > now.getTime() + SLACK_MS)
      report.found('clock_went_back', {
        en: `it is ${now.toISOString()}, and the last write was at ${new Date(written.value.modifiedMs).toISOString()}`,
        sv: `klockan är ${now.toISOString()}, och den senaste skrivningen skedde ${new Date(written.value.modifiedMs).toISOString()}`,
      });
    const synchronised = await isSynchronised(look);
    if (synchronised === false) report.found('clock_unsynchronised', 'timedatectl: NTPSynchronized=no');
    if (synchronised === undefined)
      report.unseen(
        { en: 'whether the clock is kept right', sv: 'om klockan hålls rätt' },
        { en: 'this system does not tell', sv: 'det här systemet berättar det inte' },
      );
  },
});

/** Undefined where it cannot be told. */
async function isSynchronised(look: Look): Promise<boolean | undefined> {
  if ((await look.status(SYNCHRONISED)).state === 'seen') return true;
  const ran = await look.run('timedatectl', ['show', '--property=NTPSynchronized', '--value']);
  if (ran.state !== 'seen' || ran.value.status !== 0) return undefined;
  const said = ran.value.stdout.trim();
  return said === 'yes' ? true : said === 'no' ? false : undefined;
}
