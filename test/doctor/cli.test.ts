/** The built `kortd doctor`: its exit status, both languages, JSON as its schema says, and that it ends soon whatever hangs. */
import { execFile } from 'node:child_process';
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CHECKS } from '../../daemon/doctor/checks/index.ts';
import { DoctorReport } from '../../daemon/doctor/report.ts';
import { build, ROOT } from '../cli/program.ts';
import { startProgram, type RunningDaemon } from '../support/program.ts';
import { PlantedMachine } from './planted-machine.ts';

const ATTEMPT_MS = 60_000;
const machine = new PlantedMachine();
let daemon: RunningDaemon;

beforeAll(async () => {
  build();
  daemon = await startProgram(['--simulate', 'office']);
}, ATTEMPT_MS);
afterAll(async () => {
  await daemon[Symbol.asyncDispose]();
  machine[Symbol.dispose]();
});

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function doctor(parameters: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const named = ['--data-dir', daemon.dataFolder, '--policy-dir', machine.policyFolder, '--root', machine.root];
  const { PATH = '' } = process.env;
  return new Promise((resolve) => {
    const command = [join(ROOT, 'dist', 'main.js'), 'doctor', ...named, ...parameters];
    const child = execFile(
      process.execPath,
      command,
      { env: { PATH, HOME: machine.home, ...environment } },
      (_, stdout, stderr) => resolve({ status: child.exitCode, stdout, stderr }),
    );
  });
}

it('ends with 0 where nothing is wrong, with 3 for a warning, with 4 for an error', async () => {
  expect(await doctor([], { LANG: 'en_GB.UTF-8' })).toEqual({
    ...{ status: 0, stderr: '' },
    stdout: expect.stringContaining(`Nothing is wrong: ${CHECKS.length} checks.`) as string,
  });
  machine.write('/etc/pkcs11/modules/gone.module', 'module: /usr/lib/gone.so\n');
  expect((await doctor([])).status).toBe(3);
  chmodSync(daemon.dataFolder, 0o755);
  try {
    expect((await doctor([])).status).toBe(4);
  } finally {
    chmodSync(daemon.dataFolder, 0o700);
  }
});

it('speaks English and Swedish, by option or by the locale', async () => {
  machine.write('/etc/pkcs11/modules/gone.module', 'module: /usr/lib/gone.so\n');
  const [english, swedish, located] = await Promise.all([
    doctor(['--language', 'en'], { LANG: 'sv_SE.UTF-8' }),
    doctor(['--language', 'sv']),
    doctor([], { LC_ALL: 'sv_SE.UTF-8' }),
  ]);
  expect(english.stdout).toContain(
    'WARNING  Programs are told to load a PKCS #11 module whose file is not there.  [middleware_module_missing]',
  );
  expect(swedish.stdout).toContain(
    'VARNING  Program ska ladda en PKCS #11-modul vars fil inte finns.  [middleware_module_missing]',
  );
  expect(located.stdout).toBe(swedish.stdout);
  expect(await doctor(['--language', 'fi'])).toMatchObject({ status: 2, stdout: '' });
});

it('prints JSON as the schema says that it prints', async () => {
  const [report, schema] = await Promise.all([doctor(['--json']), doctor(['--schema'])]);
  expect(schema.status).toBe(0);
  const published: unknown = JSON.parse(readFileSync(join(ROOT, 'daemon/doctor/report.schema.json'), 'utf8'));
  expect(JSON.parse(schema.stdout)).toEqual(published);
  expect(JSON.parse(JSON.stringify(DoctorReport))).toEqual(published);
  const validate = new Ajv2020({ strict: false }).compile(published as object);
  const value: unknown = JSON.parse(report.stdout);
  expect(validate(value), JSON.stringify(validate.errors)).toBe(true);
  expect(validate({ ...(value as object), surplus: 1 })).toBe(false);
});

it('ends within seconds when the daemon does not answer', async () => {
  process.kill(daemon.pid, 'SIGSTOP');
  try {
    const started = performance.now();
    const { status, stdout } = await doctor(['--json']);
    expect(status).toBe(4);
    expect(stdout).toContain('daemon_mute');
    // Three deadlines of two seconds; the rest is for a machine with other work.
    expect(performance.now() - started).toBeLessThan(20_000);
  } finally {
    process.kill(daemon.pid, 'SIGCONT');
  }
});

it('has a text in both languages and a command for whatever a check finds, each under a name of its own', () => {
  const ids = CHECKS.flatMap(({ faults }) => Object.keys(faults));
  expect(new Set(ids).size).toBe(ids.length);
  for (const { id: check, faults } of CHECKS) {
    for (const [id, { en, sv, command }] of Object.entries(faults)) {
      expect(id, check).toMatch(/^[a-z0-9_]+$/);
      expect(en, id).toMatch(/^[A-Z].*\.$|^[a-z].*\.$/);
      expect(sv, id).toMatch(/\.$/);
      expect(sv, id).not.toBe(en);
      expect(command.length, id).toBeGreaterThan(5);
    }
  }
});
