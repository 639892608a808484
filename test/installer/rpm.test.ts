/**
 * The RPM package's whole life, by rpm itself: installed, upgraded, refused as a downgrade, gone back from, removed. The system is a Debian with its own systemd, so that what
 * it depends on comes by other names and rpm is told not to look; what the package does, its scripts and its service are as on every system.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sourceDateEpoch } from '../../installer/epoch.ts';
import { debianDepends } from '../../installer/linux/deb.ts';
import { buildRpm } from '../../installer/linux/rpm.ts';
import { product } from '../../installer/product.ts';
import { DebianRoot } from './debian-root.ts';
import { InstalledService, answers, apt, install } from './installed-service.ts';
import { rootArchive } from './prepare-root.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const FORMER = '0.0.9';
const NEXT = '9.9.9';
/** What every version is kept from starting by. */
const UNFIT = '[Service]\nExecStart=\nExecStart=/bin/false\n';
const FOLDER = '/var/lib/kortd';

let root: DebianRoot;
let kortd: InstalledService;
let work: string;

beforeAll(() => {
  expect(process.env['KORTD_PRIVATE_NAMESPACES'], 'this runs in namespaces of its own: scripts/test.mjs makes them').toBe('1');
  work = mkdtempSync(join(ROOT, 'build', 'rpm-'));
  root = new DebianRoot(rootArchive());
  kortd = new InstalledService(root);
  for (const version of [FORMER, product.version, NEXT]) {
    const folder = join(work, version);
    const target = { platform: 'linux', arch: 'x64' } as const;
    const name = buildRpm({ root: ROOT, out: work, work: folder, epoch: sourceDateEpoch(ROOT), target, compression: 0, version });
    copyFileSync(join(work, name), root.path(fileOf(version)));
    rmSync(folder, { recursive: true, force: true });
  }
});

afterAll(async () => {
  await root[Symbol.asyncDispose]();
  rmSync(work, { recursive: true, force: true });
});

function fileOf(version: string): string {
  return `/kortd-${version}-1.x86_64.rpm`;
}

/** Debian's rpm wants to be told that it is meant. */
function rpm(...parameters: readonly string[]): ReturnType<DebianRoot['run']> {
  return root.run('rpm', '--force-debian', '--nodeps', ...parameters);
}

/** What systemd and its tools tell of what they do is no complaint. */
function mustRpm(...parameters: readonly string[]): void {
  const { status, output } = rpm(...parameters);
  const complaints = output.split('\n').filter((line) => line !== '' && !/^(Created symlink|Creating|Removed) /.test(line));
  expect({ status, complaints }).toEqual({ status: 0, complaints: [] });
}

function installed(): string {
  return root.run('rpm', '--query', '--queryformat', '%{VERSION}', 'kortd').output.trim();
}

function lastRecord(): number {
  return Number(kortd.call('audit.list')['last']);
}

describe('the RPM package', () => {
  it('is installed by rpm and runs as its own user', async () => {
    install(root, 'systemd', 'rpm', 'vsmartcard-vpcd');
    apt(root, 'satisfy', debianDepends.join(', '));
    await root.boot();
    mustRpm('--install', fileOf(FORMER));
    expect(installed()).toBe(FORMER);
    await kortd.untilAnswers();
    expect(kortd.property('ActiveState')).toBe('active');
    expect(root.must('stat', '--format=%U', `/proc/${kortd.mainPid}`).trim()).toBe('kortd');
    expect(statSync(root.path(FOLDER)).mode & 0o777).toBe(0o700);
    expect(kortd.property('UnitFileState')).toBe('enabled');
    expect(root.must('rpm', '--verify', '--nodeps', 'kortd')).toBe('');
  });

  it('keeps what the former version knew when it is upgraded, and a copy of its databases', async () => {
    kortd.call('system.reload'); // is an act, and so has a record
    const last = lastRecord();
    expect(last).toBeGreaterThan(0);
    const databases = readdirSync(root.path(FOLDER)).filter((name) => name.endsWith('.sqlite'));
    mustRpm('--upgrade', fileOf(product.version));
    await kortd.untilAnswers();
    expect(installed()).toBe(product.version);
    expect(readdirSync(root.path(`${FOLDER}/former/${FORMER}`))).toEqual(expect.arrayContaining(databases));
    expect(existsSync(root.path(`${FOLDER}/former/unproven`))).toBe(false);
    expect(lastRecord()).toBeGreaterThanOrEqual(last);
  });

  it('is not replaced by an older version, and runs on undisturbed', async () => {
    const pid = kortd.mainPid;
    const { status, output } = rpm('--upgrade', fileOf(FORMER));
    expect(status).not.toBe(0);
    expect(output).toContain('newer');
    expect([installed(), kortd.mainPid]).toEqual([product.version, pid]);
    expect(await answers()).toBe(true);
  });

  it('leaves the former version running when its databases cannot be kept', async () => {
    const kept = root.path(`${FOLDER}/former`);
    renameSync(kept, `${kept}-aside`);
    writeFileSync(kept, 'in the way');
    const { status, output } = rpm('--upgrade', fileOf(NEXT));
    rmSync(kept);
    renameSync(`${kept}-aside`, kept);
    expect(status).not.toBe(0);
    expect(output).toContain(`kortd: ${NEXT} is not installed; ${product.version} runs on`);
    await kortd.untilAnswers();
    expect(installed()).toBe(product.version);
    expect(existsSync(root.path(`${FOLDER}/former/unproven`))).toBe(false);
  });

  it('says how to go back when the new version does not become ready, and goes back by that one command', async () => {
    const last = lastRecord();
    const folder = root.path('/etc/systemd/system/kortd.service.d');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'unfit.conf'), UNFIT);
    const { output } = rpm('--upgrade', fileOf(NEXT));
    rmSync(folder, { recursive: true });
    root.must('systemctl', 'daemon-reload');
    expect(output).toContain(`kortd: ${NEXT} is installed, but its service does not become ready`);
    const [, command = ''] = /databases that it had: rpm (.+)$/m.exec(output) ?? [];
    expect(command).toBe(`--upgrade --oldpackage kortd-${product.version}-1.x86_64.rpm`);
    expect(installed()).toBe(NEXT);
    mustRpm(...command.split(' ').slice(0, -1), fileOf(product.version));
    await kortd.untilAnswers();
    expect(installed()).toBe(product.version);
    expect(lastRecord()).toBeGreaterThanOrEqual(last);
    expect(existsSync(root.path(`${FOLDER}/former/unproven`))).toBe(false);
  });

  it('ends when it is removed, and keeps its data', async () => {
    mustRpm('--erase', 'kortd');
    expect(await answers()).toBe(false);
    expect(existsSync(root.path('/usr/lib/kortd'))).toBe(false);
    expect(existsSync(root.path('/run/kortd'))).toBe(false);
    expect(existsSync(root.path(`${FOLDER}/audit.sqlite`))).toBe(true);
    const links = root.run('find', '/etc/systemd', '-name', 'kortd*').output;
    expect(links).toBe('');
  });
});
