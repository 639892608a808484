/**
 * `node test/evidence/after-run.ts begin` before all tests, `… end` after them: that as much was searched for PINs as a whole run has daemons, and that nothing
 * dumped core. Prints one line; exit status 1 when it is not so.
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findCores } from './cores.ts';
import { beginTally, readTally } from './tally.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** About two thirds of what a whole run searches: fewer mean that a part of the tests escapes the search. */
const LEAST_DAEMONS = 500;
const LEAST_VALUES = 30;

if (process.argv[2] === 'begin') beginTally();
else process.exitCode = end() ? 0 : 1;

function end(): boolean {
  const { tally, begunAt } = readTally();
  const { folders, files, bytes, values, milliseconds } = tally;
  const cores = findCores([ROOT, tmpdir()], begunAt);
  const isEnough = folders >= LEAST_DAEMONS && values >= LEAST_VALUES;
  const searched = `${files} files (${(bytes / 1e6).toFixed(0)} MB) of ${folders} daemons searched for ${values} typed secrets in ${(milliseconds / 1000).toFixed(1)} s`;
  const problems = [
    ...(isEnough ? [] : [`fewer than the ${LEAST_DAEMONS} daemons and ${LEAST_VALUES} secrets of a whole run`]),
    ...cores.map((path) => `a core file lies at ${path}`),
  ];
  process.stdout.write(
    `evidence: ${searched}; ${cores.length} core files${problems.map((problem) => `; PROBLEM: ${problem}`).join('')}\n`,
  );
  return problems.length === 0;
}
