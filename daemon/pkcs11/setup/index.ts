/** The programs that can be set up, p11-kit first: the others come to kortd by it. */
import { chromiumSetup } from './chromium.ts';
import { firefoxSetup } from './firefox.ts';
import type { Machine } from './machine.ts';
import { p11KitSetup } from './p11-kit.ts';
import type { ProgramId, ProgramSetup } from './program-setup.ts';
import { sshSetup } from './ssh.ts';

/** `address`: what P11_KIT_SERVER_ADDRESS is to be. */
export function programSetups(machine: Machine, address: string): Readonly<Record<ProgramId, ProgramSetup>> {
  return {
    p11Kit: p11KitSetup(machine, address),
    firefox: firefoxSetup(machine),
    chromium: chromiumSetup(machine),
    ssh: sshSetup(machine),
  };
}
