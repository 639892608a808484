/** The same machine, as those see it who set programs up for PKCS #11 (daemon/pkcs11/setup). */
import { join } from 'node:path';
import { thisMachine, type Machine } from '../pkcs11/setup/machine.ts';
import type { Look } from './look.ts';

export function setupMachine(look: Look): Machine {
  const machine = thisMachine({ ...look.environment, HOME: look.home });
  return {
    ...machine,
    etc: look.path(machine.etc),
    packagedModules: look.path(machine.packagedModules),
    path: machine.path
      .split(':')
      .filter(Boolean)
      .map((folder) => look.path(join('/', folder)))
      .join(':'),
    libraries: machine.libraries.map((library) => look.path(library)),
  };
}
