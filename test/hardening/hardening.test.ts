/** The built program however it is started: no debugger on a signal, no core dump, nothing for other processes of the same user to read, and the API at work. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../api-spec/client/client.ts';
import { NODE_FLAGS } from '../../daemon/hardening/node-flags.ts';
import { findDaemon } from '../../daemon/data-folder.ts';
import { startProgram } from '../support/program.ts';
import { WatchedProcess, blocksSigusr1, commandLine, coreLimit, keepsSigusr1Waiting, sameRights } from './process.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const MAIN = join(ROOT, 'dist', 'main.js');
const NODE = process.execPath;
/** The program's first line finds Node by the search path. */
const SEARCH_PATH = { PATH: [dirname(NODE), process.env['PATH'] ?? ''].join(delimiter) };

let folder = '';
let folders = 0;
beforeAll(() => {
  execFileSync(NODE, [join(ROOT, 'scripts', 'setup.mjs'), 'start'], { stdio: ['ignore', 'ignore', 'inherit'] });
  folder = mkdtempSync(join(tmpdir(), 'kortd-hardening-'));
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const newFolder = (): string => mkdtempSync(join(folder, `${++folders}-`));

interface Served extends AsyncDisposable {
  readonly started: WatchedProcess;
  readonly daemon: ReturnType<typeof findDaemon>;
}

/** `kortd serve` by this command; resolves when it is ready. What was started may have started it in turn: both are ended. */
async function serve(command: readonly string[], options: { cwd?: string } = {}): Promise<Served> {
  const dataDir = newFolder();
  const parameters = ['serve', '--simulate', 'office', '--port', '0', '--data-dir', dataDir, '--log-level', 'debug'];
  const started = new WatchedProcess([...command, ...parameters], { ...options, environment: SEARCH_PATH, wantsCore: true });
  try {
    await started.said(/^kortd ready .*\n/m);
  } catch (error) {
    await started[Symbol.asyncDispose]();
    throw error;
  }
  const daemon = findDaemon(dataDir);
  return {
    started,
    daemon,
    async [Symbol.asyncDispose]() {
      if (started.child.exitCode === null && started.child.signalCode === null) process.kill(daemon.pid, 'SIGKILL');
      await started.ended;
    },
  };
}

/** A process of the same user that hardens nothing; until its limits are set, a shell is in its place. */
async function unhardened(options: { cwd?: string } = {}): Promise<WatchedProcess> {
  const started = new WatchedProcess(['sleep', '60'], { ...options, wantsCore: true });
  await expect.poll(() => readFileSync(`/proc/${started.pid}/comm`, 'utf8').trim(), { timeout: 20_000 }).toBe('sleep');
  return started;
}

/** Whether another process of this user may read its memory and environment: it takes the rights of ptrace(2). */
function isReadable(pid: number): boolean {
  const [program = '', ...parameters] = sameRights(['head', '-c', '1', `/proc/${pid}/environ`]);
  const { status, stderr } = spawnSync(program, parameters, { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });
  if (status !== 0 && !stderr.includes('Permission denied')) throw new Error(`reading the environment of ${pid}: ${stderr}`);
  return status === 0;
}

const WAYS: readonly (readonly [string, readonly string[]])[] = [
  ['by its first line', [MAIN]],
  ['by Node with its flags', [NODE, ...NODE_FLAGS, MAIN]],
  ['by Node without its flags', [NODE, MAIN]],
  ['from its source without its flags', [NODE, join(ROOT, 'daemon', 'main.ts')]],
  ['by npm run kortd', ['npm', 'run', '--silent', '--prefix', ROOT, 'kortd', '--']],
];

describe.each(WAYS)('started %s', (way, command) => {
  it('it runs with the flags, and nothing comes of SIGUSR1', async () => {
    await using served = await serve(command);
    const { started, daemon } = served;
    if (!way.includes('npm')) expect(daemon.pid).toBe(started.pid);
    expect(commandLine(daemon.pid)).toEqual(expect.arrayContaining([...NODE_FLAGS]));
    expect(blocksSigusr1(daemon.pid)).toBe(true);
    process.kill(daemon.pid, 'SIGUSR1');
    const client = await connect(daemon);
    expect(await client.call('system.info')).toMatchObject({ product: 'kortd' });
    client.close();
    expect(keepsSigusr1Waiting(daemon.pid)).toBe(true);
    expect(started.stderr).not.toMatch(/debugger|warning/i);
    expect(started.stdout).toMatch(/^kortd ready \S+\n$/);
    process.kill(daemon.pid, 'SIGTERM');
    expect(await started.ended).toEqual({ status: 0, signal: null });
  });

  it('it has no core dump, and other processes of the user cannot look into it', async () => {
    await using served = await serve(command);
    const { pid } = served.daemon;
    expect(coreLimit(pid)).toBe('0 0');
    expect(isReadable(pid)).toBe(false);
  });
});

describe('what these tests look for', () => {
  it('is there without hardening: a debugger on SIGUSR1', async () => {
    await using plain = new WatchedProcess([
      NODE,
      '--inspect-port=0',
      '-e',
      'setInterval(() => {}, 1e5); process.stdout.write("up")',
    ]);
    await plain.said(/up/);
    expect(blocksSigusr1(plain.pid)).toBe(false);
    plain.child.kill('SIGUSR1');
    await plain.said(/Debugger listening/, 'stderr');
    expect(keepsSigusr1Waiting(plain.pid)).toBe(false);
  });

  it('is there without hardening: an environment that other processes of the user can read', async () => {
    await using plain = await unhardened();
    expect(isReadable(plain.pid)).toBe(true);
    expect(coreLimit(plain.pid)).not.toBe('0 0');
  });
});

it('dies of a segmentation fault without a core file, where another program leaves one', async () => {
  const left = async (start: (cwd: string) => Promise<WatchedProcess>): Promise<readonly string[]> => {
    const cwd = newFolder();
    await using started = await start(cwd);
    started.child.kill('SIGSEGV');
    expect(await started.ended).toEqual({ status: null, signal: 'SIGSEGV' });
    return readdirSync(cwd);
  };
  const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim();
  await using probe = await unhardened();
  const leavesFiles = /^[^|/]+$/.test(pattern) && !coreLimit(probe.pid)?.startsWith('0 ');
  const plain = await left((cwd) => unhardened({ cwd }));
  expect(plain.length > 0, `core_pattern ${pattern}`).toBe(leavesFiles);
  expect(await left(async (cwd) => (await serve([NODE, MAIN], { cwd })).started)).toEqual([]);
});

it('where Node cannot be restarted, the process makes up for the flags itself', async () => {
  await using started = new WatchedProcess([NODE, '--inspect-port=0', join(import.meta.dirname, 'hardened.ts')]);
  await started.said(/\}\n/);
  expect(JSON.parse(started.stdout)).toEqual({ proto: expect.stringContaining('switched off') as string });
  started.child.kill('SIGUSR1');
  await started.said(/heard/);
  expect(started.stderr).not.toContain('Debugger');
  expect([coreLimit(started.pid), isReadable(started.pid)]).toEqual(['0 0', false]);
});

it('npm start names the flags too', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
  for (const script of ['start', 'kortd']) expect(scripts[script], script).toContain(`node ${NODE_FLAGS.join(' ')} dist/main.js`);
});

it('the whole API works with the flags: keys, certificates, signatures, the audit log, and what names __proto__', async () => {
  await using daemon = await startProgram(['--simulate', 'office']);
  const { client } = daemon;
  const { readers } = await client.call('reader.list');
  const holder = readers.find(({ name }) => name.includes('Holder'));
  const card = { card: { reader: holder?.id ?? '' }, keyReference: '9A' };
  await client.call('key.generate', { ...card, algorithm: 'P-256', managementKey: 'default' });
  const { request } = await client.call('certificate.request', { ...card, subject: 'CN=Anna Andersson,C=SE', pin: '123456' });
  expect(request).toContain('CERTIFICATE REQUEST');
  const digest = Buffer.alloc(32, 7).toString('base64');
  await client.call('pin.change', { card: card.card, pin: '123456', newPin: '518273' });
  const { signature } = await client.call('sign.digest', { ...card, algorithm: 'ES256', digest, pin: '518273' });
  expect(signature).not.toBe('');
  expect((await client.call('certificate.list', { card: card.card })).certificates).toEqual([]);
  expect(await client.call('audit.verify')).toMatchObject({ ok: true });
  expect((await client.call('audit.export')).text).toContain('sign.digest');
  const odd = JSON.parse('{ "__proto__": { "card": "x" }, "constructor": { "prototype": {} } }') as object;
  await expect(client.call('card.read', odd as never)).rejects.toMatchObject({ code: 'invalid_params' });
  await expect(client.call('access.list', odd as never)).rejects.toMatchObject({ code: 'invalid_params' });
});
