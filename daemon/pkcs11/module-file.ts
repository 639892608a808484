/**
 * The file that makes p11-kit itself speak to the daemon (pkcs11.conf(5), "remote:"): programs that go through p11-kit then need no module and no variable. It is the
 * user's own; p11-kit reads no user's files for root, whose file is the system's.
 */
import { join } from 'node:path';
import { programsSocketOf } from '../data-folder.ts';
import { SetupError } from './setup/errors.ts';
import { readIfThere, removeFile, writeText } from './setup/files.ts';
import type { Machine } from './setup/machine.ts';

const NAME = 'kortd.module';
/** By which the file is known as ours. */
const MARK = '# Written by "kortd pkcs11 enable"; "kortd pkcs11 disable" takes it away.';
/** sun_path with its end (unix(7)); p11-kit cuts a longer one off without a word. */
const MAX_PATH_BYTES = 107;

/** What P11_KIT_SERVER_ADDRESS is to be. Throws SetupError for a folder whose path is too long. */
export function serverAddress(dataFolder: string): string {
  return addressOf(programsSocketOf(dataFolder));
}

/** Of the socket at which programs are served. Throws as `serverAddress` does. */
export function addressOf(path: string): string {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES)
    throw new SetupError('path_too_long', {
      en: `the path of the socket is longer than ${MAX_PATH_BYTES} bytes, and no program finds it: ${path}. Choose a shorter --data-dir`,
      sv: `sökvägen till uttaget är längre än ${MAX_PATH_BYTES} byte, och inget program hittar det: ${path}. Välj en kortare --data-dir`,
    });
  // %XX stands for what the address itself means something by: ; ends it, % begins an escape.
  return `unix:path=${path.replaceAll(/[%;\s]/g, (character) => encodeURIComponent(character))}`;
}

export function moduleFilePath({ isRoot, config, etc }: Pick<Machine, 'config' | 'etc' | 'isRoot'>): string {
  return join(isRoot ? etc : config, 'pkcs11', 'modules', NAME);
}

export type ModuleFile =
  { readonly state: 'absent' } | { readonly state: 'foreign' } | { readonly state: 'enabled'; readonly address: string };

/** Throws SetupError for one that cannot be read. */
export function readModuleFile(path: string): ModuleFile {
  const text = readIfThere(path);
  if (text === undefined) return { state: 'absent' };
  const [, address] = /^remote: (.+)$/m.exec(text) ?? [];
  return text.startsWith(MARK) && address !== undefined ? { state: 'enabled', address } : { state: 'foreign' };
}

/** Throws SetupError when somebody else's file is there. */
export function writeModuleFile(path: string, address: string, { isForAll = false } = {}): void {
  if (readModuleFile(path).state === 'foreign') throw foreign(path);
  writeText(path, `${MARK}\nremote: ${address}\n`, { mode: 0o644, isForAll });
}

/** False when there was none. Throws SetupError when somebody else's file is there. */
export function removeModuleFile(path: string): boolean {
  const { state } = readModuleFile(path);
  if (state === 'foreign') throw foreign(path);
  if (state === 'absent') return false;
  removeFile(path);
  return true;
}

function foreign(path: string): SetupError {
  return new SetupError('foreign', {
    en: `the file is not kortd's, and is left as it is: ${path}`,
    sv: `filen är inte kortds och lämnas som den är: ${path}`,
  });
}
