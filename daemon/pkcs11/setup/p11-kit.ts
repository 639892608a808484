/** p11-kit itself: its module file. All other programs that are set up here come to kortd by it. */
import { findLibrary, type Machine } from './machine.ts';
import { moduleFilePath, readModuleFile, removeModuleFile, writeModuleFile } from '../module-file.ts';
import type { Place, ProgramSetup } from './program-setup.ts';

export function p11KitSetup(machine: Machine, address: string): ProgramSetup {
  const path = moduleFilePath(machine);
  const place = (): Place => {
    const file = readModuleFile(path);
    return { path, state: file.state === 'enabled' && file.address !== address ? 'other_address' : file.state };
  };
  return {
    id: 'p11Kit',
    name: 'p11-kit',
    isInstalled: () => findLibrary(machine) !== undefined,
    places: () => [place()],
    enable: () => {
      if (place().state === 'enabled') return { changes: [{ path, did: 'nothing' }], notices: [] };
      // One of the system's files that a user may not read keeps p11-kit from giving that user any module (measured with 0.24.1).
      writeModuleFile(path, address, { isForAll: machine.isRoot });
      return { changes: [{ path, did: 'enabled' }], notices: [RESTART] };
    },
    disable: () => {
      const wasThere = removeModuleFile(path);
      return { changes: [{ path, did: wasThere ? 'disabled' : 'nothing' }], notices: [] };
    },
  };
}

const RESTART = {
  en: 'Programs that go through p11-kit find the cards when they are next started.',
  sv: 'Program som går genom p11-kit hittar korten nästa gång de startas.',
};
