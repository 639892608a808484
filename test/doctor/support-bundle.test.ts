/** The built `kortd support-bundle`: persons, PINs, tokens and numbers planted wherever it looks are not in it; what support needs is. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleFiles, zipFiles } from '../../daemon/support/bundle.ts';
import { createRedaction } from '../../daemon/support/redaction.ts';
import { traceForBundle, TraceRefusedError } from '../../daemon/support/trace-part.ts';
import { vocabulary } from '../../daemon/support/vocabulary.ts';
import { build, ROOT } from '../cli/program.ts';
import { startProgram, type RunningDaemon } from '../support/program.ts';
import { PlantedMachine } from './planted-machine.ts';

const ATTEMPT_MS = 60_000;
/** Whatever must not be in a bundle, in the forms in which it is written. */
const SECRETS = [
  ...['Annelie', 'Lindqvist', 'annelie.lindqvist', 'Åkerlund', 'Björn-Erik', 'VÄSTERVIKS', 'Lasarett'],
  ...['19790314-2386', '197903142386', '790314-2386', '7903142386', '1979-03-14', '+46 70 123 45 67', '0701234567'],
  ...['482915', '90417', '4829', '12345678'],
  ...['9752269876543210', '9752 2698 7654 3210', 'SE2321000016-1A3C', '5D44FF8812340077'],
  ...['Zx9-vTq_84kLmN0pQr', 'eyJhbGciOiJFUzI1NiJ9', 'hunter2-Geheim', 'patientportal.example'],
] as const;
const TRACE = [
  ...['kortd trace 1', 'kortd: 0.1.0', 'platform: linux-x64', 'began: 2026-11-23T08:15:00.000Z', 'contents: redacted', ''],
  ...['# Annelie Lindqvist said that it hangs', '@ 0.009 reader 1 pcsc "Lasarett Reader 90417 00 00"'],
  ...[
    '@ 0.009 card 1 reader 1 atr 3BFD1300008131FE158073C021C057597562694B657940 T=1 extended',
    '@ 0.009 begin card 1 for pin.verify',
  ],
  ...[
    '> 00A4040009A0000003080000100000',
    '< 61114F0600001000010079074F05A0000003089000 ; 4 ms',
    '> 00200080{*}',
    '< 63C2 ; 31 ms',
  ],
  ...['@ 0.061 end card 1 reset', '@ 9.400 stopped asked', ''],
].join('\n');

const machine = new PlantedMachine();
let daemon: RunningDaemon;

beforeAll(async () => {
  build();
  daemon = await startProgram(['--simulate', 'office']);
  await plant();
}, ATTEMPT_MS);
afterAll(async () => {
  await daemon[Symbol.asyncDispose]();
  machine[Symbol.dispose]();
});

/** In the policy, the configuration, the log, file names, the audit log, modules, what doctor finds, and a trace. */
async function plant(): Promise<void> {
  const all = SECRETS.join(' ');
  machine.write(
    '/etc/kortd/policy.d/10-annelie.lindqvist.json',
    JSON.stringify({
      comment: all,
      origins: [{ origin: 'https://patientportal.example', scopes: ['card.read'] }],
      modules: [{ name: 'lasarett', path: '/home/Annelie/hunter2-Geheim.so', sha256: 'ab'.repeat(32) }],
    }),
  );
  machine.write('/etc/kortd/policy.d/20-broken.json', `{ "Annelie": "${all}" `);
  machine.write('/etc/kortd/policy.d/30-refused.json', JSON.stringify({ Lindqvist: { pin: 482915, '197903142386': all } }));
  machine.write('/etc/kortd/kortd.json', JSON.stringify({ listen: { port: 27150 }, Annelie: all, card: 9752269876543210 }));
  machine.write('/etc/pkcs11/modules/Lindqvist.module', 'module: /home/Annelie/Lindqvist.so\n');
  machine.write('/etc/os-release', 'PRETTY_NAME="Debian GNU/Linux 12 Lasarett"\n');
  const line = {
    level: 50,
    time: 1_764_000_000_000,
    pid: 4829,
    msg: `watching the readers failed for ${all}`,
    card: all,
    pin: '482915',
  };
  machine.write(
    '/log',
    [...SECRETS, all, JSON.stringify(line), JSON.stringify({ [all]: all })].map((each) => `${each}\n`).join(''),
  );
  mkdirSync(join(machine.home, 'Annelie Lindqvist'));
  const card = { role: 'holder' } as const;
  await daemon.client.call('pin.verify', { card, pin: '482915', purpose: all.slice(0, 100) }).catch(() => undefined);
  await daemon.client.call('certificate.list', { card }).catch(() => undefined);
}

interface Bundle {
  readonly file: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number | null;
}

function supportBundle(name: string, parameters: readonly string[] = []): Promise<Bundle> {
  const file = join(machine.root, name);
  const named = ['--data-dir', daemon.dataFolder, '--policy-dir', machine.policyFolder, '--root', machine.root];
  const command = [
    join(ROOT, 'dist', 'main.js'),
    'support-bundle',
    file,
    ...named,
    '--log',
    join(machine.root, 'log'),
    ...parameters,
  ];
  const environment = { PATH: process.env['PATH'] ?? '', HOME: join(machine.home, 'Annelie Lindqvist') };
  return new Promise((resolve) => {
    const child = execFile(process.execPath, command, { env: environment }, (_, stdout, stderr) =>
      resolve({ file, stdout, stderr, status: child.exitCode }),
    );
  });
}

function filesIn(file: string): Readonly<Record<string, string>> {
  const entries = Object.entries(unzipSync(readFileSync(file)));
  return Object.fromEntries(entries.map(([name, bytes]) => [name, new TextDecoder().decode(bytes)]));
}

/** As it is, and as it would look encoded. */
function leaksIn(text: string, token: string): readonly string[] {
  const folded = text.toLowerCase();
  return [...SECRETS, token].filter((secret) => {
    const forms = [
      secret,
      encodeURIComponent(secret),
      Buffer.from(secret).toString('base64'),
      Buffer.from(secret).toString('hex'),
    ];
    return forms.some((form) => folded.includes(form.toLowerCase()));
  });
}

it('holds nothing of a person, a card, a PIN or a token, wherever they stood', async () => {
  const trace = machine.write('/trace', TRACE);
  const { file, stdout, stderr, status } = await supportBundle('whole.zip', ['--trace', trace]);
  expect([status, stdout]).toEqual([0, `${file}\n`]);
  const token = readFileSync(join(daemon.dataFolder, 'token'), 'utf8').trim();
  const files = filesIn(file);
  for (const [name, text] of Object.entries(files)) expect(leaksIn(`${name}\n${text}`, token), name).toEqual([]);
  expect(leaksIn(stderr, token)).toEqual([]);
  // The search finds what is there.
  expect(leaksIn(readFileSync(join(machine.root, 'log'), 'utf8'), token)).toEqual([...SECRETS]);
});

it('holds what support needs, says what it is, and that nothing was sent', async () => {
  const { file, stderr } = await supportBundle('contents.zip', ['--trace', machine.write('/trace', TRACE)]);
  const files = filesIn(file);
  expect(Object.keys(files)).toEqual([
    ...[
      'README.txt',
      'audit.json',
      'configuration.json',
      'doctor.json',
      'events.json',
      'health.json',
      'log.json',
      'manifest.json',
    ],
    ...['modules.json', 'readers.json', 'trace.txt', 'versions.json'],
  ]);
  expect(stderr).toContain('Nothing was sent anywhere.');
  expect(stderr).toContain('Inget har skickats någonstans.');
  expect(stderr).toContain('trace.txt');
  const doctor = JSON.parse(files['doctor.json'] ?? '') as { findings: { id: string; explanation: { en: string } }[] };
  const ids = doctor.findings.map(({ id }) => id);
  expect(ids).toEqual(expect.arrayContaining(['policy_file_refused', 'module_file_missing', 'middleware_module_missing']));
  expect(doctor.findings.find(({ id }) => id === 'policy_file_refused')?.explanation.en).toBe(
    'A policy file is refused whole, and nothing that it says holds.',
  );
  expect(JSON.parse(files['health.json'] ?? '')).toMatchObject({ status: 'ok', readers: 4 });
  expect(JSON.parse(files['versions.json'] ?? '')).toMatchObject({
    ...{ kortd: '0.1.0', daemon: '0.1.0', node: process.versions.node, platform: `${process.platform} ${process.arch}` },
    processors: cpus().length,
  });
  expect(files['versions.json']).toContain('"p11kit": ');
  const { acts } = JSON.parse(files['audit.json'] ?? '') as { readonly acts: readonly { readonly count: number }[] };
  expect(acts[0]?.count).toBeGreaterThan(0);
  expect(JSON.parse(files['configuration.json'] ?? '')).toMatchObject({
    configuration: { content: { listen: { port: 27_150 } } },
  });
  expect(files['log.json']).toContain('"watching the readers failed for name-');
  expect(files['audit.json']).toContain('"method": "pin.verify"');
  expect(files['modules.json']).toContain('ab'.repeat(32));
  expect(files['trace.txt']).toContain('> 00200080{*}\n< 63C2 ; 31 ms');
});

it('is readable by its owner alone, is never put in the place of another file, and its manifest has the hash of every file', async () => {
  const { file } = await supportBundle('private.zip');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const before = readFileSync(file);
  expect((await supportBundle('private.zip')).status).toBe(1);
  expect(readFileSync(file).equals(before)).toBe(true);
  const bytes = unzipSync(before);
  const manifest = JSON.parse(new TextDecoder().decode(bytes['manifest.json'])) as { files: { name: string; sha256: string }[] };
  expect(manifest.files.map(({ name }) => name).sort()).toEqual(
    Object.keys(bytes)
      .filter((name) => name !== 'manifest.json')
      .sort(),
  );
  for (const { name, sha256 } of manifest.files)
    expect(
      createHash('sha256')
        .update(bytes[name] ?? new Uint8Array())
        .digest('hex'),
      name,
    ).toBe(sha256);
});

it('is the same bytes for the same contents, in the order of the names', async () => {
  const part = (name: string) => ({ name, en: 'x', sv: 'x', content: { name: 'Annelie', again: 'Annelie' } });
  const options = { now: new Date(0), parts: [part('b.json'), part('a.json')] };
  const [one, other] = await Promise.all([zipFiles(bundleFiles(options)), zipFiles(bundleFiles(options))]);
  expect(Buffer.from(one).equals(other)).toBe(true);
  expect(Object.keys(unzipSync(one))).toEqual(['README.txt', 'a.json', 'b.json', 'manifest.json']);
});

it('is made without a daemon too', async () => {
  const { file, status } = await supportBundle('alone.zip', ['--data-dir', machine.emptyData]);
  expect(status).toBe(0);
  const files = filesIn(file);
  expect(files['health.json']).toContain('unavailable');
  expect(files['doctor.json']).toContain('daemon_not_running');
});

describe('pseudonyms', () => {
  it('are the same for the same text in one bundle, whatever its case', () => {
    const redaction = createRedaction();
    expect(redaction.text('the card of Annelie is busy; ANNELIE waits for Lindqvist, number 482915')).toBe(
      'the card of name-1 is busy; name-1 waits for name-2, number number-1',
    );
    expect(createRedaction().text('Lindqvist')).toBe('name-1');
  });

  it.each([
    ['482915', 'number-1'],
    ['48 29 15', 'number-1'],
    ['790314-2386', 'number-1'],
    ['port 27150, mode 0600, process 17', 'port 27150, mode 0600, process 17'],
    ['2026-11-23T00:14:16.123Z', '2026-11-23T00:14:16.123Z'],
    ['1979-03-14', 'number-1'],
    ['/dev/hidraw0 of reader 1.2.3', '/dev/hidraw0 of reader 1.2.3'],
    ['Gemalto PC Twin Reader (5D44FF88) 00 00', 'Gemalto PC Twin Reader (text-1) 00 00'],
    ['systemHealth card_busy pin.verify', 'systemHealth card_busy pin.verify'],
    ['Will', 'name-1'],
    ['00 01 23', 'number-1'],
    ['1A3C', 'text-1'],
  ])('of %s: %s', (given, expected) => {
    expect(createRedaction().text(given)).toBe(expected);
  });

  it('stand for names of members, and for numbers that are no measure', () => {
    expect(
      createRedaction().value({ Annelie: 1234, port: 27_150, uptimeMs: 99_999, pin: 482915, deep: [true, null, 'Annelie'] }),
    ).toEqual({
      ...{ 'name-1': 'number-1', port: 27_150, uptimeMs: 99_999, pin: 'number-2' },
      'name-2': [true, null, 'name-1'],
    });
  });

  it('are needed for names: none of a person or a place is a word of kortd', () => {
    const names =
      'Anna Erik Lars Maria Karin Anders Johan Margareta Eva Björn Kristina Nils Åsa Andersson Johansson Karlsson Svensson Berg Lind Ek Stockholm Västervik';
    expect(names.split(' ').filter((name) => vocabulary().has(name))).toEqual([]);
  });
});

describe('a trace', () => {
  it.each([
    ['no trace at all', 'Annelie Lindqvist\n'],
    ['one that was recorded whole', TRACE.replace('contents: redacted', 'contents: whole')],
    ['one with a PIN in it', TRACE.replace('> 00200080{*}', '> 0020008006343832393135')],
    ['one with a line of something else', `${TRACE}Annelie Lindqvist\n`],
    ['one with a call of a module that tells more', `${TRACE}* C_Login slot 1 pin 428915 = 00000000 ; 1 ms\n`],
    ['one with a call of what is no function', `${TRACE}* C_AnnelieLindqvist slot 1 = 00000000 ; 1 ms\n`],
  ])('is refused: %s', (_, text) => {
    expect(() => traceForBundle(text, createRedaction())).toThrow(TraceRefusedError);
  });

  it('that is refused ends the command with 2, and leaves no file', async () => {
    const file = machine.write('/bad-trace', 'Annelie');
    const { status, file: bundle } = await supportBundle('refused.zip', ['--trace', file]);
    expect(status).toBe(2);
    expect(() => statSync(bundle)).toThrow(/ENOENT/);
  });

  it('keeps calls of vendors’ modules', () => {
    const calls = '* C_Sign slot 1 in 51 out 256 = 00000000 ; 4 ms\n* sign slot 1 ! device_timeout ; 30000 ms\n';
    expect(traceForBundle(`${TRACE}@ 1.000 card 9 reader 1 atr -\n${calls}`, createRedaction())).toContain(calls);
  });

  it('keeps its form, without comments and names', () => {
    const text = traceForBundle(TRACE, createRedaction());
    expect(text.split('\n')).toHaveLength(TRACE.split('\n').length);
    expect(text).toContain('\n#\n@ 0.009 reader 1 pcsc "name-1 Reader number-1"\n');
    expect(text).toContain('atr 3BFD1300008131FE158073C021C057597562694B657940 T=1 ');
  });
});
