/**
 * What a package has for readers and for those who watch: the documentation as pages (`npm run docs`), and the dashboard and alert rules of installer/monitoring. The same
 * in every kind of package, and the same bytes from the same sources.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { listFiles } from './modules.ts';
import type { TreeFile } from './tree.ts';

const BUILD_MS = 120_000;
const MONITORING = join(import.meta.dirname, 'monitoring');

/** By paths below the folder of documents: `html/index.html`, `monitoring/kortd-alerts.yaml`. Sorted. */
export function documentFiles(root: string): readonly TreeFile[] {
  mkdirSync(join(root, 'build'), { recursive: true });
  const pages = mkdtempSync(join(root, 'build', 'documents-'));
  try {
    const program = join(root, 'docs', 'site', 'build.ts');
    execFileSync(process.execPath, [program, '--out', pages], { timeout: BUILD_MS, stdio: ['ignore', 'ignore', 'inherit'] });
    return [...filesOf(pages, 'html'), ...filesOf(MONITORING, 'monitoring')];
  } finally {
    rmSync(pages, { recursive: true, force: true });
  }
}

function filesOf(folder: string, name: string): readonly TreeFile[] {
  return listFiles(folder).map((path) => ({ path: `${name}/${path}`, content: readFileSync(join(folder, path)) }));
}
