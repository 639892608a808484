/**
 * Which program asks for a PIN: the one that is configured, else the first of Debian's that suits the screen or terminal of the person.
 * It is looked for in one folder that only the administrator can write to, and never in the PATH of a caller, who could put another
 * program there.
 */
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { basename, isAbsolute, join } from 'node:path';
import { PromptProgramMissingError } from '../errors.ts';

const FOLDER = '/usr/bin';

/** What Debian calls the package of a program, where that is not the program's own name. */
const DEBIAN_PACKAGES: ReadonlyMap<string, string> = new Map([['pinentry-gtk-2', 'pinentry-gtk2']]);

export type Environment = Readonly<Record<string, string | undefined>>;

export interface FindProgramOptions {
  /** The person's session: DISPLAY, WAYLAND_DISPLAY, XDG_CURRENT_DESKTOP, GPG_TTY. */
  readonly environment: Environment;
  /** Absolute path, from the policy of the workstation. Nothing else is tried then. */
  readonly configured?: string;
  readonly isProgram?: (path: string) => Promise<boolean>;
}

/** Absolute path. Throws PromptProgramMissingError with the package that brings one. */
export async function findProgram({ environment, configured, isProgram = isSafeProgram }: FindProgramOptions): Promise<string> {
  if (configured !== undefined) {
    if (isAbsolute(configured) && (await isProgram(configured))) return configured;
    throw missing('the configured program is no absolute path of a program, or everybody can change it', configured);
  }
  const names = namesFor(environment);
  for (const name of names) {
    const path = join(FOLDER, name);
    if (await isProgram(path)) return path;
  }
  const [first] = names;
  if (first !== undefined) throw missing('no pinentry is installed for the screen or terminal of the person', first);
  throw missing('the person has no screen (DISPLAY, WAYLAND_DISPLAY) and no terminal (GPG_TTY)', 'pinentry-curses');
}

/** Throws PromptProgramMissingError when the program is gone since it was found. */
export async function checkProgram(path: string): Promise<void> {
  if (!isAbsolute(path) || !(await isSafeProgram(path))) throw missing('the program is not there', path);
}

function namesFor(environment: Environment): readonly string[] {
  const desktop = environment['XDG_CURRENT_DESKTOP'] ?? '';
  const hasScreen = Boolean(environment['WAYLAND_DISPLAY']) || Boolean(environment['DISPLAY']);
  return [...(hasScreen ? graphical(desktop) : []), ...(environment['GPG_TTY'] ? ['pinentry-curses', 'pinentry-tty'] : [])];
}

/** GNOME's asks through its shell, which other desktops lack: it comes last there. */
function graphical(desktop: string): readonly string[] {
  if (/gnome|unity|cinnamon/i.test(desktop)) return ['pinentry-gnome3', 'pinentry-qt', 'pinentry-gtk-2'];
  if (/kde|lxqt/i.test(desktop)) return ['pinentry-qt', 'pinentry-gtk-2', 'pinentry-gnome3'];
  return ['pinentry-gtk-2', 'pinentry-qt', 'pinentry-gnome3'];
}

/** A file that can be run and that not everybody can write to. */
async function isSafeProgram(path: string): Promise<boolean> {
  try {
    const status = await stat(path);
    if (!status.isFile() || (status.mode & constants.S_IWOTH) !== 0) return false;
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function missing(problem: string, program: string): PromptProgramMissingError {
  const name = basename(program);
  const known = name.startsWith('pinentry-') ? (DEBIAN_PACKAGES.get(name) ?? name) : 'pinentry-curses';
  return new PromptProgramMissingError(`looking for a program that asks for a PIN: ${problem}; install ${known}`, known);
}
