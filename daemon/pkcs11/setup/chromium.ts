/** Chromium, Chrome and Edge: the NSS database of one user. No policy of theirs adds a module: each user does it for themselves. */
import { hasNssDatabase, nssDatabaseFolder, nssDatabaseFolders } from '../../tls/nss-database.ts';
import { companionNotices } from './companions.ts';
import { findLibrary, isInstalled, requireLibrary, type Machine } from './machine.ts';
import { addToNss, placeIn, removeFromNss } from './nss-module.ts';
import type { Change, Changes, ProgramSetup } from './program-setup.ts';

const COMMANDS = ['chromium', 'chromium-browser', 'google-chrome', 'microsoft-edge', 'brave-browser'];

export function chromiumSetup(machine: Machine): ProgramSetup {
  return {
    id: 'chromium',
    name: 'Chromium, Chrome and Edge',
    isInstalled: () => isInstalled(machine, COMMANDS),
    places: () => {
      const used = nssDatabaseFolder(machine);
      const folders = nssDatabaseFolders(machine).filter((folder) => folder === used || hasNssDatabase(folder));
      return folders.map((folder) => placeIn(folder, findLibrary(machine)));
    },
    enable: () => enable(machine),
    disable: async () => {
      const changes: Change[] = [];
      for (const folder of nssDatabaseFolders(machine).filter(hasNssDatabase))
        changes.push({ path: folder, did: (await removeFromNss(folder)) ? 'disabled' : 'nothing' });
      return { changes, notices: [] };
    },
  };
}

async function enable(machine: Machine): Promise<Changes> {
  const folder = nssDatabaseFolder(machine);
  const wasAdded = await addToNss(folder, requireLibrary(machine));
  const forRoot = machine.isRoot ? [FOR_ROOT] : [];
  return {
    changes: [{ path: folder, did: wasAdded ? 'enabled' : 'nothing' }],
    notices: wasAdded ? [RESTART, ...forRoot, ...companionNotices(machine, 'Chromium')] : [],
  };
}

const RESTART = {
  en: 'Chromium, Chrome and Edge find the cards when they are next started.',
  sv: 'Chromium, Chrome och Edge hittar korten nästa gång de startas.',
};

const FOR_ROOT = {
  en: 'This is for root alone: there is no setting of Chromium for all users. Each runs "kortd pkcs11 enable --chromium" for themselves.',
  sv: 'Detta gäller bara root: Chromium har ingen inställning för alla användare. Var och en kör "kortd pkcs11 enable --chromium" själv.',
};
