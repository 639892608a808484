/** The configuration file with the built program: what it serves by, what it says of a broken one, and what a reload does to a daemon at work. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { searchProgram } from '../evidence/evidence.ts';
import { Program, build, runProgram, type Ended } from './program.ts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

let home = '';
let folder = '';
let file = '';
beforeAll(() => {
  build();
  home = mkdtempSync(join(tmpdir(), 'kortd-config-'));
}, 120_000);
afterAll(() => {
  try {
    searchProgram(home, {});
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});
beforeEach(() => {
  folder = mkdtempSync(join(home, 'desk-'));
  file = join(folder, 'kortd.json');
  mkdirSync(join(folder, 'policy.d'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const run = (...parameters: readonly string[]): Promise<Ended> => runProgram(home, parameters);

interface Content {
  readonly [section: string]: unknown;
}

/** Of a simulated desk in this test's folder, with what is given on top. */
function write(content: Content = {}): void {
  const folders = { data: join(folder, 'data'), policy: join(folder, 'policy.d') };
  const own = { folders, listen: { port: 0 }, simulation: { scenario: 'office' }, log: { level: 'warn' } };
  writeFileSync(file, JSON.stringify({ ...own, ...content }, undefined, 1), { mode: 0o600 });
}

async function serve(...parameters: readonly string[]): Promise<Program> {
  const program = new Program(home, ['serve', '--config', file, ...parameters]);
  await program.said(/^kortd ready .*\n/m);
  return program;
}

async function call(method: string): Promise<Record<string, unknown>> {
  const { stdout, stderr } = await run('call', method, '--data-dir', join(folder, 'data'));
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as Record<string, unknown>;
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const signal = AbortSignal.timeout(20_000);
  while (!(await holds())) {
    signal.throwIfAborted();
    await delay(50);
  }
}

describe('kortd serve --config', () => {
  it('takes its folders, ports and simulated desk from the file, and a flag before it', async () => {
    write();
    await using daemon = await serve('--log-level', 'silent');
    expect(await call('system.health')).toMatchObject({ status: 'ok', problems: [] });
    expect(await call('system.info')).toMatchObject({ simulated: true });
    expect(await daemon.stop()).toMatchObject({ status: 0, stderr: '' });
  });

  it.each([
    ['{"listen":{"port":"x"}}', /line 1: listen\.port is "x"; allowed is a whole number from 0 to 65535\n$/],
    ['{', /line 1: it is no JSON/],
    ['{"listen":{"port":0},"simulation":{"authorityPort":0}}', /simulation\.authorityPort goes with simulation\.scenario/],
  ])('does not start with %s: it says what is wrong, with exit status 1, and touches nothing', async (text, expected) => {
    writeFileSync(file, text, { mode: 0o600 });
    const data = join(folder, 'untouched');
    const ended = await run('serve', '--config', file, '--data-dir', data);
    expect(ended).toMatchObject({ status: 1, stdout: '' });
    expect(ended.stderr).toMatch(expected);
    expect(ended.stderr).toContain(file);
    expect(() => readFileSync(join(data, 'token'))).toThrow('ENOENT');
  });

  it('does not start when the file that is named is not there', async () => {
    expect(await run('serve', '--config', file)).toMatchObject({ status: 1, stderr: `kortd: ${file}: there is no such file\n` });
  });
});

describe('a reload of a running daemon', () => {
  it('takes what may change live, and names what wants a restart in its answer and in health', async () => {
    write();
    await using daemon = await serve();
    write({ log: { level: 'info' }, listen: { port: 1 }, audit: { retentionDays: 30 } });
    const answer = await call('system.reload');
    expect(answer).toEqual({ problems: [], needsRestart: ['listen.consolePort', 'listen.port', 'listen.tlsPort'] });
    expect(await call('system.health')).toMatchObject({ status: 'ok', problems: [{ code: 'restart_needed' }] });
    const ended = await daemon.stop();
    expect(ended.stderr).toContain('shutting down');
  });

  it('on SIGHUP with a broken file applies nothing, of policy neither, and says so until it is mended', async () => {
    write();
    const policy = join(folder, 'policy.d', '10.json');
    writeFileSync(policy, '{"origins":[{"origin":"https://a.example","scopes":["card.read"]}]}', { mode: 0o600 });
    await using daemon = await serve();
    writeFileSync(policy, '{"origins":[{"origin":"https://b.example","scopes":["card.read"]}]}', { mode: 0o600 });
    write({ log: { level: 'loud' } });
    daemon.child.kill('SIGHUP');
    await until(async () => (await call('system.health'))['status'] === 'degraded');
    const refused = { code: 'reload_refused', file };
    const { problems } = await call('system.health');
    expect(problems).toMatchObject([refused]);
    expect(JSON.stringify(problems)).toMatch(/log\.level is .*tillåtet är något av/s);
    expect(daemon.stderr).toContain('log.level is');
    expect(JSON.stringify(await call('access.list'))).toContain('https://a.example');
    expect(await call('system.reload')).toMatchObject({ problems: [{ file, line: 13, path: 'log.level' }] });
    write();
    writeFileSync(policy, '{"origins":[{"origin":"https://b.example","scopes":["card.raed"]}]}', { mode: 0o600 });
    expect(await call('system.reload')).toMatchObject({ problems: [{ file: policy }] });
    expect(JSON.stringify(await call('access.list'))).toContain('https://a.example');
    writeFileSync(policy, '{"origins":[{"origin":"https://b.example","scopes":["card.read"]}]}', { mode: 0o600 });
    expect(await call('system.reload')).toEqual({ problems: [] });
    expect(JSON.stringify(await call('access.list'))).toContain('https://b.example');
    expect(await call('system.health')).toMatchObject({ status: 'ok', problems: [] });
  });
});

describe('kortd config', () => {
  it('check finds nothing in what is right, and names file, line and option of what is not, in the language of the person', async () => {
    write();
    expect(await run('config', 'check', '--config', file)).toMatchObject({ status: 0, stderr: '' });
    write({ log: { level: 'loud' }, lsten: {} });
    const ended = await run('config', 'check', '--config', file);
    expect(ended).toMatchObject({ status: 1, stdout: '' });
    expect(ended.stderr.split('\n')).toHaveLength(3);
    expect(ended.stderr).toContain(`kortd: ${file}, line 13: log.level is "loud"; allowed is one of`);
    expect(ended.stderr).toContain('lsten is no option; did you mean listen?');
    const json = await run('config', 'check', '--config', file, '--json');
    expect(JSON.parse(json.stdout)).toMatchObject({ file, problems: [{ path: 'log.level' }, { path: 'lsten' }] });
  });

  it('check looks at the policy folder, at what its files name, and at scanners.json', async () => {
    write();
    mkdirSync(join(folder, 'data'));
    writeFileSync(join(folder, 'policy.d', '10.json'), '{"pin":{"wrongPerDay":99}}', { mode: 0o600 });
    writeFileSync(join(folder, 'policy.d', '20.json'), '{"identity":{"trustAnchors":["/nonexistent.pem"]}}', { mode: 0o600 });
    writeFileSync(join(folder, 'data', 'scanners.json'), '{', { mode: 0o600 });
    const { status, stderr } = await run('config', 'check', '--config', file);
    expect(status).toBe(1);
    for (const name of ['10.json', '/nonexistent.pem', 'scanners.json']) expect(stderr).toContain(name);
  });

  it('show tells each value, and who said it', async () => {
    write();
    const { status, stdout } = await run('config', 'show', '--config', file, '--pkcs11-linger', '5');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^pkcs11\.lingerMs +5 {2}\(command line, --pkcs11-linger\)$/m);
    expect(stdout).toContain(`"warn"  (${file}, line 13)`);
    expect(stdout).toMatch(/^access\.consentDays +90 {2}\(default\)$/m);
    expect(stdout).toMatch(/^audit\.retentionDays +- {2}\(not set: for ever\)$/m);
    const { options } = JSON.parse((await run('config', 'show', '--config', file, '--json')).stdout) as { options: unknown[] };
    expect(options).toContainEqual({ path: 'log.level', value: 'warn', from: 'file', line: 13 });
  });

  it('schema is a JSON Schema by which the file is checked', async () => {
    const { default: Ajv2020 } = await import('ajv/dist/2020.js');
    const schema = JSON.parse((await run('config', 'schema')).stdout) as object;
    const check = new Ajv2020.Ajv2020({ strict: false }).compile(schema);
    write();
    expect(check(JSON.parse(readFileSync(file, 'utf8')))).toBe(true);
    expect(check({ listen: { port: 65_536 } })).toBe(false);
    expect(check({ lsten: {} })).toBe(false);
  });
});
