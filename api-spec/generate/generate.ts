/**
 * Writes the documents that follow from the API's tables: `node api-spec/generate/generate.ts`. With `--check` it writes nothing, and
 * exits with status 1 when one of them is not what the tables give.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { asyncApi } from './asyncapi.ts';
import { documentText } from './json-schema.ts';
import { openApi } from './openapi.ts';
import { referenceText } from './reference.ts';

export interface GeneratedFile {
  /** In api-spec/generated/. */
  readonly name: string;
  readonly text: string;
}

export function generatedFiles(): readonly GeneratedFile[] {
  return [
    { name: 'openapi.json', text: documentText(openApi()) },
    { name: 'asyncapi.json', text: documentText(asyncApi()) },
    { name: 'reference.md', text: referenceText() },
  ];
}

/** Names of the checked-in files that are missing or differ. */
export function staleFiles(): readonly string[] {
  return generatedFiles().flatMap(({ name, text }) => (readGenerated(name) === text ? [] : [name]));
}

function readGenerated(name: string): string | undefined {
  try {
    return readFileSync(pathOf(name), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function pathOf(name: string): string {
  return fileURLToPath(new URL(`../generated/${name}`, import.meta.url));
}

function main(flags: readonly string[]): void {
  if (flags.some((flag) => flag !== '--check')) {
    process.stderr.write('usage: node api-spec/generate/generate.ts [--check]\n');
    process.exitCode = 2;
    return;
  }
  if (flags.length > 0) {
    for (const name of staleFiles()) {
      process.stderr.write(`api-spec/generated/${name} is stale: run node api-spec/generate/generate.ts\n`);
      process.exitCode = 1;
    }
    return;
  }
  for (const { name, text } of generatedFiles()) {
    mkdirSync(dirname(pathOf(name)), { recursive: true });
    writeFileSync(pathOf(name), text);
  }
}

if (import.meta.main) main(process.argv.slice(2));
