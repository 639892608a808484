/**
 * Firefox: for the whole system by its policy, as root; for one user in the databases of their profiles.
 *
 * A module that the policy added stays in a profile's database after the policy is gone: who used it takes it out of their own profiles.
 */
import { NssDatabaseError } from '../../tls/nss-database.ts';
import { companionNotices } from './companions.ts';
import { SetupError } from './errors.ts';
import { addToPolicy, policyPath, policyPlace, removeFromPolicy } from './firefox-policy.ts';
import { firefoxProfiles, profileUser } from './firefox-profiles.ts';
import { findLibrary, isInstalled, requireLibrary, type Machine } from './machine.ts';
import { addToNss, placeIn, removeFromNss, stateIn } from './nss-module.ts';
import type { Change, Changes, ProgramSetup } from './program-setup.ts';

export function firefoxSetup(machine: Machine): ProgramSetup {
  return {
    id: 'firefox',
    name: 'Firefox',
    isInstalled: () => isInstalled(machine, ['firefox', 'firefox-esr']),
    places: () => {
      const library = findLibrary(machine);
      const profiles = firefoxProfiles(machine).map(({ folder, isSandboxed }) =>
        isSandboxed ? ({ path: folder, state: 'out_of_reach' } as const) : placeIn(folder, library),
      );
      return [policyPlace(machine, library), ...profiles];
    },
    enable: () => (machine.isRoot ? enableForAll(machine) : enableProfiles(machine)),
    disable: async () => {
      const ofAll = machine.isRoot ? [disableForAll(machine)] : [];
      const { changes, notices } = await disableProfiles(machine);
      return { changes: [...ofAll, ...changes], notices: [...notices, ...leftovers(machine, ofAll)] };
    },
  };
}

function enableForAll(machine: Machine): Changes {
  const wasAdded = addToPolicy(machine, requireLibrary(machine));
  return {
    changes: [{ path: policyPath(machine), did: wasAdded ? 'enabled' : 'nothing' }],
    notices: wasAdded ? [RESTART, ...companionNotices(machine, 'Firefox')] : [],
  };
}

function disableForAll(machine: Machine): Change {
  return { path: policyPath(machine), did: removeFromPolicy(machine) ? 'disabled' : 'nothing' };
}

export async function enableProfiles(machine: Machine): Promise<Changes> {
  const library = requireLibrary(machine);
  const folders = ownProfiles(machine);
  if (folders.length === 0) throw noProfile();
  const changes = await eachProfile(folders, {
    isDone: (folder) => ['enabled', 'other_name'].includes(stateIn(folder, library)),
    change: async (folder) => ((await addToNss(folder, library)) ? 'enabled' : 'nothing'),
  });
  const wasAdded = changes.some(({ did }) => did === 'enabled');
  return { changes, notices: wasAdded ? [RESTART, ...companionNotices(machine, 'Firefox')] : [] };
}

async function disableProfiles(machine: Machine): Promise<Changes> {
  const changes = await eachProfile(ownProfiles(machine), {
    isDone: (folder) => ['absent', 'other_name'].includes(stateIn(folder, undefined)),
    change: async (folder) => ((await removeFromNss(folder)) ? 'disabled' : 'nothing'),
  });
  return { changes, notices: [] };
}

function ownProfiles(machine: Machine): readonly string[] {
  return firefoxProfiles(machine).flatMap(({ folder, isSandboxed }) => (isSandboxed ? [] : [folder]));
}

interface EachProfile {
  readonly isDone: (folder: string) => boolean;
  readonly change: (folder: string) => Promise<Change['did']>;
}

/** A running Firefox writes its list of modules over what others wrote. What can be done is done, before what cannot is told. */
async function eachProfile(folders: readonly string[], { isDone, change }: EachProfile): Promise<readonly Change[]> {
  const changes: Change[] = [];
  let problem: Error | undefined;
  for (const folder of folders) {
    try {
      const pid = isDone(folder) ? undefined : profileUser(folder);
      if (pid !== undefined) throw openBy(pid, folder);
      changes.push({ path: folder, did: await change(folder) });
    } catch (error) {
      if (!(error instanceof SetupError || error instanceof NssDatabaseError)) throw error;
      problem ??= error;
    }
  }
  if (problem) throw problem;
  return changes;
}

function leftovers(machine: Machine, ofAll: readonly Change[]): Changes['notices'] {
  if (ofAll.some(({ did }) => did === 'disabled')) return [STAYS_IN_PROFILES];
  return !machine.isRoot && policyPlace(machine, findLibrary(machine)).state === 'enabled' ? [POLICY_REMAINS] : [];
}

const RESTART = {
  en: 'Firefox finds the cards when it is next started.',
  sv: 'Firefox hittar korten nästa gång det startas.',
};

const STAYS_IN_PROFILES = {
  en: 'Profiles that were opened meanwhile keep the module: their users take it out with "kortd pkcs11 disable --firefox".',
  sv: 'Profiler som har öppnats under tiden har modulen kvar: deras användare tar bort den med "kortd pkcs11 disable --firefox".',
};

const POLICY_REMAINS = {
  en: 'The policy of this system adds the module again when Firefox starts: an administrator takes it away with "sudo kortd pkcs11 disable --firefox".',
  sv: 'Datorns policy lägger till modulen igen när Firefox startar: en administratör tar bort den med "sudo kortd pkcs11 disable --firefox".',
};

function openBy(pid: number, folder: string): SetupError {
  return new SetupError('in_use', {
    en: `changing the modules of ${folder}: Firefox has it open (process ${pid}). Close Firefox, then try again`,
    sv: `modulerna i ${folder} kan inte ändras: Firefox har profilen öppen (process ${pid}). Stäng Firefox och försök igen`,
  });
}

function noProfile(): SetupError {
  return new SetupError('no_profile', {
    en: 'looking for profiles of Firefox: this user has none that can be changed. Start Firefox once and close it; or have an administrator do it for all: sudo kortd pkcs11 enable --firefox',
    sv: 'användaren har ingen Firefox-profil som kan ändras. Starta Firefox en gång och stäng det; eller låt en administratör göra det för alla: sudo kortd pkcs11 enable --firefox',
  });
}
