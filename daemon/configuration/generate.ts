/**
 * Writes what follows from the schema of the configuration: `node daemon/configuration/generate.ts`. With `--check` it writes nothing, and exits with status 1 when
 * one of the files is not what the schema gives.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configurationReference } from './reference.ts';
import { configurationJsonSchema } from './schema.ts';

const FOLDER = join(import.meta.dirname, 'generated');

function generated(): readonly { readonly file: string; readonly text: string }[] {
  return [
    { file: join(FOLDER, 'reference.md'), text: configurationReference() },
    {
      file: join(FOLDER, 'kortd.schema.json'),
      text: `${JSON.stringify(configurationJsonSchema(), undefined, 2)}\n`,
    },
  ];
}

/** Paths of the checked-in files that are missing or differ. */
export function staleConfigurationFiles(): readonly string[] {
  return generated().flatMap(({ file, text }) => (existsSync(file) && readFileSync(file, 'utf8') === text ? [] : [file]));
}

function main(flags: readonly string[]): void {
  if (!flags.includes('--check')) for (const { file, text } of generated()) writeFileSync(file, text);
  for (const file of staleConfigurationFiles()) {
    process.stderr.write(`${file} is stale: run node daemon/configuration/generate.ts\n`);
    process.exitCode = 1;
  }
}

if (import.meta.main) main(process.argv.slice(2));
