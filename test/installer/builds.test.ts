/** Packages as files: the same bytes from two builds, small enough, and nothing that lintian, rpm, tar or a script engine has to say against them. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHECKSUMS_FILE } from '../../installer/checksums.ts';
import { sourceDateEpoch } from '../../installer/epoch.ts';
import { product } from '../../installer/product.ts';
import { polkitRule } from '../../installer/linux/units.ts';
import { must, run } from './debian-root.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** What the product may take of a network or a stick. */
const MAX_BYTES = 60_000_000;
/** Fast, and larger than what is shipped. */
const COMPRESSION = '0';

let first: string;
let second: string;

beforeAll(async () => {
  [first, second] = [mkdtempSync(join(tmpdir(), 'kortd-first-')), mkdtempSync(join(tmpdir(), 'kortd-second-'))];
  const time = { SOURCE_DATE_EPOCH: String(sourceDateEpoch(ROOT)) };
  await Promise.all([
    build(first, { ...time, TZ: 'UTC', LC_ALL: 'C.UTF-8' }),
    build(second, { ...time, TZ: 'Asia/Tokyo', LC_ALL: 'C', USER: 'somebody' }, '077'),
  ]);
});

afterAll(() => {
  for (const folder of [first, second]) rmSync(folder, { recursive: true, force: true });
});

async function build(out: string, environment: NodeJS.ProcessEnv, umask = '022'): Promise<void> {
  const command = [process.execPath, join(ROOT, 'installer', 'package.ts'), '--out', out, '--compression', COMPRESSION];
  const only = ['deb', 'rpm', 'tar'].flatMap((name) => ['--only', name]);
  const child = spawn('sh', ['-c', `umask ${umask}; exec "$@"`, 'sh', ...command, ...only], {
    cwd: out,
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [status] = (await once(child, 'exit')) as [number | null];
  expect(status).toBe(0);
}

function hashes(folder: string): Readonly<Record<string, string>> {
  const names = readdirSync(folder).sort();
  return Object.fromEntries(
    names.map((name) => [
      name,
      createHash('sha256')
        .update(readFileSync(join(folder, name)))
        .digest('hex'),
    ]),
  );
}

const NAMES = {
  deb: `kortd_${product.version}_amd64.deb`,
  rpm: `kortd-${product.version}-1.x86_64.rpm`,
  tar: `kortd-${product.version}-linux-x64.tar.xz`,
} as const;

describe('packages for Linux', () => {
  it('are the same bytes in two builds of other hours, languages, users and places', () => {
    expect(hashes(second)).toEqual(hashes(first));
    expect(Object.keys(hashes(first))).toEqual([...Object.values(NAMES), CHECKSUMS_FILE].sort());
  });

  it('are under 60 MB each', () => {
    for (const name of Object.values(NAMES)) expect(statSync(join(first, name)).size, name).toBeLessThan(MAX_BYTES);
  });

  it('pass lintian without a warning; what it is told to pass over has its reason beside it', () => {
    const { status, output } = run('lintian', [
      '--allow-root',
      '--fail-on',
      'error,warning',
      '--tag-display-limit',
      '0',
      join(first, NAMES.deb),
    ]);
    expect(output.split('\n').filter((line) => /^[EW]:/.test(line))).toEqual([]);
    expect(status).toBe(0);
    const overrides = must('sh', [
      '-c',
      `dpkg-deb --fsys-tarfile "$1" | tar -xO ./usr/share/lintian/overrides/kortd`,
      'sh',
      join(first, NAMES.deb),
    ]);
    for (const [index, line] of overrides.trim().split('\n').entries()) expect(line.startsWith('# ')).toBe(index % 2 === 0);
  });

  it('hold the same files, owned by root and written by nobody else', () => {
    const rows = must('dpkg-deb', ['--contents', join(first, NAMES.deb)])
      .trim()
      .split('\n');
    for (const row of rows) expect(row, row).toMatch(/^[-d](rw-r--r--|rwxr-xr-x) root[/]root /);
    const inDeb = rows.filter((row) => row.startsWith('-')).map((row) => row.split(/\s+/)[5]?.slice(1));
    const inRpm = must('rpm', ['-qp', '--qf', '[%{FILEMODES:perms} %{FILEUSERNAME} %{FILENAMES}\n]', join(first, NAMES.rpm)])
      .trim()
      .split('\n');
    for (const row of inRpm) expect(row, row).toMatch(/^[-d](rw-r--r--|rwxr-xr-x) root /);
    const files = inRpm.filter((row) => row.startsWith('-')).map((row) => row.split(' ')[2]);
    const onlyDebian = (path: string | undefined): boolean => /changelog\.gz$|lintian/.test(path ?? '');
    expect(files.sort()).toEqual(inDeb.filter((path) => !onlyDebian(path)).sort());
  });

  it('bring their documentation, which fetches nothing from elsewhere, and the files for monitoring', () => {
    const folder = mkdtempSync(join(tmpdir(), 'kortd-documents-'));
    must('dpkg-deb', ['--extract', join(first, NAMES.deb), folder]);
    const documents = join(folder, 'usr/share/doc/kortd');
    expect(readdirSync(join(documents, 'monitoring'))).toEqual(
      expect.arrayContaining(['grafana-dashboard.json', 'kortd-alerts.yaml', 'prometheus-scrape.yaml']),
    );
    const guide = readFileSync(join(documents, 'html', 'administrator.html'), 'utf8');
    expect(guide).toContain('<h1');
    for (const [, address = ''] of guide.matchAll(/(?:src|<link[^>]* href)="([^"#]+)"/g))
      expect(existsSync(join(documents, 'html', address)), address).toBe(true);
    const inTar = must('tar', ['-tf', join(first, NAMES.tar)]).split('\n');
    expect(inTar).toContain(`kortd-${product.version}-linux-x64/doc/html/administrator.html`);
    rmSync(folder, { recursive: true });
  });

  it('can be listed by rpm, with scripts that a shell reads and nothing of the machine that built it', () => {
    const file = join(first, NAMES.rpm);
    expect(must('rpm', ['-qpl', file])).toContain('/usr/lib/kortd/dist/main.js\n');
    expect(must('rpm', ['-qp', '--qf', '%{NAME} %{VERSION} %{ARCH} %{OS} %{BUILDHOST}', file])).toBe(
      `kortd ${product.version} x86_64 linux localhost`,
    );
    expect(must('rpm', ['-qpc', file])).toBe('/etc/xdg/autostart/kortd-agent.desktop\n');
    for (const name of ['PREIN', 'POSTIN', 'PREUN', 'POSTUN']) {
      const script = join(first, '..', `${name}-${process.pid}.sh`);
      writeFileSync(script, must('rpm', ['-qp', '--qf', `%{${name}}`, file]));
      must('sh', ['-n', script]);
      rmSync(script);
    }
  });

  it('start from any folder, where only the archive is unpacked', () => {
    const folder = mkdtempSync(join(tmpdir(), 'kortd-unpacked-'));
    must('tar', ['-C', folder, '-xf', join(first, NAMES.tar)]);
    const program = join(folder, `kortd-${product.version}-linux-x64`, 'kortd');
    expect(must(program, ['--version']).trim()).toBe(product.version);
    rmSync(folder, { recursive: true });
  });

  it('let the service at readers by a rule that the engine of polkit takes', () => {
    const folder = mkdtempSync(join(tmpdir(), 'kortd-polkit-'));
    const file = join(folder, 'rule.js');
    const engine = `var rules = []; var polkit = { addRule: function (rule) { rules.push(rule); }, Result: { YES: 'yes', NOT_HANDLED: null } };`;
    const ask = `function ask(user, id) { return String(rules[0]({ id: id }, { user: user })); }
print([ask('kortd', 'org.debian.pcsc-lite.access_pcsc'), ask('kortd', 'org.debian.pcsc-lite.access_card'), ask('anna', 'org.debian.pcsc-lite.access_card'), ask('kortd', 'org.freedesktop.login1.reboot')].join(' '));`;
    writeFileSync(file, `${engine}\n${polkitRule}\n${ask}\n`);
    expect(must('duk', [file]).trim()).toBe('yes yes null null');
    rmSync(folder, { recursive: true });
  });
});
