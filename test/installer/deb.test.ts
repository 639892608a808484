/**
 * The Debian package's whole life in a clean Debian with its own systemd as process 1: installed by apt without a network, started by its unit as its own user in its sandbox,
 * used on a card behind the real pcscd, upgraded over databases of former versions, refused as a downgrade, broken off half-way, gone back from, removed, purged. One test
 * builds upon the other.
 */
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sourceDateEpoch } from '../../installer/epoch.ts';
import { buildDeb } from '../../installer/linux/deb.ts';
import { product } from '../../installer/product.ts';
import { DebianRoot, must } from './debian-root.ts';
import { InstalledService, answers, install, until } from './installed-service.ts';
import { rootArchive } from './prepare-root.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const FORMER = '0.0.9';
const NEXT = '9.9.9';
/** Starts, changes a database as a migration does, and gives up. */
const UNFIT = '1.0.0';
const UNFIT_PROGRAM = `import { DatabaseSync } from 'node:sqlite';
if (process.argv.includes('serve')) {
  for (const name of ['audit', 'roles']) new DatabaseSync('/var/lib/kortd/' + name + '.sqlite').exec('CREATE TABLE later (x); PRAGMA user_version = 99');
  console.error('this version is not fit');
  process.exit(1);
}
`;
/** Of the databases that have had one: what is in them is taken further by the program of these days. */
const FORMER_SCHEMAS = ['access.sqlite', 'roles.sqlite', 'wrong-pins.sqlite'];
/** Of the watchdog, for one test. Its signs come twice as often. */
const WATCHDOG_SECONDS = 4;
/** TEST-NET-1 (RFC 5737), given to the loopback interface: sent to by who is not confined. */
const NOT_LOOPBACK = '192.0.2.1';
const PIN = '123456';
/** Of the issue of the release: the service answers in a second. A machine that is busy elsewhere gets the best of a few starts. */
const READY_MS = 1_000;
const STARTS = 8;
/** Twice as many as systemd begins by itself in ten seconds unless it is told otherwise (systemd-system.conf(5), DefaultStartLimitBurst=). */
const FAILURES = 10;
const FAILING_MS = 120_000;
/** SD_MESSAGE_UNIT_RESTART_SCHEDULED, as kortd doctor asks for it. */
const RESTARTS = ['--output', 'cat', '--quiet', 'MESSAGE_ID=5eb03494b6584870a536b337290809b3'];

/** Tries what the sandbox forbids. Each gives "allowed", or why not. */
const PROBE = `import { existsSync, readFileSync, readdirSync, openSync, writeFileSync } from 'node:fs';
import { createSocket } from 'node:dgram';
import { spawnSync } from 'node:child_process';
const tried = {};
const attempt = (name, act) => {
  try { act(); tried[name] = 'allowed'; } catch (error) { tried[name] = error.code ?? error.message; }
};
const command = (...words) => {
  const { status, stderr } = spawnSync(words[0], words.slice(1), { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr.includes('not permitted') ? 'not permitted' : stderr);
};
attempt('writeProgram', () => writeFileSync('/usr/lib/probe', ''));
attempt('writeSettings', () => writeFileSync('/etc/probe', ''));
attempt('readHomes', () => readdirSync('/home'));
attempt('readTemporaryOfOthers', () => readFileSync('/tmp/of-others'));
attempt('openKernelLog', () => openSync('/dev/kmsg', 1));
attempt('openDevice', () => openSync('/dev/other', 1));
attempt('seeProcesses', () => { if (!existsSync('/proc/1/status')) throw new Error('hidden'); });
attempt('makeNamespace', () => command('/usr/bin/unshare', '--mount', 'true'));
tried.sendElsewhere = await new Promise((resolve) => {
  const socket = createSocket('udp4');
  socket.send('x', 9, process.argv[2], (error) => resolve(error?.code ?? 'allowed'));
});
const text = JSON.stringify(tried);
writeFileSync('/var/lib/kortd/probe.json', text);
console.log(text);
process.exit(0);
`;
const CONFINED = {
  writeProgram: 'EROFS',
  writeSettings: 'EROFS',
  readHomes: 'EACCES',
  readTemporaryOfOthers: 'ENOENT',
  openKernelLog: 'EACCES',
  openDevice: 'EPERM',
  seeProcesses: 'hidden',
  makeNamespace: 'not permitted',
  sendElsewhere: 'EPERM',
};

let root: DebianRoot;
let kortd: InstalledService;
let work: string;

beforeAll(() => {
  expect(process.env['KORTD_PRIVATE_NAMESPACES'], 'this runs in namespaces of its own: scripts/test.mjs makes them').toBe('1');
  work = mkdtempSync(join(ROOT, 'build', 'deb-'));
  root = new DebianRoot(rootArchive());
  kortd = new InstalledService(root);
  for (const version of [FORMER, product.version, NEXT]) copyFileSync(build(version), root.path(`/${deb(version)}`));
  breakInTheMiddle(root.path(`/${deb(NEXT)}`));
  makeUnfit(root.path(`/${deb(UNFIT)}`));
});

afterAll(async () => {
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

/** A good package with another program inside. */
function makeUnfit(file: string): void {
  const folder = join(work, 'unfit');
  must('dpkg-deb', ['--raw-extract', join(work, deb(product.version)), folder]);
  writeFileSync(join(folder, 'usr/lib/kortd/dist/main.js'), UNFIT_PROGRAM);
  for (const name of ['control', 'preinst', 'postinst']) {
    const place = join(folder, 'DEBIAN', name);
    writeFileSync(place, readFileSync(place, 'utf8').replace(/^(Version: |version=).*$/m, `$1${UNFIT}`));
  }
  must('dpkg-deb', ['--root-owner-group', '-Znone', '--build', folder, file]);
  rmSync(folder, { recursive: true });
}

function installed(): string {
  return root.run('dpkg-query', '--show', '--showformat', '${db:Status-Abbrev}${Version}', 'kortd').output.trim();
}

function isRunning(pid: string): boolean {
  return pid !== '' && existsSync(root.path(`/proc/${pid}`));
}

function statusOf(pid: string): Readonly<Record<string, string>> {
  const lines = readFileSync(root.path(`/proc/${pid}/status`), 'utf8')
    .trim()
    .split('\n');
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]));
}

/** Of what key.generate gave. */
function publicKeyOf(made: Record<string, unknown>): KeyObject {
  const { publicKey } = made['key'] as { readonly publicKey: string };
  return createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' });
}

function schemaOf(file: string): number {
  using database = new DatabaseSync(root.disk(file), { readOnly: true });
  return Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
}

/** What a program may do under the lines of a unit, or without any. */
function probe(unit?: string): Readonly<Record<string, string>> {
  writeFileSync(root.path('/usr/lib/probe.mjs'), PROBE);
  writeFileSync(root.path('/tmp/of-others'), '');
  // Whoever may use devices may open it for writing (Linux, devkmsg_open).
  for (const name of ['kmsg', 'other'])
    if (!existsSync(root.path(`/dev/${name}`))) root.must('mknod', '--mode=666', `/dev/${name}`, 'c', '1', '11');
  const command = ['/usr/lib/kortd/bin/node', '/usr/lib/probe.mjs', NOT_LOOPBACK];
  if (unit === undefined) return lastJson(root.must(...command));
  const text = readFileSync(root.path(`/lib/systemd/system/${unit}`), 'utf8')
    .replace(/^ExecStart=.*$/m, `ExecStart=${command.join(' ')}`)
    .replace('Type=notify', 'Type=oneshot')
    .replace(/^(ExecStartPost|Restart|WatchdogSec)=.*\n/gm, '');
  writeFileSync(root.path('/run/systemd/system/probe.service'), text);
  root.must('systemctl', 'daemon-reload');
  root.must('systemctl', 'start', 'probe.service');
  rmSync(root.path('/run/systemd/system/probe.service'));
  return lastJson(readFileSync(root.path('/var/lib/kortd/probe.json'), 'utf8'));
}

function lastJson(text: string): Readonly<Record<string, string>> {
  return JSON.parse(text.trim().split('\n').at(-1) ?? '') as Readonly<Record<string, string>>;
}

describe('the Debian package', () => {
  it('is installed by apt with what it depends on, without a network, and runs as its own user', async () => {
    install(root, 'systemd', 'vsmartcard-vpcd');
    await root.boot();
    install(root, `/${deb(FORMER)}`);
    expect(installed()).toBe(`ii ${FORMER}`);
    await kortd.untilAnswers();
    expect(kortd.property('ActiveState')).toBe('active');
    expect(kortd.property('StatusText')).toBe(`Serving http://127.0.0.1:${product.ports.api}`);
    const [uid] = statusOf(kortd.mainPid)['Uid']?.split('\t') ?? [];
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
      kortd.control('stop');
      root.must('systemctl', 'start', '--no-block', 'kortd.service');
      await kortd.untilAnswers();
      // Both clocks are CLOCK_MONOTONIC.
      const answered = Number(process.hrtime.bigint() / 1_000n);
      times.push((answered - Number(kortd.property('ExecMainStartTimestampMonotonic'))) / 1_000);
    }
    expect(Math.min(...times), `starts took ${times.join(', ')} ms`).toBeLessThan(READY_MS);
  });

  it('runs in the sandbox that its unit asks for', () => {
    const { CapEff, CapBnd, NoNewPrivs, Seccomp, Groups } = statusOf(kortd.mainPid);
    const dialout = root.must('getent', 'group', 'dialout').split(':')[2];
    expect({ CapEff: Number(CapEff), CapBnd: Number(CapBnd), NoNewPrivs, Seccomp }).toEqual({
      CapEff: 0,
      CapBnd: 0,
      NoNewPrivs: '1',
      Seccomp: '2',
    });
    expect(Groups?.split(' ').sort()).toEqual([dialout, root.must('id', '-g', 'kortd').trim()].sort());
    must('ip', ['address', 'replace', `${NOT_LOOPBACK}/32`, 'dev', 'lo']);
    expect(probe('kortd.service')).toEqual(CONFINED);
    // The same program without the sandbox: each of these is there to be had.
    expect(probe()).toEqual(Object.fromEntries(Object.keys(CONFINED).map((name) => [name, 'allowed'])));
  });

  it('is started by the first connection to its socket, of a member of its group', () => {
    root.must('useradd', '--create-home', '--groups', 'kortd', 'anna');
    kortd.control('stop');
    expect(kortd.property('ActiveState')).toBe('inactive');
    const anna = ['setpriv', '--reuid=anna', '--regid=anna', '--init-groups', 'env', 'HOME=/home/anna'];
    expect(JSON.parse(root.must(...anna, '/usr/bin/kortd', 'call', 'system.info', '{}'))).toMatchObject({
      version: root.must('kortd', '--version').trim(),
    });
    expect(kortd.property('ActiveState')).toBe('active');
    root.must('useradd', '--create-home', 'bo');
    const other = ['setpriv', '--reuid=bo', '--regid=bo', '--init-groups', 'env', 'HOME=/home/bo'];
    expect(root.run(...other, '/usr/bin/kortd', 'call', 'system.info', '{}').status).not.toBe(0);
  });

  it('reads its policy anew when systemd says so, and is ready again', async () => {
    const pid = kortd.mainPid;
    const policy = root.path('/etc/kortd/policy.d/broken.json');
    writeFileSync(policy, '{');
    kortd.control('reload');
    await until(() => JSON.stringify(kortd.call('system.health')['problems']).includes('broken.json'), 'the new file is read');
    rmSync(policy);
    kortd.control('reload');
    await until(() => JSON.stringify(kortd.call('system.health')['problems']) === '[]', 'it is read that the file is gone');
    await until(() => kortd.property('ActiveState') === 'active', 'systemd is told that it is ready');
    expect(kortd.mainPid).toBe(pid);
  });

  it('is ended and started again by systemd when it hangs', async () => {
    const folder = root.path('/run/systemd/system/kortd.service.d');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'watchdog.conf'), `[Service]\nWatchdogSec=${WATCHDOG_SECONDS}\n`);
    root.must('systemctl', 'daemon-reload');
    kortd.control('restart');
    const pid = kortd.mainPid;
    root.must('systemctl', 'kill', '--kill-whom=main', '--signal=STOP', 'kortd.service');
    await until(() => kortd.mainPid !== '' && kortd.mainPid !== pid, 'another process has taken its place');
    await kortd.untilAnswers();
    expect(isRunning(pid)).toBe(false);
    expect(kortd.journal).toContain('Watchdog timeout');
    rmSync(folder, { recursive: true });
    root.must('systemctl', 'daemon-reload');
    kortd.control('restart');
  });

  it(`is up again by itself when what made ${FAILURES} starts fail is gone, and so is its socket`, async () => {
    kortd.control('stop');
    const other = createServer().listen(product.ports.api, '127.0.0.1');
    await once(other, 'listening');
    root.run('systemctl', 'start', 'kortd.service');
    // A program of a member waits meanwhile: the socket would begin each start too.
    const waiting = root.start(
      'setpriv',
      '--reuid=anna',
      '--regid=kortd',
      '--clear-groups',
      '/usr/bin/kortd',
      'call',
      'system.info',
    );
    const started = Date.now();
    await until(() => Number(kortd.property('NRestarts')) >= FAILURES, `${FAILURES} starts have failed`, FAILING_MS);
    expect(Date.now() - started).toBeGreaterThan((FAILURES - 1) * product.service.restartSeconds * 1_000);
    const { findings } = JSON.parse(root.run('kortd', 'doctor', '--json').output) as {
      findings: readonly { readonly id: string }[];
    };
    expect(findings.map(({ id }) => id)).toEqual(expect.arrayContaining(['daemon_fails', 'port_taken']));
    const restarts = root.must(
      ...['journalctl', '--unit', 'kortd.service', '--since', `@${Math.floor(started / 1_000)}`],
      ...RESTARTS,
    );
    expect(restarts.trim().split('\n').length).toBeGreaterThanOrEqual(FAILURES - 1);
    other.close();
    await kortd.untilAnswers();
    await until(() => kortd.property('ActiveState') === 'active', 'systemd is told that it is ready');
    await root.end(waiting);
    const anna = ['setpriv', '--reuid=anna', '--regid=anna', '--init-groups', 'env', 'HOME=/home/anna'];
    expect(root.must(...anna, '/usr/bin/kortd', 'status')).toContain('as a service of this computer');
    expect(root.must('systemctl', 'is-active', 'kortd.socket').trim()).toBe('active');
  });

  it('may use readers and cards where polkitd decides: by its rule, and nobody else by it', () => {
    install(root, 'polkitd');
    // Debian 12 builds pcscd without polkit; these are the actions of one that asks (pcsc-lite, doc/org.debian.pcsc-lite.policy.in).
    const actions = ['access_pcsc', 'access_card'].map((name) => `org.debian.pcsc-lite.${name}`);
    const defaults = '<allow_any>no</allow_any><allow_inactive>no</allow_inactive><allow_active>yes</allow_active>';
    const declared = actions.map((id) => `<action id="${id}"><message>${id}</message><defaults>${defaults}</defaults></action>`);
    writeFileSync(
      root.path('/usr/share/polkit-1/actions/org.debian.pcsc-lite.policy'),
      `<?xml version="1.0"?><policyconfig>${declared.join('')}</policyconfig>`,
    );
    const isAllowed = (user: string): readonly boolean[] =>
      actions.map((id) => {
        const check = `exec pkcheck --action-id ${id} --process $$`;
        return root.run('setpriv', `--reuid=${user}`, `--regid=${user}`, '--init-groups', 'sh', '-c', check).status === 0;
      });
    root.must('systemctl', 'restart', 'polkit.service');
    expect({ kortd: isAllowed('kortd'), bo: isAllowed('bo') }).toEqual({ kortd: [true, true], bo: [false, false] });
    const rule = root.path('/usr/share/polkit-1/rules.d/50-kortd.rules');
    const away = root.path('/var/tmp/50-kortd.rules');
    renameSync(rule, away);
    root.must('systemctl', 'restart', 'polkit.service');
    expect(isAllowed('kortd')).toEqual([false, false]);
    renameSync(away, rule);
    root.must('systemctl', 'restart', 'polkit.service');
    expect(root.run('journalctl', '--output=cat', '--unit', 'polkit').output).not.toContain('Error compiling');
  });

  it('works on a card in a reader of pcscd: lists it, makes a key, signs', async () => {
    root.must('systemctl', 'start', 'pcscd.service');
    const card = root.start('kortd', 'simulate', '--card', 'piv', '--vpcd', '127.0.0.1:35963');
    const listed = (): readonly { readonly id: string; readonly kind?: string }[] =>
      kortd.call('card.list')['cards'] as readonly { readonly id: string }[];
    await until(() => listed().length > 0, 'the card is listed');
    const reference = { card: listed()[0]?.id };
    const made = kortd.call('key.generate', { ...reference, keyReference: '9C', algorithm: 'P-256', managementKey: 'default' });
    const message = Buffer.from('a receipt');
    const digest = createHash('sha256').update(message).digest();
    const parameters = { ...reference, keyReference: '9C', algorithm: 'ES256', digest: digest.toString('base64'), pin: PIN };
    const { signature } = kortd.call('sign.digest', parameters);
    const key = { key: publicKeyOf(made), dsaEncoding: 'ieee-p1363' } as const;
    const isSigned = verify('sha256', message, key, Buffer.from(String(signature), 'base64'));
    expect({ made, signature, isSigned }).toMatchObject({ isSigned: true });
    await root.end(card);
  });

  it('keeps what the former version knew when it is upgraded, and a copy of its databases', async () => {
    const before = readdirSync(root.path('/var/lib/kortd')).filter((name) => name.endsWith('.sqlite'));
    expect(before.length).toBeGreaterThan(3);
    const last = Number(kortd.call('audit.list')['last']);
    expect(last).toBeGreaterThan(0);
    const pid = kortd.mainPid;
    kortd.control('stop');
    for (const name of FORMER_SCHEMAS) {
      using database = new DatabaseSync(root.disk(`/var/lib/kortd/${name}`));
      database.exec('PRAGMA user_version = 1; PRAGMA application_id = 0');
    }
    root.must('dpkg', '--install', `/${deb(product.version)}`);
    await kortd.untilAnswers();
    for (const name of FORMER_SCHEMAS) {
      expect(schemaOf(`/var/lib/kortd/${name}`), name).toBe(2);
      expect(schemaOf(`/var/lib/kortd/former/${FORMER}/${name}`), name).toBe(1);
    }
    expect(existsSync(root.path('/var/lib/kortd/former/unproven'))).toBe(false);
    expect(installed()).toBe(`ii ${product.version}`);
    expect(kortd.mainPid).not.toBe(pid);
    const former = root.path(`/var/lib/kortd/former/${FORMER}`);
    expect(readdirSync(former)).toEqual(expect.arrayContaining(before));
    expect(statSync(former).mode & 0o777).toBe(0o700);
    expect(Number(kortd.call('audit.list')['last'])).toBeGreaterThanOrEqual(last);
  });

  it('refuses to be replaced by an older version, says why, and runs on undisturbed', async () => {
    const pid = kortd.mainPid;
    const { status, output } = root.run('dpkg', '--install', `/${deb(FORMER)}`);
    expect(status).not.toBe(0);
    expect(output).toContain(`kortd: ${product.version} was installed here, and ${FORMER} is older`);
    expect(installed()).toBe(`ii ${product.version}`);
    expect(kortd.mainPid).toBe(pid);
    expect(await answers()).toBe(true);
  });

  it('runs on in the former version when an upgrade breaks off half-way', async () => {
    const files = root.must('sh', '-c', 'cd /usr/lib/kortd && find . -type f -exec sha256sum {} + | sort');
    const { status } = root.run('dpkg', '--install', `/${deb(NEXT)}`);
    expect(status).not.toBe(0);
    expect(installed()).toBe(`ii ${product.version}`);
    await kortd.untilAnswers();
    expect(kortd.mainPid).not.toBe('');
    expect(root.must('sh', '-c', 'cd /usr/lib/kortd && find . -type f -exec sha256sum {} + | sort')).toBe(files);
    expect(kortd.call('system.health')).toMatchObject({ status: 'ok' });
  });

  it('says how to go back when the new version does not become ready, and goes back with its databases by that one command', async () => {
    const last = Number(kortd.call('audit.list')['last']);
    const { status, output } = root.run('dpkg', '--install', `/${deb(UNFIT)}`);
    expect(status).not.toBe(0);
    expect(output).toContain(`kortd: ${UNFIT} is installed, but its service does not become ready`);
    const [, command = ''] = /^kortd: to go back to .*: (dpkg --install \S+)$/m.exec(output) ?? [];
    expect(command).toBe(`dpkg --install ${deb(product.version)}`);
    expect(schemaOf('/var/lib/kortd/audit.sqlite')).toBe(99);
    const back = root.must('sh', '-c', `cd / && ${command}`);
    expect(back).toContain(`going back from ${UNFIT}`);
    await kortd.untilAnswers();
    expect(installed()).toBe(`ii ${product.version}`);
    expect(schemaOf('/var/lib/kortd/audit.sqlite')).not.toBe(99);
    expect(schemaOf(`/var/lib/kortd/former/${UNFIT}/audit.sqlite`)).toBe(99);
    expect(kortd.call('system.health')).toMatchObject({ problems: [] });
    expect(Number(kortd.call('audit.list')['last'])).toBeGreaterThanOrEqual(last);
    expect(kortd.call('audit.verify')).toMatchObject({ ok: true });
    // It was ready: nobody goes back behind it unasked.
    expect(existsSync(root.path('/var/lib/kortd/former/unproven'))).toBe(false);
    expect(root.run('dpkg', '--install', `/${deb(FORMER)}`).status).not.toBe(0);
    expect(await answers()).toBe(true);
  });

  it('ends when it is removed, and keeps its data and settings', () => {
    const pid = kortd.mainPid;
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
