/** SHA256SUMS beside the packages, in the form that `sha256sum --check` reads; sorted by name. */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const CHECKSUMS_FILE = 'SHA256SUMS';

/** Of every file in the folder. Returns its name. */
export function writeChecksums(folder: string): string {
  const names = readdirSync(folder).filter((name) => name !== CHECKSUMS_FILE);
  const lines = names.sort().map(
    (name) =>
      `${createHash('sha256')
        .update(readFileSync(join(folder, name)))
        .digest('hex')}  ${name}\n`,
  );
  writeFileSync(join(folder, CHECKSUMS_FILE), lines.join(''));
  return CHECKSUMS_FILE;
}
