/**
 * The profiles of one user's Firefox: each has an NSS database of its own. Those of snap and flatpak are told of, and left: their Firefox sees none of this
 * system's libraries.
 */
import { existsSync, readlinkSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { readIfThere } from './files.ts';
import type { Machine } from './machine.ts';

export interface FirefoxProfile {
  readonly folder: string;
  readonly isSandboxed: boolean;
}

/** Since Firefox 147 in the user's folder of configuration, unless the earlier one is there. */
export function firefoxProfiles({ home, config }: Machine): readonly FirefoxProfile[] {
  const own = [join(home, '.mozilla', 'firefox'), join(config, 'mozilla', 'firefox')];
  const snap = join(home, 'snap', 'firefox', 'common');
  const flatpak = join(home, '.var', 'app', 'org.mozilla.firefox');
  const sandboxed = [
    join(snap, '.mozilla', 'firefox'),
    join(snap, '.config', 'mozilla', 'firefox'),
    join(flatpak, '.mozilla', 'firefox'),
    join(flatpak, 'config', 'mozilla', 'firefox'),
  ];
  return [
    ...own.flatMap((root) => profilesIn(root).map((folder) => ({ folder, isSandboxed: false }))),
    ...sandboxed.flatMap((root) => profilesIn(root).map((folder) => ({ folder, isSandboxed: true }))),
  ];
}

/** By profiles.ini. Profiles that were deleted by hand are not there. */
function profilesIn(root: string): readonly string[] {
  const sections = (readIfThere(join(root, 'profiles.ini')) ?? '').split(/^(?=\[)/m);
  return sections.flatMap((section) => {
    const [, path] = /^\[Profile\d+\][^]*?^Path=(.+?)\s*$/m.exec(section) ?? [];
    if (path === undefined) return [];
    const folder = isAbsolute(path) ? path : join(root, path);
    return existsSync(folder) ? [folder] : [];
  });
}

/** The process that has the profile open: Firefox keeps a link to nowhere, ADDRESS:+PID, which stays behind when it dies. */
export function profileUser(folder: string): number | undefined {
  let target: string;
  try {
    target = readlinkSync(join(folder, 'lock'));
  } catch {
    return undefined; // not open
  }
  const [, pid] = /:\+?(\d+)$/.exec(target) ?? [];
  return pid !== undefined && isFirefox(pid) ? Number(pid) : undefined;
}

function isFirefox(pid: string): boolean {
  try {
    return /firefox/.test(readlinkSync(`/proc/${pid}/exe`));
  } catch (error) {
    // Somebody else's process may be the Firefox that has it.
    return error instanceof Error && 'code' in error && error.code === 'EACCES';
  }
}
