/**
 * Every test: those on simulated parts, then those on disks that are filled, on the real pcscd and in Chromium, in namespaces of their own. Ends with one line
 * "N passed, N failed".
 * A test that was skipped counts as failed: what is promised and cannot run must not pass. The last lines name what failed. A few files that did
 * are run once more by themselves, to tell what fails always from what fails at times: both have failed.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runInPrivateNamespaces } from './private-namespaces.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const reports = join(root, 'build', 'test-reports');
/** More files than these do not fail by chance. */
const MAX_FILES_AGAIN = 3;
const endings = [];
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
// A clean Debian, and what packages of other systems hold, are fetched before: in the namespaces there is no network.
const prepare = async (name) => (await runPlain(process.execPath, [join(root, 'test', 'installer', `${name}.ts`)])) === 0;
const isPrepared = (await prepare('prepare-root')) && (await prepare('prepare-packages'));
const installer = isPrepared ? await report('installer', inNamespaces) : { passed: 0, failed: 1 };
if (!isPrepared) endings.push('failed: a clean Debian to install packages in, or what they hold, could not be fetched');
// That no PIN was found anywhere, and no core dump, counts as one test.
const evidence = (await runPlain(process.execPath, [afterRun, 'end'])) === 0;
const runs = [unit, abuse, crash, pcsc, browser, installer];
const passed = runs.reduce((sum, run) => sum + run.passed, evidence ? 1 : 0);
const failed = runs.reduce((sum, run) => sum + run.failed, evidence ? 0 : 1);
process.stdout.write(endings.map((line) => `${line}\n`).join(''));
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

async function report(project, run) {
  const first = await runTests(project, run, { files: [], name: project });
  if (!first) return { passed: 0, failed: 1 };
  const { passed, total, status, failures } = first;
  // What breaks outside of tests fails the run without failing a test.
  const failed = total - passed > 0 ? total - passed : status === 0 ? 0 : 1;
  const files = [...new Set(failures.map(({ file }) => file))];
  if (failed === 0 || files.length === 0 || files.includes('') || files.length > MAX_FILES_AGAIN) {
    endings.push(...failures.map(({ name, message }) => `failed: ${name}: ${message}`));
    return { passed, failed };
  }
  const second = await runTests(project, run, { files, name: `${project}-again` });
  const isSteady = !(second?.status === 0 && second.passed === second.total && second.passed > 0);
  const verdict = isSteady ? 'failed' : 'failed, and passed by itself';
  endings.push(...failures.map(({ name, message }) => `${verdict}: ${name}: ${message}`));
  return { passed, failed };
}

/** Undefined when it gave no report. */
async function runTests(project, run, { files, name }) {
  const file = join(reports, `${name}.json`);
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const reporters = ['--reporter=default', `--reporter=${join(root, 'scripts', 'test-report.mjs')}`, `--outputFile=${file}`];
  const status = await run(process.execPath, [vitest, 'run', '--project', project, ...reporters, ...files]);
  try {
    return { ...JSON.parse(readFileSync(file, 'utf8')), status };
  } catch {
    process.stdout.write(`the tests of "${project}" gave no report (exit status ${status})\n`);
    return undefined;
  }
}

function runPlain(command, parameters) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, parameters, { cwd: root, stdio: 'inherit' });
    child.once('error', reject);
    child.once('exit', (status) => resolve(status ?? 1));
  });
}
