/**
 * The Debian package's whole life in a clean Debian: installed by apt without a network, started by its unit's own line as its own user, used on a card behind the real
 * pcscd, upgraded, refused as a downgrade, broken off half-way, removed, purged. One test builds upon the other.
 */
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { request } from 'node:http';
import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sourceDateEpoch } from '../../installer/epoch.ts';
import { buildDeb } from '../../installer/linux/deb.ts';
import { product } from '../../installer/product.ts';
import { DebianRoot } from './debian-root.ts';
import { rootArchive } from './prepare-root.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const FORMER = '0.0.9';
const NEXT = '9.9.9';
const PIN = '123456';
const DEADLINE_MS = 20_000;
/** Of the issue of the release: the service answers in a second. A machine that is busy elsewhere gets the best of a few starts. */
const READY_MS = 1_000;
const STARTS = 5;

let root: DebianRoot;
let work: string;

beforeAll(() => {
  expect(process.env['KORTD_PRIVATE_NAMESPACES'], 'this runs in namespaces of its own: scripts/test.mjs makes them').toBe('1');
  work = mkdtempSync(join(ROOT, 'build', 'deb-'));
  root = new DebianRoot(rootArchive());
  for (const version of [FORMER, product.version, NEXT]) copyFileSync(build(version), root.path(`/${deb(version)}`));
  breakInTheMiddle(root.path(`/${deb(NEXT)}`));
});

afterAll(async () => {
  runner('stop');
  await root[Symbol.asyncDispose]();
  rmSync(work, { recursive: true, force: true });
});

function build(version: string): string {
  const folder = join(work, version);
  const target = { platform: 'linux', arch: 'x64' } as const;
  const name = buildDeb({ root: ROOT, out: work, work: folder, epoch: sourceDateEpoch(ROOT), target, compression: 0, version });
  rmSync(folder, { recursive: true, force: true });
  return join(work, name);
}

function deb(version: string): string {
  return `kortd_${version}_amd64.deb`;
}

/** A part of its files is good, then comes something else: as a disk or a download leaves it. */
function breakInTheMiddle(file: string): void {
  const bytes = readFileSync(file);
  bytes.fill(0x55, Math.floor(bytes.length * 0.6), Math.floor(bytes.length * 0.6) + 4_096);
  writeFileSync(file, bytes);
}

function runner(verb: 'start' | 'stop'): void {
  root.run('systemctl', verb, 'kortd.service');
}

function installed(): string {
  return root.run('dpkg-query', '--show', '--showformat', '${db:Status-Abbrev}${Version}', 'kortd').output.trim();
}

function mainPid(): string {
  const file = root.path('/run/systemd/main.pid');
  const pid = existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
  return isRunning(pid) ? pid : '';
}

/** One that has ended stays a zombie in these namespaces: its parent is not the one that waits. */
function isRunning(pid: string): boolean {
  try {
    return pid !== '' && !/^State:\s*[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** Any answer: that of the gate too. */
function answers(): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request({ host: '127.0.0.1', port: product.ports.api, path: '/v1/system/info', timeout: 1_000 }, (response) => {
      response.resume();
      resolve(true);
    });
    asked.once('error', () => resolve(false));
    asked.end();
  });
}

async function untilAnswers(): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  while (!(await answers())) {
    if (Date.now() > deadline) throw new Error(`kortd does not answer: ${readFileSync(root.path('/run/systemd/log'), 'utf8')}`);
    await delay(10);
  }
}

/** As root does it: on the service's own folder, as the service's user. */
function call(method: string, parameters: object = {}): Record<string, unknown> {
  const folder = ['--data-dir', '/var/lib/kortd'];
  const output = root.must(
    'setpriv',
    '--reuid=kortd',
    '--regid=kortd',
    '--clear-groups',
    '/usr/bin/kortd',
    'call',
    method,
    JSON.stringify(parameters),
    ...folder,
  );
  return JSON.parse(output) as Record<string, unknown>;
}

/** Of what key.generate gave. */
function publicKeyOf(made: Record<string, unknown>): KeyObject {
  const { publicKey } = made['key'] as { readonly publicKey: string };
  return createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' });
}

async function until(isSo: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error(`waiting until ${what}: it did not come about in time`);
    await delay(100);
  }
}

describe('the Debian package', () => {
  it('is installed by apt with what it depends on, without a network, and runs as its own user', async () => {
    root.must(
      'apt-get',
      'install',
      '-qq',
      '--yes',
      '--no-install-recommends',
      '-o',
      'APT::Sandbox::User=root',
      'systemd',
      'vsmartcard-vpcd',
    );
    root.replaceSystemctl();
    root.must(
      'apt-get',
      'install',
      '-qq',
      '--yes',
      '--no-install-recommends',
      '-o',
      'APT::Sandbox::User=root',
      `/${deb(FORMER)}`,
    );
    expect(installed()).toBe(`ii ${FORMER}`);
    await untilAnswers();
    const [, uid] = /^Uid:\t(\d+)/m.exec(readFileSync(`/proc/${mainPid()}/status`, 'utf8')) ?? [];
    expect(Number(uid)).toBe(Number(root.must('id', '-u', 'kortd').trim()));
    expect(Number(uid)).toBeGreaterThan(0);
    expect(Number(uid)).toBeLessThanOrEqual(999);
    expect(statSync(root.path('/var/lib/kortd')).mode & 0o777).toBe(0o700);
    expect(lstatSync(root.path('/etc/systemd/system/multi-user.target.wants/kortd.service')).isSymbolicLink()).toBe(true);
    expect(lstatSync(root.path('/etc/systemd/system/sockets.target.wants/kortd.socket')).isSymbolicLink()).toBe(true);
    expect(lstatSync(root.path('/etc/systemd/user/graphical-session.target.wants/kortd-agent.service')).isSymbolicLink()).toBe(
      true,
    );
  });

  it('finds every library that its programs load', () => {
    const natives = root.must('find', '/usr/lib/kortd', '-name', '*.node', '-o', '-path', '*/bin/node').trim().split('\n');
    expect(natives.length).toBeGreaterThanOrEqual(5);
    for (const file of natives) expect(root.must('ldd', file), file).not.toContain('not found');
  });

  it('has units that systemd has nothing to say against, and a sandbox of exposure 2.0 at most', () => {
    const units = ['kortd.service', 'kortd.socket'].map((name) => `/lib/systemd/system/${name}`);
    expect(root.must('systemd-analyze', 'verify', '--man=no', ...units)).toBe('');
    expect(
      root.must(
        'env',
        'XDG_RUNTIME_DIR=/run',
        'systemd-analyze',
        'verify',
        '--user',
        '--man=no',
        '/usr/lib/systemd/user/kortd-agent.service',
      ),
    ).toBe('');
    const report = root.must(
      'systemd-analyze',
      'security',
      '--offline=true',
      '--threshold=20',
      '/lib/systemd/system/kortd.service',
    );
    expect(report).toMatch(/Overall exposure level for kortd.service: [01]\.\d/);
  });

  it(`answers within ${READY_MS} ms of its start`, async () => {
    const times: number[] = [];
    while (times.length < STARTS && !times.some((time) => time < READY_MS)) {
      runner('stop');
      const start = performance.now();
      runner('start');
      await untilAnswers();
      times.push(performance.now() - start);
    }
    expect(Math.min(...times), `starts took ${times.join(', ')} ms`).toBeLessThan(READY_MS);
  });

  it('works on a card in a reader of pcscd: lists it, makes a key, signs', async () => {
    const pcscd = root.start('pcscd', '--foreground');
    await until(() => existsSync(root.path('/run/pcscd/pcscd.comm')), 'pcscd listens');
    const card = root.start('kortd', 'simulate', '--card', 'piv', '--vpcd', '127.0.0.1:35963');
    const listed = (): readonly { readonly id: string; readonly kind?: string }[] =>
      call('card.list')['cards'] as readonly { readonly id: string }[];
    await until(() => listed().length > 0, 'the card is listed');
    const reference = { card: listed()[0]?.id };
    const made = call('key.generate', { ...reference, keyReference: '9C', algorithm: 'P-256', managementKey: 'default' });
    const message = Buffer.from('a receipt');
    const digest = createHash('sha256').update(message).digest();
    const parameters = { ...reference, keyReference: '9C', algorithm: 'ES256', digest: digest.toString('base64'), pin: PIN };
    const { signature } = call('sign.digest', parameters);
    const key = { key: publicKeyOf(made), dsaEncoding: 'ieee-p1363' } as const;
    const isSigned = verify('sha256', message, key, Buffer.from(String(signature), 'base64'));
    expect({ made, signature, isSigned }).toMatchObject({ isSigned: true });
    await root.end(card);
    await root.end(pcscd);
  });

  it('keeps what the former version knew when it is upgraded, and a copy of its databases', async () => {
    const before = readdirSync(root.path('/var/lib/kortd')).filter((name) => name.endsWith('.sqlite'));
    expect(before.length).toBeGreaterThan(3);
    const last = Number(call('audit.list')['last']);
    expect(last).toBeGreaterThan(0);
    const pid = mainPid();
    root.must('dpkg', '--install', `/${deb(product.version)}`);
    await untilAnswers();
    expect(installed()).toBe(`ii ${product.version}`);
    expect(mainPid()).not.toBe(pid);
    const former = root.path(`/var/lib/kortd/former/${FORMER}`);
    expect(readdirSync(former)).toEqual(expect.arrayContaining(before));
    expect(statSync(former).mode & 0o777).toBe(0o700);
    expect(Number(call('audit.list')['last'])).toBeGreaterThanOrEqual(last);
  });

  it('refuses to be replaced by an older version, says why, and runs on undisturbed', async () => {
    const pid = mainPid();
    const { status, output } = root.run('dpkg', '--install', `/${deb(FORMER)}`);
    expect(status).not.toBe(0);
    expect(output).toContain(`kortd: ${product.version} was installed here, and ${FORMER} is older`);
    expect(installed()).toBe(`ii ${product.version}`);
    expect(mainPid()).toBe(pid);
    expect(await answers()).toBe(true);
  });

  it('runs on in the former version when an upgrade breaks off half-way', async () => {
    const files = root.must('sh', '-c', 'cd /usr/lib/kortd && find . -type f -exec sha256sum {} + | sort');
    const { status } = root.run('dpkg', '--install', `/${deb(NEXT)}`);
    expect(status).not.toBe(0);
    expect(installed()).toBe(`ii ${product.version}`);
    await untilAnswers();
    expect(mainPid()).not.toBe('');
    expect(root.must('sh', '-c', 'cd /usr/lib/kortd && find . -type f -exec sha256sum {} + | sort')).toBe(files);
    expect(call('system.health')).toMatchObject({ readers: 0 });
  });

  it('ends when it is removed, and keeps its data and settings', () => {
    const pid = mainPid();
    writeFileSync(root.path('/etc/kortd/policy.d/office.json'), '{}\n');
    root.must('dpkg', '--remove', 'kortd');
    expect(isRunning(pid)).toBe(false);
    expect(existsSync(root.path('/usr/lib/kortd'))).toBe(false);
    expect(existsSync(root.path('/run/kortd'))).toBe(false);
    expect(existsSync(root.path('/etc/kortd/policy.d/office.json'))).toBe(true);
    expect(existsSync(root.path('/var/lib/kortd/former'))).toBe(true);
  });

  it('leaves nothing when it is purged: no file, no account, no link', () => {
    const uid = root.must('id', '-u', 'kortd').trim();
    root.must('dpkg', '--purge', 'kortd');
    const logs = ['-path', '/proc', '-prune', '-o', '-path', '/var/log', '-prune', '-o'];
    const mine = ['(', '-name', '*kortd*', '-o', '-uid', uid, '-o', '-gid', uid, ')', '-not', '-name', 'kortd_*.deb', '-print'];
    expect(root.must('find', '/', ...logs, ...mine)).toBe('');
    for (const file of ['passwd', 'group', 'shadow', 'gshadow'])
      expect(readFileSync(root.path(`/etc/${file}`), 'utf8')).not.toContain('kortd');
    expect(
      root
        .run('grep', '-rl', 'kortd', '/etc')
        .output.split('\n')
        .filter((path) => path !== '' && !path.endsWith('-')),
    ).toEqual([]);
    expect(installed()).toContain('no packages found');
  });
});
