/** The certificate for https on loopback, where it is on: that it can be used, how long, and that a browser of this computer trusts its authority. */
import { readFile } from 'node:fs/promises';
import { isTrustedInNss, nssDatabaseFolders, hasNssDatabase } from '../../tls/nss-database.ts';
import { tlsStatus, type AuthorityFile } from '../../tls/tls-folder.ts';
import { timeLeft } from '../../../api-spec/time-left.ts';
import { dayOf } from '../../tls/validate.ts';
import { defineCheck } from '../check.ts';
import type { Look } from '../look.ts';
import { setupMachine } from '../setup-machine.ts';

const FAULTS = {
  tls_certificate_expired: {
    severity: 'error',
    en: 'The certificate for https has expired, and browsers refuse it.',
    sv: 'Certifikatet för https har gått ut, och webbläsare avvisar det.',
    command: '{enable} --renew --data-dir {folder}{trust}',
  },
  tls_not_trusted: {
    severity: 'warning',
    en: "https is on, and neither this user's browsers nor the policies of this computer trust its authority.",
    sv: 'https är på, men varken den här användarens webbläsare eller datorns policyer litar på dess utfärdare.',
    command: '{enable} --data-dir {folder}{trust}',
  },
  tls_renewal_due: {
    severity: 'warning',
    en: 'The certificate for https ends soon.',
    sv: 'Certifikatet för https går snart ut.',
    command: '{enable} --renew --data-dir {folder}{trust}',
  },
  tls_unusable: {
    severity: 'error',
    en: 'The files for https cannot be used, so the daemon does not serve it.',
    sv: 'Filerna för https kan inte användas, så tjänsten erbjuder det inte.',
    command: '{enable} --renew --data-dir {folder}{trust}',
  },
} as const;

const POLICY_FOLDERS = [
  '/etc/chromium/policies/managed',
  '/etc/opt/chrome/policies/managed',
  '/etc/opt/edge/policies/managed',
  '/etc/firefox/policies',
];
const SYSTEM_STORE = '/usr/local/share/ca-certificates';

export const trustCheck = defineCheck({
  id: 'trust',
  title: { en: 'The certificate for https, and who trusts it', sv: 'Certifikatet för https, och vem som litar på det' },
  faults: FAULTS,
  async look(look, report) {
    const status = tlsStatus(look.dataFolder, { now: look.now() });
    if (status.state === 'off') return;
    if (status.state === 'unusable') {
      const { problem, message } = status.error;
      if (problem === 'unreadable') report.unseen({ en: 'the files for https', sv: 'filerna för https' }, message);
      // The clock is told of elsewhere.
      else if (problem !== 'not_yet_valid')
        report.found(problem === 'expired' ? 'tls_certificate_expired' : 'tls_unusable', message, placesOf(look));
      return;
    }
    if (status.state === 'renewal_advised') {
      const left = timeLeft(status.expires, look.now());
      const day = dayOf(status.expires);
      report.found('tls_renewal_due', { en: `${left.en}, until ${day}`, sv: `${left.sv}, till ${day}` }, placesOf(look));
    }
    if (!(await isTrusted(look, status.authority)))
      report.found('tls_not_trusted', `${status.authority.name} (${status.authority.path})`, placesOf(look));
  },
});

/** In the folder that was looked at. What an administrator does for the service trusts nothing in the administrator's own browser; how others are told, it prints. */
function placesOf({ isService, dataFolder }: Look): Readonly<Record<'enable' | 'folder' | 'trust', string>> {
  const how = isService ? { enable: 'sudo kortd tls enable', trust: '' } : { enable: 'kortd tls enable', trust: ' --trust' };
  return { ...how, folder: dataFolder };
}

/** Somewhere: which browser is used cannot be told. */
async function isTrusted(look: Look, authority: AuthorityFile): Promise<boolean> {
  if (await isInPolicies(look, authority)) return true;
  for (const folder of nssDatabaseFolders(setupMachine(look)).filter(hasNssDatabase)) {
    if (await isTrustedInNss(folder, authority)) return true;
  }
  return false;
}

/** By its bytes in Chromium's policies and the system's store, by the path of its file in Firefox's. */
async function isInPolicies(look: Look, { path }: AuthorityFile): Promise<boolean> {
  const pem = await readFile(path, 'utf8');
  const base64 = pem.replaceAll(/-----[^-]+-----|\s/g, '');
  for (const folder of [...POLICY_FOLDERS, SYSTEM_STORE]) {
    const names = await look.list(folder);
    for (const name of names.state === 'seen' ? names.value : []) {
      const text = await look.readText(`${folder}/${name}`);
      if (text.state !== 'seen') continue;
      if (text.value.replaceAll(/\s/g, '').includes(base64) || text.value.includes(JSON.stringify(path))) return true;
    }
  }
  return false;
}
