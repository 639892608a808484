/** `npm run -s test:crash -- [--points N] [--seed S] [--only POINT]`: ceremonies broken off wherever they can be. In namespaces of their own: disks are mounted and filled. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runInPrivateNamespaces } from './private-namespaces.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
process.exitCode = await runInPrivateNamespaces(
  process.execPath,
  [join(root, 'test', 'issuance', 'crash', 'main.ts'), ...process.argv.slice(2)],
  { cwd: root },
);
