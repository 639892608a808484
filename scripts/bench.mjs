/** `npm run bench [-- --json]`: every figure beside its peer's, in one table. Runs in namespaces of its own, because of the real pcscd. */
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { runInPrivateNamespaces } from './private-namespaces.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const env = { UV_THREADPOOL_SIZE: '128', PCSCLITE_NO_BLOCKING: '1' };
process.exitCode = await runInPrivateNamespaces(
  process.execPath,
  [join(root, 'test', 'bench', 'main.ts'), ...process.argv.slice(2)],
  { cwd: root, env },
);
