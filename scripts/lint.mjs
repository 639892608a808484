/** ESLint over everything, some folders at a time: with the types of all of it at once it would need more memory than Node gives a process. */
import { spawnSync } from 'node:child_process';

const FOLDERS = [['apdu', 'api-spec', 'drivers', 'pkcs11-module'], ['daemon', 'docs', 'examples', 'installer'], ['test']];
const HEAP = '--max-old-space-size=4096';
const OPTIONS = ['--cache', '--cache-location', 'build/eslint/', '--max-warnings', '0'];

const failed = FOLDERS.filter((folders) => {
  const { status } = spawnSync(process.execPath, [HEAP, 'node_modules/eslint/bin/eslint.js', ...OPTIONS, ...folders], {
    stdio: 'inherit',
  });
  return status !== 0;
});
process.exitCode = failed.length === 0 ? 0 : 1;
