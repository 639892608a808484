/** Makes one script of the page and kortd's client, as a portal's own build would, and puts index.html and page.css beside it. */
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'tsup';

const SOURCE = join(import.meta.dirname, 'page');

export async function bundlePage(outDir: string): Promise<void> {
  await build({
    config: false,
    entry: { main: join(SOURCE, 'main.ts') },
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    outDir,
    splitting: false,
    silent: true,
  });
  for (const file of ['index.html', 'page.css']) await cp(join(SOURCE, file), join(outDir, file));
}
