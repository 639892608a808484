/**
 * Who goes through p11-kit comes to every module that it knows: what else a program then loads. OpenSC, where it is installed, shows the same cards a second
 * time, and speaks to the readers itself; a person should know, and how to keep it out.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Texts } from './errors.ts';
import { readIfThere } from './files.ts';
import type { Machine } from './machine.ts';
import { MODULE_NAME } from './nss-module.ts';

/** By this name p11-kit knows who goes through its library (pkcs11.conf(5), "enable-in", "disable-in"). */
const PROXY = 'p11-kit-proxy';

/** Names of module files, without kortd's. A user's file adds to the system's of the same name (pkcs11.conf(5), "user-config"). */
export function companions(machine: Machine): readonly string[] {
  const { packagedModules, etc, config, isRoot } = machine;
  const folders = [packagedModules, join(etc, 'pkcs11', 'modules'), ...(isRoot ? [] : [join(config, 'pkcs11', 'modules')])];
  const modules = new Map<string, string>();
  for (const folder of folders)
    for (const name of moduleNames(folder))
      modules.set(name, `${modules.get(name) ?? ''}\n${readIfThere(join(folder, `${name}.module`)) ?? ''}`);
  modules.delete(MODULE_NAME);
  return [...modules].flatMap(([name, text]) => (isLoaded(text) ? [name] : [])).sort();
}

function moduleNames(folder: string): readonly string[] {
  let names: readonly string[];
  try {
    names = readdirSync(folder);
  } catch {
    return []; // p11-kit passes over such a folder too
  }
  return names.flatMap((name) => /^(.+)\.module$/.exec(name)?.[1] ?? []);
}

function isLoaded(text: string): boolean {
  const last = (key: string): string | undefined => [...text.matchAll(new RegExp(`^${key}:(.*)$`, 'gm'))].at(-1)?.[1]?.trim();
  const names = (key: string): readonly string[] | undefined => last(key)?.split(/[\s,]+/);
  if (!last('module') && !last('remote')) return false;
  const enabled = names('enable-in');
  return enabled ? enabled.includes(PROXY) : !names('disable-in')?.includes(PROXY);
}

export function companionNotices(machine: Machine, program: string): readonly Texts[] {
  const names = companions(machine);
  if (names.length === 0) return [];
  const folder = join(machine.isRoot ? machine.etc : machine.config, 'pkcs11', 'modules');
  const list = names.join(', ');
  return [
    {
      en: `${program} goes through p11-kit, and so shows the cards of its other modules too: ${list}. To keep one out, write "disable-in: ${PROXY}" into ${folder}/NAME.module.`,
      sv: `${program} går genom p11-kit och visar därför också korten från dess andra moduler: ${list}. För att hålla en utanför, skriv "disable-in: ${PROXY}" i ${folder}/NAMN.module.`,
    },
  ];
}
