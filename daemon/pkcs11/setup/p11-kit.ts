/** p11-kit itself: its module file. All other programs that are set up here come to kortd by it. */
import { withFile } from './errors.ts';
import { findLibrary, type Machine } from './machine.ts';
import { moduleFilePath, readModuleFile, removeModuleFile, writeModuleFile } from '../module-file.ts';
import type { Place, ProgramSetup } from './program-setup.ts';

export function p11KitSetup(machine: Machine, address: string): ProgramSetup {
  const path = moduleFilePath(machine);
  const place = (): Place => {
    const file = withFile(path, () => readModuleFile(path));
    return { path, state: file.state === 'enabled' && file.address !== address ? 'other_address' : file.state };
  };
  return {
    id: 'p11Kit',
    name: 'p11-kit',
    isInstalled: () => findLibrary(machine) !== undefined,
    places: () => [place()],
    enable: () => {
      if (place().state === 'enabled') return { changes: [{ path, did: 'nothing' }], notices: [] };
      withFile(path, () => writeModuleFile(path, address));
      return { changes: [{ path, did: 'enabled' }], notices: [RESTART] };
    },
    disable: () => {
      const wasThere = withFile(path, () => removeModuleFile(path));
      return { changes: [{ path, did: wasThere ? 'disabled' : 'nothing' }], notices: [] };
    },
  };
}

const RESTART = {
  en: 'Programs that go through p11-kit find the cards when they are next started.',
  sv: 'Program som går genom p11-kit hittar korten nästa gång de startas.',
};
