/** `npm run docs [-- --out DIR]`: the documentation as pages, in dist/docs unless told otherwise. Exit status 1, and every broken link by name, when something is wrong. */
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { buildSite, DocumentationError } from './site.ts';

const root = join(import.meta.dirname, '..', '..');
const { values } = parseArgs({ options: { out: { type: 'string', default: join(root, 'dist', 'docs') } } });
const out = resolve(values.out);

try {
  const pages = buildSite({ root, out });
  process.stdout.write(`${pages.length} pages, from ${join(out, 'index.html')} on\n`);
} catch (error) {
  if (!(error instanceof DocumentationError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
