/** The built `kortd tls …` as a person runs it, with a home of its own, NSS's certutil, and a daemon. */
import { execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { enableTls, readAuthority, type AuthorityFile } from '../../daemon/tls/tls-folder.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const MAIN = join(ROOT, 'dist', 'main.js');
const DEADLINE_MS = 25_000;

beforeAll(() => {
  const built = spawnSync(process.execPath, [join(ROOT, 'scripts', 'setup.mjs'), 'start'], { encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`the program could not be built: ${built.stderr}`);
}, 120_000);

let folder = '';
const data = (): string => join(folder, 'data');
const home = (): string => join(folder, 'home');
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kortd-tls-'));
  mkdirSync(home());
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

function tls(parameters: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const { XDG_DATA_HOME: _, ...inherited } = process.env;
  const env = { ...inherited, HOME: home(), ...environment };
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [MAIN, 'tls', ...parameters, '--data-dir', data()],
      { env, timeout: DEADLINE_MS },
      (error, stdout, stderr) => {
        const status = error ? error.code : 0;
        if (typeof status === 'number') resolve({ status, stdout, stderr });
        else reject(new Error(`kortd tls ${parameters.join(' ')} did not end by itself: ${stderr}`, { cause: error }));
      },
    );
  });
}

function authority(): AuthorityFile {
  const found = readAuthority(data());
  if (!found) throw new Error('TLS is off');
  return found;
}

const EARLIER = ['.pki', 'nssdb'];
const LATER = ['.local', 'share', 'pki', 'nssdb'];
const database = (names: readonly string[]): string => join(home(), ...names);

function certutil(names: readonly string[], ...parameters: string[]): string {
  return execFileSync('certutil', ['-d', `sql:${database(names)}`, ...parameters], { encoding: 'utf8', timeout: DEADLINE_MS });
}

function makeDatabase(names: readonly string[]): void {
  mkdirSync(database(names), { recursive: true });
  certutil(names, '-N', '--empty-password');
}

/** Nicknames with their flags. */
function entries(names: readonly string[]): readonly string[] {
  return certutil(names, '-L')
    .split('\n')
    .filter((line) => /\s[A-Za-z]*,[A-Za-z]*,[A-Za-z]*\s*$/.test(line))
    .map((line) => line.trim().replaceAll(/\s{2,}/g, ' '));
}

describe('kortd tls enable', () => {
  it('makes the files and says where they are, what they are and how to trust them', async () => {
    const { status, stdout, stderr } = await tls(['enable']);
    expect([status, stderr]).toEqual([0, '']);
    const ca = new X509Certificate(readFileSync(join(data(), 'tls', 'ca.pem')));
    for (const part of [join(data(), 'tls', 'ca.pem'), ca.fingerprint256, ca.validToDate.toISOString().slice(0, 10)])
      expect(stdout).toContain(part);
    expect(stdout).toContain(`certutil -d sql:${database(LATER)} -A -n '${authority().name}' -t C,, -i ${authority().path}`);
    expect(stdout).toContain('/etc/chromium/policies/managed/');
    expect(stdout).toContain(`{"policies":{"Certificates":{"Install":["${authority().path}"]}}}`);
  });

  it('prints a command for this user that works', async () => {
    makeDatabase(EARLIER);
    const { stdout } = await tls(['enable']);
    const command = stdout.split('\n').find((line) => line.trim().startsWith('certutil ')) ?? '';
    execFileSync('/bin/sh', ['-c', command], { timeout: DEADLINE_MS });
    expect(entries(EARLIER)).toEqual([`${authority().name} C,,`]);
    expect(JSON.parse((await tls(['status', '--json'])).stdout)).toMatchObject({ trustedByUser: 'yes' });
  });

  it('prints JSON alone to standard output when told to', async () => {
    const { stdout } = await tls(['enable', '--json']);
    const { path, name, fingerprint } = authority();
    expect(JSON.parse(stdout)).toMatchObject({ authority: { path, name, fingerprint }, isNew: true, daemon: 'not_running' });
    expect(JSON.parse((await tls(['enable', '--json'])).stdout)).toMatchObject({ authority: { fingerprint }, isNew: false });
  });

  it('refuses files that are of no use, until it is told to renew', async () => {
    await enableTls(data(), { now: new Date('2020-01-01') });
    const refused = await tls(['enable']);
    expect([refused.status, refused.stdout]).toEqual([1, '']);
    expect(refused.stderr).toMatch(
      /^kortd: using the TLS files in .*: they expired on 2021-01-31\. Make new ones with: kortd tls enable --renew\n$/,
    );
    expect((await tls(['enable', '--renew'])).status).toBe(0);
    expect(JSON.parse((await tls(['status', '--json'])).stdout)).toMatchObject({ state: 'ready' });
  });

  it('says how to end the trust in the authority that renewing replaced', async () => {
    await tls(['enable', '--trust']);
    const before = authority().name;
    const { stderr } = await tls(['enable', '--renew']);
    expect(stderr).toContain(`certutil -d sql:${database(LATER)} -D -n '${before}'`);
    expect(stderr).toContain('It is still in the NSS database of this user.');
    expect(entries(LATER)).toEqual([`${before} C,,`]);
  });

  it('is wrong usage with an option that it has not', async () => {
    expect((await tls(['enable', '--untrust'])).status).toBe(2);
    expect(existsSync(data())).toBe(false);
  });
});

describe('kortd tls enable --trust', () => {
  it.each([
    ['makes the database where there is none', [], LATER],
    ['takes the one that is there', [LATER], LATER],
    ['takes the earlier one where it exists', [EARLIER], EARLIER],
    ['takes the earlier one where both exist, as Chromium does', [EARLIER, LATER], EARLIER],
  ])('%s', async (_, existing, expected) => {
    existing.forEach(makeDatabase);
    const { status, stderr } = await tls(['enable', '--trust']);
    expect(status, stderr).toBe(0);
    expect(entries(expected)).toEqual([`${authority().name} C,,`]);
    expect(stderr).toContain(database(expected));
    for (const other of [EARLIER, LATER].filter((names) => names !== expected)) {
      if (existing.includes(other)) expect(entries(other)).toEqual([]);
      else expect(existsSync(database(other))).toBe(false);
    }
  });

  it('makes a database in a folder that has none yet', async () => {
    mkdirSync(database(EARLIER), { recursive: true });
    await tls(['enable', '--trust']);
    expect(entries(EARLIER)).toEqual([`${authority().name} C,,`]);
  });

  it('follows XDG_DATA_HOME, as Chromium does', async () => {
    const environment = { XDG_DATA_HOME: join(home(), 'elsewhere') };
    await tls(['enable', '--trust'], environment);
    expect(entries(['elsewhere', 'pki', 'nssdb'])).toEqual([`${authority().name} C,,`]);
    await tls(['disable', '--untrust'], environment);
    expect(entries(['elsewhere', 'pki', 'nssdb'])).toEqual([]);
  });

  it('may be repeated, and trusts again what was trusted no more', async () => {
    await tls(['enable', '--trust']);
    certutil(LATER, '-M', '-n', authority().name, '-t', ',,');
    expect(JSON.parse((await tls(['status', '--json'])).stdout)).toMatchObject({ trustedByUser: 'no' });
    expect((await tls(['enable', '--trust'])).status).toBe(0);
    expect(entries(LATER)).toEqual([`${authority().name} C,,`]);
  });

  it('with --renew takes the place of its own earlier one, and leaves others', async () => {
    makeDatabase(LATER);
    await enableTls(join(folder, 'other'), { now: new Date() });
    const other = readAuthority(join(folder, 'other'));
    certutil(LATER, '-A', '-n', other?.name ?? '', '-t', 'C,,', '-i', other?.path ?? '');
    await tls(['enable', '--trust']);
    const before = authority().name;
    await tls(['enable', '--trust', '--renew']);
    expect(authority().name).not.toBe(before);
    expect([...entries(LATER)].sort()).toEqual([`${authority().name} C,,`, `${other?.name} C,,`].sort());
  });

  it('says what to install when certutil is missing', async () => {
    const { status, stderr } = await tls(['enable', '--trust'], { PATH: folder });
    expect(status).toBe(1);
    expect(stderr).toMatch(/certutil is not installed\. Install it \(Debian: libnss3-tools/);
    expect(JSON.parse((await tls(['status', '--json'])).stdout)).toMatchObject({ state: 'ready', trustedByUser: 'no' });
  });

  it('does not wait for the password of a database that has one', async () => {
    mkdirSync(database(LATER), { recursive: true });
    writeFileSync(join(folder, 'password'), 'secret word\n');
    certutil(LATER, '-N', '-f', join(folder, 'password'));
    const { status, stderr } = await tls(['enable', '--trust']);
    expect(status).toBe(1);
    expect(stderr).toMatch(/trusting kortd localhost CA \w+ in .*nssdb: certutil/);
  });

  it('says so when the database is damaged', async () => {
    mkdirSync(database(LATER), { recursive: true });
    writeFileSync(join(database(LATER), 'cert9.db'), 'no database');
    const { status, stderr } = await tls(['enable', '--trust']);
    expect([status, stderr]).toEqual([1, expect.stringMatching(/kortd: trusting .*: certutil: .*SEC_ERROR/)]);
  });
});

describe('kortd tls disable', () => {
  it('deletes the files, and says what still trusts the authority', async () => {
    await tls(['enable', '--trust']);
    const { name } = authority();
    const { status, stdout, stderr } = await tls(['disable']);
    expect([status, stdout]).toEqual([0, 'TLS is off; the certificate and its key are deleted.\n']);
    expect(stderr).toContain(`certutil -d sql:${database(LATER)} -D -n '${name}'`);
    expect(readdirSync(data())).toEqual([]);
    expect(entries(LATER)).toEqual([`${name} C,,`]);
  });

  it('--untrust takes it out of both databases, and leaves others', async () => {
    makeDatabase(LATER);
    await enableTls(join(folder, 'other'), { now: new Date() });
    const other = readAuthority(join(folder, 'other'));
    certutil(LATER, '-A', '-n', other?.name ?? '', '-t', 'C,,', '-i', other?.path ?? '');
    await tls(['enable', '--trust']);
    makeDatabase(EARLIER);
    await tls(['enable', '--trust']);
    expect([entries(EARLIER).length, entries(LATER).length]).toEqual([1, 2]);
    const { status, stdout } = await tls(['disable', '--untrust', '--json']);
    expect([status, JSON.parse(stdout)]).toMatchObject([
      0,
      { wasEnabled: true, untrusted: [database(EARLIER), database(LATER)], daemon: 'not_running' },
    ]);
    expect([entries(EARLIER), entries(LATER)]).toEqual([[], [`${other?.name} C,,`]]);
  });

  it('--untrust leaves another certificate under its name alone', async () => {
    makeDatabase(LATER);
    await tls(['enable']);
    await enableTls(join(folder, 'other'), { now: new Date() });
    certutil(LATER, '-A', '-n', authority().name, '-t', 'C,,', '-i', join(folder, 'other', 'tls', 'ca.pem'));
    const { name } = authority();
    const { status, stderr } = await tls(['disable', '--untrust']);
    expect([status, stderr]).toEqual([0, expect.stringContaining('was in no NSS database')]);
    expect(entries(LATER)).toEqual([`${name} C,,`]);
  });

  it('--untrust keeps the files when the database cannot be changed, so that it can be tried again', async () => {
    await tls(['enable', '--trust']);
    const { status } = await tls(['disable', '--untrust'], { PATH: folder });
    expect(status).toBe(1);
    expect((await tls(['disable', '--untrust'])).status).toBe(0);
    expect(entries(LATER)).toEqual([]);
  });

  it('of nothing is no failure', async () => {
    expect(await tls(['disable'])).toEqual({ status: 0, stdout: 'TLS was off already.\n', stderr: '' });
  });
});

describe('kortd tls status', () => {
  it('says off, then on, until when, and who trusts it', async () => {
    expect(await tls(['status'])).toEqual({ status: 0, stdout: 'TLS is off. Turn it on with: kortd tls enable\n', stderr: '' });
    await tls(['enable']);
    const on = await tls(['status']);
    expect(on.stdout).toMatch(/^TLS is on until \d{4}-\d\d-\d\d \(13 months left\)\.\n/);
    expect(on.stdout).toMatch(/Chromium +does not trust it/);
    await tls(['enable', '--trust']);
    expect((await tls(['status'])).stdout).toMatch(/Chromium +trusts it/);
  });

  it('advises to renew in the last 30 days', async () => {
    await enableTls(data(), { now: new Date(Date.now() - 370 * 86_400_000) });
    const { status, stdout } = await tls(['status']);
    expect([status, stdout]).toEqual([0, expect.stringMatching(/\(2[67] days left\)\.\nRenew soon: kortd tls enable --renew\./)]);
    expect(JSON.parse((await tls(['status', '--json'])).stdout)).toMatchObject({ state: 'renewal_advised' });
  });

  it('fails for files that are of no use, in words and as JSON', async () => {
    await tls(['enable']);
    chmodSync(join(data(), 'tls', 'key.pem'), 0o644);
    const { status, stdout, stderr } = await tls(['status', '--json']);
    expect([status, JSON.parse(stdout)]).toMatchObject([
      1,
      { state: 'unusable', problem: 'too_open', sv: expect.stringContaining('öppen för andra') as string },
    ]);
    expect(stderr).toMatch(/key\.pem is open to others \(mode 644, owner \d+\)/);
    expect(await tls(['status'])).toMatchObject({ status: 1, stdout: '' });
  });
});

describe('the daemon that runs on the folder', () => {
  /** `kortd serve` on the folder of this test. */
  async function serve(): Promise<AsyncDisposable> {
    const parameters = ['serve', '--simulate', 'office', '--port', '0', '--data-dir', data(), '--log-level', 'warn'];
    const child = spawn(process.execPath, [MAIN, ...parameters], {
      env: { ...process.env, HOME: home() },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const closed = once(child, 'close');
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const deadline = AbortSignal.timeout(DEADLINE_MS);
    const first = await Promise.race([once(child.stdout, 'data', { signal: deadline }), closed]);
    if (!String(first[0]).includes('kortd ready')) throw new Error(`no daemon started: ${String(first[0])}${said}`);
    return {
      async [Symbol.asyncDispose]() {
        child.kill('SIGTERM');
        await closed;
      },
    };
  }

  it('is told to reload', async () => {
    await using resources = new AsyncDisposableStack();
    resources.use(await serve());
    const served = expect.stringMatching(/^The running daemon serves https:\/\/localhost:\d+ now\.\n$/) as string;
    for (const [parameters, said] of [
      [['enable'], served],
      [['enable', '--renew'], served],
      [['disable'], ''],
    ] as const) {
      const { status, stdout, stderr } = await tls([...parameters, '--json']);
      expect(status, stderr).toBe(0);
      const { daemon } = JSON.parse(stdout) as { daemon: string };
      expect([daemon, stderr.replace(/Wherever[\s\S]*/, '')]).toEqual(['reloaded', said]);
    }
  });

  it('is not called when nothing changed', async () => {
    await tls(['enable']);
    await using resources = new AsyncDisposableStack();
    resources.use(await serve());
    const { stdout, stderr } = await tls(['enable', '--json']);
    expect([JSON.parse(stdout), stderr]).toEqual([expect.not.objectContaining({ daemon: expect.anything() as string }), '']);
  });

  it('that does not answer must be restarted', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    mkdirSync(data());
    writeFileSync(
      join(data(), 'endpoint.json'),
      JSON.stringify({ url: `http://127.0.0.1:${port}`, pid: process.pid, version: '1' }),
    );
    writeFileSync(join(data(), 'token'), 'a-token\n');
    const { status, stdout } = await tls(['enable', '--json']);
    expect([status, JSON.parse(stdout)]).toMatchObject([0, { isNew: true, daemon: 'restart_needed' }]);
  });
});
