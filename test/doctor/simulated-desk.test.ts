/** Faults planted around the built daemon on the simulated office: each is found by its own check alone, and without them nothing is wrong. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, copyFileSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Result } from '../../api-spec/methods/index.ts';
import type { Look } from '../../daemon/doctor/look.ts';
import { addressOf, serverAddress } from '../../daemon/pkcs11/module-file.ts';
import { p11KitSetup } from '../../daemon/pkcs11/setup/p11-kit.ts';
import { sshSetup } from '../../daemon/pkcs11/setup/ssh.ts';
import { thisMachine } from '../../daemon/pkcs11/setup/machine.ts';
import { enableTls } from '../../daemon/tls/tls-folder.ts';
import { startProgram, type RunningDaemon } from '../support/program.ts';
import { build } from '../cli/program.ts';
import { findingIn, foundIn, PlantedMachine, type Planted } from './planted-machine.ts';

const ATTEMPT_MS = 60_000;
const isRoot = process.getuid?.() === 0;

let daemon: RunningDaemon;
let machine: PlantedMachine;
let stack: AsyncDisposableStack;

beforeAll(async () => {
  build();
  daemon = await startProgram(['--simulate', 'office']);
}, ATTEMPT_MS);
afterAll(async () => {
  await daemon[Symbol.asyncDispose]();
});
beforeEach(() => {
  stack = new AsyncDisposableStack();
  machine = stack.use(new PlantedMachine());
});
afterEach(async () => {
  await stack.disposeAsync();
});

const diagnose = (planted: Planted = {}) => machine.diagnose({ dataFolder: daemon.dataFolder, ...planted });
const inData = (name: string): string => join(daemon.dataFolder, name);

/** Something in the data folder, gone when the test ends. */
function putInData(name: string, bytes: string | Uint8Array): string {
  const file = inData(name);
  writeFileSync(file, bytes, { mode: 0o600 });
  stack.defer(() => rmSync(file, { force: true }));
  return file;
}

function changeMode(file: string, mode: number, before: number): void {
  chmodSync(file, mode);
  stack.defer(() => chmodSync(file, before));
}

function writePolicy(name: string, policy: object | string): string {
  return machine.write(`/etc/kortd/policy.d/${name}`, typeof policy === 'string' ? policy : JSON.stringify(policy));
}

it('nothing is wrong with a daemon on the simulated office', async () => {
  const diagnosis = await diagnose();
  expect(foundIn(diagnosis)).toEqual([]);
  expect(diagnosis.checks.length).toBeGreaterThan(15);
});

describe('rights', () => {
  it('a data folder that others may enter', async () => {
    changeMode(daemon.dataFolder, 0o755, 0o700);
    const diagnosis = await diagnose();
    expect(foundIn(diagnosis)).toEqual(['rights: data_folder_open']);
    expect(findingIn(diagnosis, 'data_folder_open').command).toBe(`chmod 0700 ${daemon.dataFolder}`);
  });

  it('a token that others may read', async () => {
    changeMode(inData('token'), 0o644, 0o600);
    expect(foundIn(await diagnose())).toEqual(['rights: data_file_open']);
  });

  it('a file that belongs to another user', async () => {
    const file = putInData('idempotency.sqlite', '');
    if (isRoot) chownSync(file, 4711, 4711);
    const alter: Planted['alter'] = (look) => ({
      status: async (path) => {
        const status = await look.status(path);
        return path === file && status.state === 'seen' ? { ...status, value: { ...status.value, uid: 4711 } } : status;
      },
    });
    expect(foundIn(await diagnose(isRoot ? {} : { alter }))).toEqual(['rights: data_file_foreign']);
  });

  it('a service whose user is not there', async () => {
    machine.write('/etc/systemd/system/kortd.service', '[Service]\nUser=kortd\nExecStart=/usr/bin/kortd serve\n');
    expect(foundIn(await diagnose())).toEqual(['rights: service_user_missing']);
  });

  it('a data folder of another user than the service has', async () => {
    const unit = `[Service]\nUser=kortd\nExecStart=/usr/bin/kortd serve --data-dir ${daemon.dataFolder}\n`;
    machine.write('/usr/lib/systemd/system/kortd.service', unit);
    machine.write('/etc/passwd', 'root:x:0:0::/:/bin/sh\nkortd:x:4711:4711::/var/lib/kortd:/usr/sbin/nologin\n');
    expect(foundIn(await diagnose())).toEqual(['rights: data_folder_foreign']);
  });
});

describe('databases', () => {
  it('one that is damaged inside', async () => {
    const file = putInData('old.sqlite', '');
    const database = new DatabaseSync(file);
    database.exec('PRAGMA synchronous = OFF; CREATE TABLE t (x TEXT); CREATE INDEX i ON t (x); BEGIN');
    const insert = database.prepare('INSERT INTO t VALUES (?)');
    for (let row = 0; row < 2_000; row++) insert.run(`row ${row} of many`);
    database.exec('COMMIT');
    database.close();
    const bytes = readFileSync(file);
    bytes.fill(0xff, 3 * 4_096, 5 * 4_096);
    writeFileSync(file, bytes);
    expect(foundIn(await diagnose())).toEqual(['databases: database_corrupt']);
  });

  it('one that is none', async () => {
    putInData('old.sqlite', 'not a database at all, but long enough');
    expect(foundIn(await diagnose())).toEqual(['databases: database_corrupt']);
  });

  it('one of a later version', async () => {
    const database = new DatabaseSync(inData('roles.sqlite'), { timeout: 10_000 });
    stack.defer(() => {
      database.exec('PRAGMA user_version = 1');
      database.close();
    });
    database.exec('PRAGMA user_version = 99');
    expect(foundIn(await diagnose())).toEqual(['databases: database_newer']);
  });

  it('one that was moved aside: a warning until it is acknowledged', async () => {
    const name = 'roles.sqlite.damaged-2026-11-23T00-14-16-123Z';
    putInData(name, 'whatever it was');
    const acknowledged = await diagnose();
    expect(foundIn(acknowledged)).toEqual(['databases: database_kept_aside']);
    expect(findingIn(acknowledged, 'database_kept_aside').severity).toBe('info');
    putInData('replaced-databases.json', JSON.stringify([{ file: 'roles.sqlite', movedTo: name, reason: 'no database' }]));
    const diagnosis = await diagnose();
    expect(foundIn(diagnosis)).toEqual(['databases: database_moved_aside']);
    expect(findingIn(diagnosis, 'database_moved_aside').command).toContain('acknowledge roles.sqlite');
  });
});

describe('policy', () => {
  it('a file that is no JSON', async () => {
    writePolicy('10-desk.json', '{ "origins": [ }');
    expect(foundIn(await diagnose())).toEqual(['policy: policy_file_refused']);
  });

  it('a file that others may write', async () => {
    const file = writePolicy('10-desk.json', {});
    chmodSync(file, 0o666);
    expect(foundIn(await diagnose())).toEqual(['policy: policy_file_refused']);
  });

  it("a vendor's module that changed, and one that is gone", async () => {
    const path = machine.write('/usr/lib/vendor/libvendor.so', 'the file after an update');
    const module = { name: 'vendor', path, sha256: '00'.repeat(32) };
    writePolicy('10-desk.json', { modules: [module] });
    const changed = await diagnose();
    expect(foundIn(changed)).toEqual(['modules: module_changed']);
    expect(JSON.stringify(findingIn(changed, 'module_changed').evidence)).toMatch(/SHA-256 [0-9a-f]{64}, the policy says 0{64}/);
    rmSync(path);
    expect(foundIn(await diagnose())).toEqual(['modules: module_file_missing']);
  });
});

describe('the configuration', () => {
  it('a file that is refused: both languages say where and why', async () => {
    const file = machine.write('/etc/kortd/kortd.json', '{ "listen": {\n "prot": 1 } }');
    const diagnosis = await diagnose();
    expect(foundIn(diagnosis)).toEqual(['configuration: configuration_refused']);
    const [first] = findingIn(diagnosis, 'configuration_refused').evidence;
    expect(first).toMatchObject({
      en: expect.stringContaining(`${file}, line 2: `) as string,
      sv: expect.stringContaining(`${file}, rad 2: `) as string,
    });
    machine.write('/etc/kortd/kortd.json', '{ "listen": { "port": 4711 } }');
    expect(foundIn(await diagnose())).toEqual([]);
  });

  it('certificates that a policy names and that are not there', async () => {
    writePolicy('10-desk.json', { identity: { trustAnchors: [join(machine.root, 'gone.pem')] } });
    expect(foundIn(await diagnose())).toEqual(['configuration: policy_material_unusable']);
  });

  it('a file of scanners that is refused', async () => {
    putInData('scanners.json', '{ "scanners": [ { "name": "a", "driver": "none" } ] }');
    expect(foundIn(await diagnose())).toEqual(['configuration: scanners_refused']);
  });
});

describe('browsers', () => {
  const policy = { origins: [{ origin: 'https://ra.example.org', scopes: ['card.read'] }] };

  it('an origin that the policy of an installed browser does not name', async () => {
    writePolicy('10-desk.json', policy);
    expect(foundIn(await diagnose())).toEqual([]);
    machine.install('chromium');
    const diagnosis = await diagnose();
    expect(foundIn(diagnosis)).toEqual(['browser-policy: browser_policy_missing']);
    expect(findingIn(diagnosis, 'browser_policy_missing').command).toBe(
      'kortd browser-policy --browser chromium https://ra.example.org | sudo install -D -m 644 /dev/stdin /etc/chromium/policies/managed/kortd.json',
    );
    machine.write('/etc/chromium/policies/managed/kortd.json', '{"LoopbackNetworkAllowedForUrls":["https://ra.example.org"]}');
    expect(foundIn(await diagnose())).toEqual([]);
  });

  it('a policy file that cannot be read', async () => {
    machine.write('/etc/firefox/policies/policies.json', '{ "policies": ');
    expect(foundIn(await diagnose())).toEqual(['browser-policy: browser_policy_malformed']);
    rmSync(join(machine.root, 'etc/firefox/policies/policies.json'));
    machine.write('/etc/opt/edge/policies/managed/kortd.json', '[]');
    expect(foundIn(await diagnose())).toEqual(['browser-policy: browser_policy_malformed']);
  });
});

describe('the clock', () => {
  it('a time before the program was built', async () => {
    const builtAt = async () => Promise.resolve(new Date(Date.now() + 10 * 86_400_000));
    expect(foundIn(await diagnose({ alter: () => ({ builtAt }) }))).toEqual(['clock: clock_before_build']);
  });

  it('records that were written at a time that is still to come', async () => {
    const later = Date.now() / 1_000 + 86_400;
    utimesSync(inData('audit.sqlite'), later, later);
    stack.defer(() => utimesSync(inData('audit.sqlite'), new Date(), new Date()));
    expect(foundIn(await diagnose())).toEqual(['clock: clock_went_back']);
  });

  it('a clock that no server keeps right', async () => {
    const run = async (program: string) =>
      Promise.resolve(
        program === 'timedatectl'
          ? ({ state: 'seen', value: { status: 0, stdout: 'no\n', stderr: '' } } as const)
          : ({ state: 'absent' } as const),
      );
    expect(foundIn(await diagnose({ alter: () => ({ run }) }))).toEqual(['clock: clock_unsynchronised']);
  });
});

describe('https', () => {
  const DAY_MS = 86_400_000;
  let folder: string;

  beforeEach(async () => {
    folder = machine.emptyData;
    await enableTls(folder, { now: new Date() });
  });

  it('is mended in the folder that was looked at, as an administrator where it is the service’s, and its path stays one', async () => {
    const odd = join(machine.root, "it's; true $(id)");
    await enableTls(odd, { now: new Date() });
    const commandOf = async (isService: boolean): Promise<string> =>
      findingIn(await machine.diagnose({ dataFolder: odd, alter: () => ({ isService }) }), 'tls_not_trusted').command;
    const argument = `'${machine.root}/it'\\''s; true $(id)'`;
    expect(await commandOf(false)).toBe(`kortd tls enable --data-dir ${argument} --trust`);
    expect(await commandOf(true)).toBe(`sudo kortd tls enable --data-dir ${argument}`);
  });

  const found = async (afterDays: number): Promise<readonly string[]> => {
    const now = () => new Date(Date.now() + afterDays * DAY_MS);
    const diagnosis = await machine.diagnose({
      dataFolder: folder,
      alter: () => ({ now, builtAt: async () => Promise.resolve(undefined) }),
    });
    return foundIn(diagnosis).filter((each) => each.startsWith('trust') || each.startsWith('clock'));
  };

  it('an authority that nobody trusts, and one that a policy has', async () => {
    expect(await found(0)).toEqual(['trust: tls_not_trusted']);
    trustByPolicy();
    expect(await found(0)).toEqual([]);
  });

  it('a certificate that ends soon, has ended, or is not valid yet', async () => {
    trustByPolicy();
    const { files } = await enableTls(folder, { now: new Date() });
    const days = Math.floor((files.expires.getTime() - Date.now()) / DAY_MS);
    expect(await found(days - 5)).toEqual(['trust: tls_renewal_due']);
    expect(await found(days + 5)).toEqual(['trust: tls_certificate_expired']);
    expect(await found(-30)).toEqual(['clock: clock_before_certificate']);
  });

  it('a key that is damaged', async () => {
    trustByPolicy();
    writeFileSync(join(folder, 'tls', 'key.pem'), 'no key', { mode: 0o600 });
    expect(await found(0)).toEqual(['trust: tls_unusable']);
  });

  function trustByPolicy(): void {
    const base64 = readFileSync(join(folder, 'tls', 'ca.pem'), 'utf8').replaceAll(/-----[^-]+-----|\s/g, '');
    machine.write('/etc/chromium/policies/managed/kortd-tls.json', JSON.stringify({ CACertificates: [base64] }));
  }
});

describe('the disk', () => {
  it.each([
    ['disk_full', { freeBytes: 1_000_000, freeInodes: 1_000_000 }],
    ['disk_filling', { freeBytes: 100_000_000, freeInodes: undefined }],
    ['inodes_used_up', { freeBytes: 1e12, freeInodes: 3 }],
  ])('%s', async (id, value) => {
    const space = async () => Promise.resolve({ state: 'seen', value } as const);
    expect(foundIn(await diagnose({ alter: () => ({ space }) }))).toEqual([`disk: ${id}`]);
  });
});

describe('other software', () => {
  it("GnuPG's scdaemon that does not share readers", async () => {
    const program = join(machine.root, 'scdaemon');
    copyFileSync('/usr/bin/sleep', program);
    chmodSync(program, 0o755);
    const child = spawn(program, ['600'], { stdio: 'ignore' });
    stack.defer(async () => {
      const ended = once(child, 'exit');
      child.kill();
      await ended;
    });
    await once(child, 'spawn');
    machine.showProcess(String(child.pid));
    await untilFound(['middleware: scdaemon_exclusive']);
    mkdirSync(join(machine.home, '.gnupg'));
    writeFileSync(join(machine.home, '.gnupg', 'scdaemon.conf'), 'disable-ccid\npcsc-shared\n');
    expect(foundIn(await diagnose())).toEqual([]);
  });

  /** A process has its new name a moment after it was started. */
  async function untilFound(expected: readonly string[]): Promise<void> {
    await expect.poll(async () => foundIn(await diagnose()), { timeout: 20_000 }).toEqual(expected);
  }

  it('a library that writes down what is said to cards', async () => {
    const environment = { LIBPCSCLITE_DELEGATE: '/usr/lib/libpcscspy.so' };
    expect(foundIn(await diagnose({ environment }))).toEqual(['middleware: pcsc_spy']);
  });

  it('a module that writes down PKCS #11 calls', async () => {
    machine.write('/etc/pkcs11/modules/spy.module', 'module: /usr/lib/pkcs11/pkcs11-spy.so\n');
    expect(foundIn(await diagnose())).toEqual(['middleware: pkcs11_spy']);
  });

  it('a module whose file is gone', async () => {
    machine.write('/usr/share/p11-kit/modules/netid.module', 'module: /usr/lib/libiidp11.so\n');
    expect(foundIn(await diagnose())).toEqual(['middleware: middleware_module_missing']);
  });

  it('modules of two vendors in one program, by p11-kit and by a database', async () => {
    for (const library of ['libiidp11.so', 'opensc-pkcs11.so', 'libeToken.so', 'p11-kit-trust.so'])
      machine.write(`/usr/lib/vendors/${library}`, '');
    const at = (library: string): string => `/usr/lib/vendors/${library}`;
    machine.write('/usr/share/p11-kit/modules/opensc.module', `module: ${at('opensc-pkcs11.so')}\n`);
    machine.write('/usr/share/p11-kit/modules/trust.module', `module: ${at('p11-kit-trust.so')}\n`);
    expect(foundIn(await diagnose())).toEqual([]);
    const second = machine.write('/usr/share/p11-kit/modules/netid.module', `module: ${at('libiidp11.so')}\n`);
    const diagnosis = await diagnose();
    expect(foundIn(diagnosis)).toEqual(['middleware: middleware_mix']);
    expect(JSON.stringify(findingIn(diagnosis, 'middleware_mix').evidence)).toMatch(/Net iD[^]*OpenSC|OpenSC[^]*Net iD/);
    rmSync(second);
    const database = join(machine.home, '.pki', 'nssdb');
    mkdirSync(database, { recursive: true });
    const entries = [at('libiidp11.so'), at('libeToken.so')].map(
      (library, index) => `library=${library}\nname=module ${index}\n`,
    );
    writeFileSync(join(database, 'pkcs11.txt'), entries.join('\n'));
    writeFileSync(join(database, 'cert9.db'), '');
    expect(foundIn(await diagnose())).toEqual(['middleware: middleware_mix']);
  });
});

describe('a module beside that of kortd', () => {
  it('in a program that loads p11-kit’s proxy as well', async () => {
    for (const library of ['opensc-pkcs11.so', 'p11-kit-proxy.so']) machine.write(`/usr/lib/vendors/${library}`, '');
    const database = join(machine.home, '.pki', 'nssdb');
    mkdirSync(database, { recursive: true });
    writeFileSync(join(database, 'cert9.db'), '');
    const load = (...libraries: readonly string[]): void =>
      writeFileSync(
        join(database, 'pkcs11.txt'),
        libraries.map((library) => `library=/usr/lib/vendors/${library}\nname=${library}\n`).join('\n'),
      );
    load('opensc-pkcs11.so');
    expect(foundIn(await diagnose())).toEqual([]);
    load('opensc-pkcs11.so', 'p11-kit-proxy.so');
    const diagnosis = await diagnose();
    expect(foundIn(diagnosis)).toContain('middleware: middleware_beside_kortd');
    expect(JSON.stringify(findingIn(diagnosis, 'middleware_beside_kortd').evidence)).toContain('OpenSC');
  });
});

describe('PKCS #11', () => {
  const setupMachine = () => ({
    ...thisMachine({ HOME: machine.home, PATH: '' }),
    etc: join(machine.root, 'etc'),
  });

  it('a program that is told of another data folder', async () => {
    await p11KitSetup(setupMachine(), serverAddress(machine.emptyData)).enable();
    expect(foundIn(await diagnose())).toEqual(['pkcs11: pkcs11_other_address']);
    await p11KitSetup(setupMachine(), serverAddress(machine.emptyData)).disable();
    await p11KitSetup(setupMachine(), serverAddress(daemon.dataFolder)).enable();
    expect(foundIn(await diagnose())).toEqual([]);
  });

  it('a program that goes through p11-kit, which is not told of kortd', async () => {
    const setup = p11KitSetup(setupMachine(), serverAddress(daemon.dataFolder));
    await setup.enable();
    await sshSetup({ ...setupMachine(), libraries: [machine.write('/usr/lib/p11-kit-proxy.so', '')] }).enable();
    expect(foundIn(await diagnose())).toEqual([]);
    await setup.disable();
    const diagnosis = await diagnose();
    expect(foundIn(diagnosis)).toEqual(['pkcs11: pkcs11_stranded']);
    expect(findingIn(diagnosis, 'pkcs11_stranded').command).toBe(`kortd pkcs11 enable --data-dir ${daemon.dataFolder}`);
  });

  it('a daemon that does not listen where it says that programs reach it', async () => {
    const socket = join(machine.root, 'nobody');
    await p11KitSetup(setupMachine(), addressOf(socket)).enable();
    const at =
      (pkcs11: string) =>
      (look: Look): Partial<Look> => ({
        daemon: async () => {
          const view = await look.daemon();
          return view.state === 'running' ? { ...view, endpoint: { ...view.endpoint, pkcs11 } } : view;
        },
      });
    const diagnosis = await diagnose({ alter: at(socket) });
    expect(foundIn(diagnosis)).toEqual(['pkcs11: pkcs11_not_listening']);
    expect(findingIn(diagnosis, 'pkcs11_not_listening').evidence).toEqual([socket]);
    const server = createServer((connection) => connection.destroy()).listen(socket);
    await once(server, 'listening');
    stack.defer(() => new Promise((closed) => server.close(() => closed())));
    expect(foundIn(await diagnose({ alter: at(socket) }))).toEqual([]);
  });

  it("somebody else's entry in the place of kortd's", async () => {
    const path = isRoot ? join(machine.root, 'etc/pkcs11/modules') : join(machine.home, '.config/pkcs11/modules');
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'kortd.module'), 'remote: unix:path=/somewhere/else\n');
    expect(foundIn(await diagnose())).toEqual(['pkcs11: pkcs11_entry_foreign']);
  });

  it('a front that was left behind is told, and is no warning', async () => {
    const child = spawn('/usr/bin/true');
    await once(child, 'exit');
    putInData(`front-${child.pid ?? 0}`, '');
    const diagnosis = await diagnose();
    expect(foundIn(diagnosis)).toEqual(['resume: front_left_behind']);
    expect(findingIn(diagnosis, 'front_left_behind').severity).toBe('info');
  });
});

describe('the daemon', () => {
  it('of another version', async () => {
    const alter: Planted['alter'] = (look) => ({
      daemon: async () => {
        const view = await look.daemon();
        return view.state === 'running' ? { ...view, info: { ...view.info, version: '0.0.9' } } : view;
      },
    });
    expect(foundIn(await diagnose({ alter }))).toEqual(['daemon: daemon_other_version']);
  });

  type Questions = Extract<Awaited<ReturnType<Look['daemon']>>, { readonly state: 'running' }>['ask'];

  const foundWith = async (change: (ask: Questions) => Partial<Questions>): Promise<readonly string[]> =>
    foundIn(
      await diagnose({
        alter: (look) => ({
          daemon: async () => {
            const view = await look.daemon();
            return view.state === 'running' ? { ...view, ask: { ...view.ask, ...change(view.ask) } } : view;
          },
        }),
      }),
    );

  it('that uses far too much memory, or lost what is behind its readers', async () => {
    const health = (change: Partial<Result<'system.health'>>) =>
      foundWith((ask) => ({ health: async () => ({ ...(await ask.health()), ...change }) }));
    expect(await health({ residentBytes: 2e9 })).toEqual(['daemon: daemon_large']);
    const source = { id: 'simulated', since: new Date().toISOString(), recoveries: 0, available: true };
    expect(await health({ sources: [{ ...source, available: false }] })).toEqual(['last-errors: source_unavailable']);
    expect(await health({ sources: [{ ...source, recoveries: 40 }] })).toEqual(['last-errors: source_flapping']);
  });

  it('that tells of a problem: a reload that was refused, options that wait, an issuance that is read-only', async () => {
    const problem = (code: string) => ({ code, en: `The reason of ${code}.`, sv: `Orsaken till ${code}.` });
    const told = (...codes: readonly string[]) =>
      foundWith((ask) => ({ health: async () => ({ ...(await ask.health()), problems: codes.map(problem) }) }));
    expect(await told('reload_refused')).toEqual(['last-errors: reload_refused']);
    expect(await told('restart_needed')).toEqual(['last-errors: restart_needed']);
    expect(await told('issuance_read_only')).toEqual(['last-errors: health_problem']);
    // Of what this user can read its own check tells.
    expect(await told('database_replaced', 'policy_refused')).toEqual([]);
  });

  it('whose journal has errors of the last day', async () => {
    const stdout =
      '{"level":50,"user":"anna","msg":"the desk could not be read"}\nkortd.service: Failed with result \'watchdog\'.\n';
    const run = async (program: string) =>
      Promise.resolve(
        program === 'journalctl'
          ? ({ state: 'seen', value: { status: 0, stdout, stderr: '' } } as const)
          : ({ state: 'absent' } as const),
      );
    const diagnosis = await diagnose({ alter: () => ({ run }) });
    expect(foundIn(diagnosis)).toEqual(['last-errors: errors_in_journal']);
    expect(findingIn(diagnosis, 'errors_in_journal').evidence.slice(1)).toEqual([
      'the desk could not be read',
      "kortd.service: Failed with result 'watchdog'.",
    ]);
  });

  it('that answers slowly', async () => {
    const found = await foundWith((ask) => ({
      health: async () => {
        await pause(800);
        return await ask.health();
      },
    }));
    expect(found).toEqual(['daemon: daemon_slow']);
  });

  it('whose calls failed by defects lately, and not those of long ago', async () => {
    const record = {
      callerKind: 'local',
      caller: 'x',
      method: 'sign.pdf',
      outcome: 'internal_error',
      previousHash: '',
      hash: '',
    };
    const at = (time: Date) =>
      foundWith(() => ({
        records: async () =>
          Promise.resolve({ records: [{ ...record, sequence: 7, time: time.toISOString() }], last: 7 } as Result<'audit.list'>),
      }));
    expect(await at(new Date())).toEqual(['last-errors: internal_errors']);
    expect(await at(new Date(Date.now() - 3 * 86_400_000))).toEqual([]);
  });

  it('that does not run, and whose port another program has taken', async () => {
    expect(foundIn(await machine.diagnose())).toContain('daemon: daemon_not_running');
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    stack.defer(async () => {
      server.close();
      await once(server, 'close');
    });
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    machine.showProcess('net');
    machine.showProcess(String(process.pid));
    const diagnosis = await machine.diagnose({ port });
    expect(foundIn(diagnosis)).toContain('ports: port_taken');
    const evidence = JSON.stringify(findingIn(diagnosis, 'port_taken').evidence);
    expect(evidence).toContain(`port ${port}: `);
    expect(evidence).toContain(`(process ${process.pid}, `);
  });
});
