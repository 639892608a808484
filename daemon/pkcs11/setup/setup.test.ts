import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runNssTool } from '../../tls/nss-database.ts';
import { companions } from './companions.ts';
import { SetupError } from './errors.ts';
import { programSetups } from './index.ts';
import { isInstalled, requireLibrary, thisMachine, type Machine } from './machine.ts';
import type { ProgramId, ProgramSetup } from './program-setup.ts';

const ADDRESS = 'unix:path=/data/kortd/pkcs11';
const LIBRARY = requireLibrary(thisMachine());

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kortd-setup-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function machine(changes: Partial<Machine> = {}): Machine {
  const home = join(folder, 'home');
  mkdirSync(home, { recursive: true });
  const user = { isRoot: false, home, config: join(home, '.config'), data: join(home, '.local', 'share') };
  const system = { etc: join(folder, 'etc'), packagedModules: join(folder, 'packaged'), path: join(folder, 'bin') };
  return { ...user, ...system, libraries: [LIBRARY], ...changes };
}

function setup(id: ProgramId, changes: Partial<Machine> = {}): ProgramSetup {
  return programSetups(machine(changes), ADDRESS)[id];
}

function write(path: string, text: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

/** Every file with what is in it; empty folders are nothing. */
function contents(): Readonly<Record<string, string>> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  return Object.fromEntries(files.sort().map((path) => [relative(folder, path), readFileSync(path, 'latin1')]));
}

/** On twice and off twice: the second time nothing changes, and in the end everything is as before. */
async function expectRoundTrip(program: ProgramSetup): Promise<void> {
  const before = contents();
  const enabled = await program.enable();
  expect(enabled.changes.map(({ did }) => did)).toContain('enabled');
  expect(program.places().map(({ state }) => state)).toContain('enabled');
  const during = contents();
  expect(during).not.toEqual(before);
  expect((await program.enable()).changes.map(({ did }) => did)).not.toContain('enabled');
  expect(contents()).toEqual(during);
  expect((await program.disable()).changes.map(({ did }) => did)).toContain('disabled');
  expect(contents()).toEqual(before);
  expect((await program.disable()).changes.map(({ did }) => did)).not.toContain('disabled');
  expect(contents()).toEqual(before);
  expect(program.places().map(({ state }) => state)).not.toContain('enabled');
}

async function expectProblem(work: () => unknown, problem: string): Promise<void> {
  const error: unknown = await (async () => await work())().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(SetupError);
  expect(error).toMatchObject({ problem });
}

async function profileOf(name: string, root = '.config/mozilla/firefox'): Promise<string> {
  const home = join(folder, 'home', root);
  write(join(home, 'profiles.ini'), `[Profile0]\nName=${name}\nIsRelative=1\nPath=${name}\n\n[General]\nVersion=2\n`);
  const profile = join(home, name);
  mkdirSync(profile);
  await runNssTool('certutil', ['-N', '-d', `sql:${profile}`, '--empty-password'], { attempt: 'making a database' });
  return profile;
}

async function addModule(profile: string, name: string, library: string): Promise<void> {
  const parameters = ['-dbdir', `sql:${profile}`, '-force', '-add', name, '-libfile', library];
  await runNssTool('modutil', parameters, { attempt: 'adding a module' });
}

describe('p11-kit', () => {
  it.each([false, true])('comes and goes, as root: %s', (isRoot) => expectRoundTrip(setup('p11Kit', { isRoot })));

  it('is told of a file for another data folder, and writes it over', async () => {
    await programSetups(machine(), 'unix:path=/old')['p11Kit'].enable();
    expect(setup('p11Kit').places()[0]).toMatchObject({ state: 'other_address' });
    await setup('p11Kit').enable();
    expect(setup('p11Kit').places()[0]).toMatchObject({ state: 'enabled' });
  });
});

describe("Firefox's policy", () => {
  const path = (): string => join(folder, 'etc', 'firefox', 'policies', 'policies.json');
  const root = (changes: Partial<Machine> = {}): ProgramSetup => setup('firefox', { isRoot: true, ...changes });

  it.each([
    ['no file', undefined],
    ['no modules', '{"policies":{"DisableTelemetry":true}}'],
    ['modules', '{\n\t"policies": { "SecurityDevices": { "Add": { "other": "/o.so" }, "Delete": ["old"] } }\n}'],
    ['modules in the earlier form', '{ "policies": { "SecurityDevices": { "other": "/o.so" } } }\r\n'],
    ['nothing in it', '{}'],
  ])('comes and goes to the byte where there were %s', async (_, text) => {
    if (text !== undefined) write(path(), text);
    await expectRoundTrip(root());
  });

  it('is what Firefox reads, beside those of others', async () => {
    write(path(), '{"policies":{"DisableTelemetry":true,"SecurityDevices":{"Add":{"other":"/o.so"}}}}');
    await root().enable();
    const devices = { Add: { other: '/o.so', kortd: LIBRARY } };
    expect(JSON.parse(readFileSync(path(), 'utf8'))).toEqual({ policies: { DisableTelemetry: true, SecurityDevices: devices } });
  });

  it('in the earlier form stays in it: Firefox takes no other entries beside Add', async () => {
    write(path(), '{"policies":{"SecurityDevices":{"other":"/o.so"}}}');
    await root().enable();
    const devices = { other: '/o.so', kortd: LIBRARY };
    expect(JSON.parse(readFileSync(path(), 'utf8'))).toEqual({ policies: { SecurityDevices: devices } });
  });

  it('that others changed meanwhile loses the one entry', async () => {
    write(path(), '{"policies":{"A":1}}');
    await root().enable();
    const text = readFileSync(path(), 'utf8').replace('"A": 1', '"A": 2, "B": 3');
    write(path(), text);
    await root().disable();
    expect(JSON.parse(readFileSync(path(), 'utf8'))).toEqual({ policies: { A: 2, B: 3 } });
    expect(readdirSync(dirname(path()))).toEqual(['policies.json']);
  });

  it('for a library that has moved is written anew, and still taken back to the byte', async () => {
    write(path(), '{"policies":{}}');
    const before = contents();
    const moved = write(join(folder, 'p11-kit-proxy.so'), '');
    await root({ libraries: [moved] }).enable();
    rmSync(moved);
    expect(root().places()[0]).toMatchObject({ state: 'other_address' });
    await root().enable();
    await root().disable();
    expect(contents()).toEqual(before);
  });

  it("of somebody else's module of that name, or that is no JSON, is left", async () => {
    write(path(), '{"policies":{"SecurityDevices":{"Add":{"kortd":"/o.so"}}}}');
    const before = contents();
    expect(root().places()[0]).toMatchObject({ state: 'foreign' });
    await expectProblem(() => root().enable(), 'foreign');
    await expectProblem(() => root().disable(), 'foreign');
    expect(contents()).toEqual(before);
    write(path(), '{"policies":');
    await expectProblem(() => root().enable(), 'not_understood');
  });

  it('with the library under another name needs nothing', async () => {
    write(path(), `{"policies":{"SecurityDevices":{"Add":{"p11-kit":"${LIBRARY}"}}}}`);
    expect(root().places()[0]).toMatchObject({ state: 'other_name' });
    expect((await root().enable()).changes).toEqual([{ path: path(), did: 'nothing' }]);
  });
});

describe("Firefox's profiles", () => {
  it.each(['.mozilla/firefox', '.config/mozilla/firefox'])('in ~/%s get the module, and lose it again', async (root) => {
    const profile = await profileOf('a b.default', root);
    await addModule(profile, 'other', LIBRARY.replace('proxy', 'trust').replace('gnu/', 'gnu/pkcs11/'));
    const before = contents();
    expect(before[join('home', root, 'a b.default', 'pkcs11.txt')]).toContain('name=other');
    await expectRoundTrip(setup('firefox'));
  });

  it('that were never opened get a database, which goes again while nobody used it', async () => {
    const profile = await profileOf('new');
    for (const name of ['cert9.db', 'key4.db', 'pkcs11.txt']) rmSync(join(profile, name));
    await setup('firefox').enable();
    expect(readdirSync(profile).sort()).toEqual(['cert9.db', 'key4.db', 'made-by-kortd', 'pkcs11.txt']);
    await setup('firefox').disable();
    mkdirSync(profile, { recursive: true });
    expect(readdirSync(profile)).toEqual([]);
    await setup('firefox').enable();
    await runNssTool('certutil', ['-S', '-d', `sql:${profile}`, ...SELF_SIGNED], { attempt: 'making a certificate' });
    await setup('firefox').disable();
    expect(readdirSync(profile).sort()).toEqual(['cert9.db', 'key4.db', 'pkcs11.txt']);
  });

  it('that a Firefox has open are left, and told of with its process', async () => {
    const profile = await profileOf('open');
    copyFileSync('/bin/sleep', join(folder, 'firefox'));
    chmodSync(join(folder, 'firefox'), 0o700);
    const firefox = spawn(join(folder, 'firefox'), ['60']);
    await once(firefox, 'spawn');
    try {
      symlinkSync(`127.0.0.1:+${firefox.pid ?? 0}`, join(profile, 'lock'));
      await expectProblem(() => setup('firefox').enable(), 'in_use');
      expect(setup('firefox').places().at(-1)).toMatchObject({ state: 'absent' });
    } finally {
      firefox.kill();
      await once(firefox, 'exit');
    }
    await setup('firefox').enable();
    expect(setup('firefox').places().at(-1)).toMatchObject({ state: 'enabled' });
  });

  it('of a sandbox are told of, and left', async () => {
    await profileOf('snapped', 'snap/firefox/common/.mozilla/firefox');
    expect(setup('firefox').places().at(-1)).toMatchObject({ state: 'out_of_reach' });
    await expectProblem(() => setup('firefox').enable(), 'no_profile');
  });

  it('that cannot be changed hold up no other, and are told of', async () => {
    const odd = await profileOf('odd');
    rmSync(join(odd, 'pkcs11.txt'));
    mkdirSync(join(odd, 'pkcs11.txt'));
    const good = await profileOf('good');
    const list = ['odd', 'good'].map((name, index) => `[Profile${index}]\nName=${name}\nIsRelative=1\nPath=${name}\n`);
    write(join(dirname(good), 'profiles.ini'), list.join('\n'));
    await expectProblem(() => setup('firefox').enable(), 'in_the_way');
    expect(readFileSync(join(good, 'pkcs11.txt'), 'utf8')).toContain('name=kortd');
    await expectProblem(() => setup('firefox').disable(), 'in_the_way');
    expect(readFileSync(join(good, 'pkcs11.txt'), 'utf8')).not.toContain('name=kortd');
  });

  it.runIf(process.getuid?.() === 0)("of another user are not root's to change: they could not be read any more", async () => {
    const profile = await profileOf('theirs');
    chownSync(profile, 1_234, 1_234);
    const before = contents();
    await expectProblem(() => setup('firefox').enable(), 'not_allowed');
    expect(contents()).toEqual(before);
    await addModule(profile, 'kortd', LIBRARY);
    const during = contents();
    await expectProblem(() => setup('firefox').disable(), 'not_allowed');
    expect(contents()).toEqual(during);
    chownSync(join(folder, 'home'), 1_234, 1_234);
    await expectProblem(() => setup('chromium').enable(), 'not_allowed');
  });

  it("with somebody else's module of that name are left", async () => {
    const profile = await profileOf('other');
    await addModule(profile, 'kortd', LIBRARY.replace('proxy', 'trust').replace('gnu/', 'gnu/pkcs11/'));
    const before = contents();
    await expectProblem(() => setup('firefox').enable(), 'foreign');
    await expectProblem(() => setup('firefox').disable(), 'foreign');
    expect(contents()).toEqual(before);
  });
});

const SELF_SIGNED = ['-n', 'x', '-s', 'CN=x', '-x', '-t', 'C,,', '-z', '/etc/hostname'];

describe('Chromium', () => {
  it('gets a database with the module, and loses both', () => expectRoundTrip(setup('chromium')));

  it('has the module in the database that is there, and loses that alone', async () => {
    const database = join(folder, 'home', '.pki', 'nssdb');
    mkdirSync(database, { recursive: true });
    await runNssTool('certutil', ['-N', '-d', `sql:${database}`, '--empty-password'], { attempt: 'making a database' });
    await expectRoundTrip(setup('chromium'));
  });

  it('with the library under another name needs nothing, and nothing is taken out', async () => {
    const database = join(folder, 'home', '.pki', 'nssdb');
    mkdirSync(database, { recursive: true });
    await runNssTool('certutil', ['-N', '-d', `sql:${database}`, '--empty-password'], { attempt: 'making a database' });
    await addModule(database, 'p11-kit', LIBRARY);
    const before = contents();
    expect(setup('chromium').places()[0]).toMatchObject({ state: 'other_name' });
    await setup('chromium').enable();
    await setup('chromium').disable();
    expect(contents()).toEqual(before);
  });
});

describe('OpenSSH', () => {
  const path = (): string => join(folder, 'home', '.ssh', 'config');

  it.each([
    ['no file', undefined],
    ['an empty file', ''],
    ['lines', 'Host a\n  User b\n'],
    ['a last line without its end', 'Host a\n  User b'],
  ])('has a block at the end where there was %s, and loses it', async (_, text) => {
    if (text !== undefined) write(path(), text);
    await expectRoundTrip(setup('ssh'));
  });

  it('keeps what the person wrote before and after, and the mode of the file', async () => {
    write(path(), 'Host a\n');
    chmodSync(path(), 0o640);
    await setup('ssh').enable();
    writeFileSync(path(), `${readFileSync(path(), 'utf8')}Host b\n`);
    await setup('ssh').disable();
    expect(readFileSync(path(), 'utf8')).toBe('Host a\nHost b\n');
    expect(statSync(path()).mode & 0o777).toBe(0o640);
  });

  it('is what ssh goes by, unless the person said otherwise', async () => {
    write(path(), 'Host other\n  PKCS11Provider none\n');
    await setup('ssh').enable();
    const providerFor = (host: string): string | undefined =>
      /^pkcs11provider (.*)$/m.exec(execFileSync('ssh', ['-G', '-F', path(), host], { encoding: 'utf8' }))?.[1];
    expect(providerFor('any')).toBe(LIBRARY);
    expect(providerFor('other')).toBeUndefined(); // so ssh tells of "none"
  });

  it('makes files that ssh takes: the user alone may write them', async () => {
    await setup('ssh').enable();
    expect([statSync(path()).mode & 0o777, statSync(dirname(path())).mode & 0o777]).toEqual([0o600, 0o700]);
  });

  it('as root is a file of its own among those of the system', () => expectRoundTrip(setup('ssh', { isRoot: true })));

  it('with the library in it already needs nothing, and a block without its end is left', async () => {
    write(path(), `Host *\n  PKCS11Provider=${LIBRARY}\n`);
    expect(setup('ssh').places()[0]).toMatchObject({ state: 'other_name' });
    expect((await setup('ssh').enable()).changes[0]).toMatchObject({ did: 'nothing' });
    rmSync(path());
    await setup('ssh').enable();
    write(path(), readFileSync(path(), 'utf8').replace('# kortd end', ''));
    await expectProblem(() => setup('ssh').enable(), 'foreign');
  });
});

describe('files of a person', () => {
  const config = (): string => join(folder, 'home', '.ssh', 'config');
  const moduleFile = (): string => join(folder, 'home', '.config', 'pkcs11', 'modules', 'kortd.module');

  it('keep every byte, whatever they are written in', async () => {
    mkdirSync(dirname(config()), { recursive: true });
    writeFileSync(config(), Buffer.from('Host a\r\n  # f\xf6r \xff\r\n', 'latin1'));
    await expectRoundTrip(setup('ssh'));
  });

  it('that are links stay links, and lead to what they led to', async () => {
    const target = write(join(folder, 'home', 'dotfiles', 'ssh'), 'Host a\n');
    mkdirSync(dirname(config()));
    symlinkSync(target, config());
    await expectRoundTrip(setup('ssh'));
    rmSync(target);
    await setup('ssh').enable();
    expect(readFileSync(target, 'utf8')).toContain('PKCS11Provider');
    await setup('ssh').disable();
    expect(readlinkSync(config())).toBe(target);
    expect(existsSync(target)).toBe(false);
  });

  it('that cannot be files are told of, and left: folders, files that should be folders, links to nowhere', async () => {
    mkdirSync(config(), { recursive: true });
    mkdirSync(moduleFile(), { recursive: true });
    for (const id of ['ssh', 'p11Kit'] as const) {
      await expectProblem(() => setup(id).enable(), 'in_the_way');
      await expectProblem(() => setup(id).disable(), 'in_the_way');
      await expectProblem(() => setup(id).places(), 'in_the_way');
    }
    rmSync(dirname(moduleFile()), { recursive: true });
    write(dirname(moduleFile()), '');
    await expectProblem(() => setup('p11Kit').enable(), 'in_the_way');
    expect((await setup('p11Kit').disable()).changes[0]).toMatchObject({ did: 'nothing' });
    rmSync(config(), { recursive: true });
    symlinkSync(join(folder, 'none', 'config'), config());
    await expectProblem(() => setup('ssh').enable(), 'in_the_way');
    expect(readlinkSync(config())).toBe(join(folder, 'none', 'config'));
  });

  it.each(['ssh', 'firefox'] as const)('are as they were when there is no room to change them (%s)', (id) => {
    const text = '# '.padEnd(1_000, 'x');
    write(config(), text);
    write(
      join(folder, 'etc', 'firefox', 'policies', 'policies.json'),
      JSON.stringify({ policies: { Comment: text } }).padEnd(1_020),
    );
    const before = contents();
    const module = new URL('index.ts', import.meta.url).href;
    const program = `const { programSetups } = await import(${JSON.stringify(module)});
      const setup = programSetups(${JSON.stringify(machine({ isRoot: id === 'firefox' }))}, 'unix:path=/a').${id};
      await Promise.resolve().then(() => setup.enable()).catch((error) => console.log(error.problem));`;
    // A file of this user can grow to 1024 bytes.
    const limited = ['-c', 'trap "" XFSZ; ulimit -f 1; exec "$0" --input-type=module --eval "$1"', process.execPath, program];
    expect(execFileSync('bash', limited, { encoding: 'utf8' })).toBe('disk_full\n');
    expect(contents()).toEqual(before);
  });
});

describe('files for everybody', () => {
  it('can be read by everybody, whatever the umask: p11-kit gives no program any module otherwise', async () => {
    const umask = process.umask(0o077);
    try {
      for (const id of ['p11Kit', 'firefox', 'ssh'] as const) await setup(id, { isRoot: true }).enable();
    } finally {
      process.umask(umask);
    }
    const made = readdirSync(join(folder, 'etc'), { recursive: true, withFileTypes: true });
    expect(made.filter((entry) => entry.isFile())).toHaveLength(3);
    for (const entry of made)
      expect(statSync(join(entry.parentPath, entry.name)).mode & 0o777, entry.name).toBe(entry.isFile() ? 0o644 : 0o755);
  });
});

describe('the machine', () => {
  it.each([{}, { HOME: '' }, { HOME: 'here' }])(
    'has the home folder of the list of users where HOME is none: %o',
    (environment) => {
      expect(thisMachine(environment)).toMatchObject({ home: userInfo().homedir, config: join(userInfo().homedir, '.config') });
    },
  );

  it('without the library says what to install, and changes nothing', async () => {
    await profileOf('any');
    const before = contents();
    for (const id of ['firefox', 'chromium', 'ssh'] as const)
      await expectProblem(() => setup(id, { libraries: [join(folder, 'none.so')] }).enable(), 'library_missing');
    expect(contents()).toEqual(before);
  });

  it('knows a program by its name in PATH', () => {
    write(join(folder, 'bin', 'firefox-esr'), '');
    expect(isInstalled(machine(), ['firefox', 'firefox-esr'])).toBe(true);
    expect(isInstalled(machine(), ['chromium'])).toBe(false);
  });

  it('tells which other modules come with p11-kit: not those that it is told to keep out', () => {
    write(join(folder, 'packaged', 'opensc.module'), 'module: opensc-pkcs11.so\n');
    write(join(folder, 'packaged', 'softhsm.module'), 'module: softhsm.so\n');
    write(join(folder, 'packaged', 'trust.module'), 'module: trust.so\ndisable-in: p11-kit-proxy\n');
    write(join(folder, 'packaged', 'ssh-only.module'), 'module: a.so\nenable-in: ssh\n');
    write(join(folder, 'etc', 'pkcs11', 'modules', 'kortd.module'), 'remote: x\n');
    write(join(folder, 'home', '.config', 'pkcs11', 'modules', 'softhsm.module'), 'disable-in: firefox, p11-kit-proxy\n');
    expect(companions(machine())).toEqual(['opensc']);
    expect(companions(machine({ isRoot: true }))).toEqual(['opensc', 'softhsm']);
  });
});
