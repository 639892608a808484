/**
 * Every test: those on simulated parts, then those on disks that are filled, on the real pcscd and in Chromium, in namespaces of their own. Ends with one line
 * "N passed, N failed".
 * A test that was skipped counts as failed: what is promised and cannot run must not pass.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runInPrivateNamespaces } from './private-namespaces.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const reports = join(root, 'build', 'test-reports');
rmSync(reports, { recursive: true, force: true });
mkdirSync(reports, { recursive: true });

const afterRun = join(root, 'test', 'evidence', 'after-run.ts');
await runPlain(process.execPath, [afterRun, 'begin']);
const unit = await report('unit', (command, parameters) => runPlain(command, parameters));
// Alone: it measures how long a good client waits.
const abuse = await report('abuse', (command, parameters) => runPlain(command, parameters));
const inNamespaces = (command, parameters) => runInPrivateNamespaces(command, parameters, { cwd: root });
const crash = await report('crash', inNamespaces);
const pcsc = await report('pcsc', inNamespaces);
const browser = await report('browser', inNamespaces);
// That no PIN was found anywhere, and no core dump, counts as one test.
const evidence = (await runPlain(process.execPath, [afterRun, 'end'])) === 0;
const runs = [unit, abuse, crash, pcsc, browser];
const passed = runs.reduce((sum, run) => sum + run.passed, evidence ? 1 : 0);
const failed = runs.reduce((sum, run) => sum + run.failed, evidence ? 0 : 1);
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

async function report(project, run) {
  const file = join(reports, `${project}.json`);
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const status = await run(process.execPath, [
    vitest,
    'run',
    '--project',
    project,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${file}`,
  ]);
  let counts;
  try {
    counts = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    process.stdout.write(`the tests of "${project}" gave no report (exit status ${status})\n`);
    return { passed: 0, failed: 1 };
  }
  const left = counts.numTotalTests - counts.numPassedTests;
  // A suite that breaks outside its tests fails the run without failing a test.
  return { passed: counts.numPassedTests, failed: left > 0 ? left : status === 0 ? 0 : 1 };
}

function runPlain(command, parameters) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, parameters, { cwd: root, stdio: 'inherit' });
    child.once('error', reject);
    child.once('exit', (status) => resolve(status ?? 1));
  });
}
