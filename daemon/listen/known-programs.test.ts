/** Names of programs, of real files: which .desktop files count, and which do not. */
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KnownPrograms } from './known-programs.ts';

let root: string;
let bin: string;
let applications: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'kortd-programs-')));
  [bin, applications] = [join(root, 'bin'), join(root, 'applications')];
  for (const folder of [bin, applications]) mkdirSync(folder, { mode: 0o755 });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function install(name: string, mode = 0o755): string {
  const path = join(bin, name);
  writeFileSync(path, '');
  chmodSync(path, mode);
  return path;
}

interface Described {
  readonly exec: string;
  readonly name?: string;
  readonly more?: string;
  readonly mode?: number;
}

function describeProgram(file: string, { exec, name = 'The Browser', more = '', mode = 0o644 }: Described): void {
  const path = join(applications, `${file}.desktop`);
  writeFileSync(path, `# about it\n[Desktop Entry]\nType=Application\nName=${name}\n${more}Exec=${exec}\n`);
  chmodSync(path, mode);
}

const known = (options: object = {}): KnownPrograms =>
  new KnownPrograms({ folders: [applications], commandFolders: [bin], owner: process.getuid?.() ?? 0, ...options });

describe('a program', () => {
  it('has the name of the .desktop file whose Exec it is, in both languages', () => {
    const path = install('browser');
    describeProgram('browser', { exec: `${path} %u`, more: 'Name[sv]=Webbläsaren\nName[de]=Andere\n' });
    expect(known().nameOf(path)).toEqual({ en: 'The Browser', sv: 'Webbläsaren' });
    expect(known().nameOf(join(bin, 'other'))).toBeUndefined();
  });

  it.each([
    ['without a path', () => 'browser'],
    ['in quotation marks', () => `"${join(bin, 'browser')}" --class "A b" %U`.replace(' "A b"', '')],
    ['by a link', () => join(bin, 'x-www-browser')],
  ])('is found by a command %s', (_, exec) => {
    const path = install('browser');
    symlinkSync(path, join(bin, 'x-www-browser'));
    describeProgram('browser', { exec: exec() });
    expect(known().nameOf(path)).toMatchObject({ en: 'The Browser' });
  });

  it('has the name of its plainest command, and none where two are as plain', () => {
    const path = install('office');
    describeProgram('calc', { exec: `${path} --calc %U`, name: 'Calc' });
    describeProgram('writer', { exec: `${path} --writer %U`, name: 'Writer' });
    expect(known().nameOf(path)).toBeUndefined();
    describeProgram('office', { exec: `${path} %U`, name: 'Office' });
    expect(known().nameOf(path)).toMatchObject({ en: 'Office' });
  });

  it.each(['python3.11', 'bash', 'node', 'flatpak', 'env', 'java', 'gjs'])('that runs others’ programs (%s) has none', (name) => {
    const path = install(name);
    describeProgram('it', { exec: path });
    expect(known().nameOf(path)).toBeUndefined();
  });

  it('that is told what to run has none', () => {
    const path = install('terminal');
    describeProgram('mail', { exec: `${path} -e mutt` });
    expect(known().nameOf(path)).toBeUndefined();
  });
});

describe('a .desktop file', () => {
  it.each([
    ['that others can write', { mode: 0o666 }],
    ['that its group can write', { mode: 0o664 }],
    ['that is hidden', { more: 'Hidden=true\n' }],
    ['of a link', { more: 'X=1\n[Other Group]\n' }],
    ['with an empty name', { name: ' \u202e ' }],
  ])('%s does not count', (_, more) => {
    const path = install('browser');
    describeProgram('browser', { exec: path, ...more });
    expect(known().nameOf(path)).toBeUndefined();
  });

  it('of another user, in a folder that others can write, or for a program that others can write does not count', () => {
    const path = install('browser');
    describeProgram('browser', { exec: path });
    expect(known({ owner: (process.getuid?.() ?? 0) + 1 }).nameOf(path)).toBeUndefined();
    chmodSync(applications, 0o777);
    expect(known().nameOf(path)).toBeUndefined();
    chmodSync(applications, 0o755);
    expect(known().nameOf(path)).toBeDefined();
    chmodSync(path, 0o777);
    expect(known().nameOf(path)).toBeUndefined();
  });

  it('gives a name that is one line, bounded, without what cannot be seen', () => {
    const path = install('browser');
    describeProgram('browser', { exec: path, name: `A\u202eB (/usr/bin/ssh)\u0007 ${'x'.repeat(5_000)}` });
    const { en = '' } = known().nameOf(path) ?? {};
    expect(en).toMatch(/^A B \/usr\/bin\/ssh x+$/);
    expect(en).toHaveLength(40);
  });

  it('of any bytes, any size, or a folder in its place does no harm', () => {
    const path = install('browser');
    writeFileSync(join(applications, 'a.desktop'), Buffer.alloc(300_000, 0xff), { mode: 0o644 });
    writeFileSync(join(applications, 'b.desktop'), '', { mode: 0o644 });
    mkdirSync(join(applications, 'c.desktop'));
    symlinkSync('/nowhere', join(applications, 'd.desktop'));
    describeProgram('e', { exec: `"${'\\'.repeat(60_000)}` });
    describeProgram('z', { exec: path });
    expect(known().nameOf(path)).toMatchObject({ en: 'The Browser' });
  });

  it('is read once a minute', () => {
    const path = install('browser');
    let now = 0;
    const programs = known({ now: () => now });
    expect(programs.nameOf(path)).toBeUndefined();
    describeProgram('browser', { exec: path });
    now = 60_000;
    expect(programs.nameOf(path)).toBeUndefined();
    now = 60_001;
    expect(programs.nameOf(path)).toBeDefined();
  });

  it('is not read anew until a folder has changed', () => {
    const path = install('browser');
    describeProgram('browser', { exec: path });
    let now = 0;
    const programs = known({ now: () => now });
    expect(programs.nameOf(path)).toMatchObject({ en: 'The Browser' });
    // In place: the folder stays as it was.
    describeProgram('browser', { exec: path, name: 'Another' });
    now = 60_001;
    expect(programs.nameOf(path)).toMatchObject({ en: 'The Browser' });
    describeProgram('mail', { exec: install('mail'), name: 'Mail' });
    now = 120_002;
    expect(programs.nameOf(path)).toMatchObject({ en: 'Another' });
    chmodSync(applications, 0o777);
    now = 180_003;
    expect(programs.nameOf(path)).toBeUndefined();
  });

  it('that others can write by now, or that is gone, has no name any more', () => {
    const path = install('browser');
    describeProgram('browser', { exec: path });
    const programs = known({ now: () => 0 });
    expect(programs.nameOf(path)).toBeDefined();
    chmodSync(path, 0o777);
    expect(programs.nameOf(path)).toBeUndefined();
    chmodSync(path, 0o755);
    expect(programs.nameOf(path)).toBeDefined();
    rmSync(path);
    expect(programs.nameOf(path)).toBeUndefined();
  });

  it('of a thousand is named, and other work goes on while they are read', async () => {
    for (let number = 0; number < 1_000; number++)
      describeProgram(`p${number}`, {
        exec: install(`p${number}`),
        name: `Program ${number}`,
        more: `Comment=${'x'.repeat(10_000)}\n`,
      });
    const programs = known();
    const [path, deadline] = [join(bin, 'p999'), performance.now() + 20_000];
    let turns = 0;
    while (programs.nameOf(path) === undefined && performance.now() < deadline) {
      turns++;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(programs.nameOf(path)).toEqual({ en: 'Program 999', sv: 'Program 999' });
    expect(turns).toBeGreaterThanOrEqual(100);
  });
});
