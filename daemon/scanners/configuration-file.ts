/** The file in the data folder that names the workstation's scanners: read when kortd starts, when it changes, and by system.reload. */
import { unwatchFile, watchFile } from 'node:fs';
import { join } from 'node:path';
import { parseConfiguration, type ScannerConfiguration } from '../../drivers/scanners/configuration.ts';
import { SCANNER_KINDS } from '../../drivers/scanners/index.ts';
import { readAdministratorFile } from '../../drivers/administrator-file.ts';

export const SCANNERS_FILE = 'scanners.json';
const MAX_BYTES = 65_536;
const LOOK_MS = 2_000;

export interface Reading {
  readonly configurations: readonly ScannerConfiguration[];
  /** Present when the file is refused: what it names is not there then. */
  readonly problem?: { readonly file: string; readonly problem: string };
}

/** A missing file names none. */
export function readConfigurations(dataFolder: string, ownUid: number | undefined = process.getuid?.()): Reading {
  const file = join(dataFolder, SCANNERS_FILE);
  try {
    return { configurations: parseConfiguration(readAdministratorFile(file, { maxBytes: MAX_BYTES, ownUid }), SCANNER_KINDS) };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { configurations: [] };
    return { configurations: [], problem: { file, problem: error instanceof Error ? error.message : String(error) } };
  }
}

/** Calls whenever it is another file, or the same with other content. */
export function watchConfigurations(dataFolder: string, onChange: () => void): Disposable {
  const file = join(dataFolder, SCANNERS_FILE);
  watchFile(file, { persistent: false, interval: LOOK_MS }, onChange);
  return { [Symbol.dispose]: () => unwatchFile(file, onChange) };
}
