import { X509Certificate } from 'node:crypto';
import { chmodSync, chownSync, mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '../log.ts';
import { readPolicy } from '../access/policy.ts';
import { IdentityAuthorities, readIdentitySettings, type IdentitySection } from './settings.ts';
import { issuePersonal, makeAuthority } from './testing.ts';

const root = makeAuthority('Root');
const middle = makeAuthority('Middle', root);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kortd-identity-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function pem(...ders: readonly Uint8Array[]): string {
  return ders.map((der) => new X509Certificate(der).toString()).join('');
}

function write(name: string, content: string, mode = 0o644): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  chmodSync(file, mode);
  return file;
}

function read(...sections: readonly IdentitySection[]): ReturnType<typeof readIdentitySettings> {
  return readIdentitySettings(sections, undefined);
}

describe('readIdentitySettings', () => {
  it('knows no authority, and the one confirmed level, where no file says anything', () => {
    expect(read()).toEqual({
      settings: { anchors: [], intermediates: [], assuranceLevels: new Map([['1.2.752.74.8.512', 'LoA3']]) },
      problems: [],
    });
  });

  it('reads every certificate of a file, and passes over the text between them', () => {
    const file = write('all.pem', `subject: Root\r\n${pem(root.der).replaceAll('\n', '\r\n')}\n# next\n${pem(middle.der)}`);
    const { settings, problems } = read({ trustAnchors: [file] });
    expect(problems).toEqual([]);
    expect(settings.anchors.map(({ fingerprint }) => fingerprint)).toEqual([root.facts.fingerprint, middle.facts.fingerprint]);
  });

  it('adds up what several sections name; of a policy with two levels the last one counts', () => {
    const [one, two] = [write('root.pem', pem(root.der)), write('middle.pem', pem(middle.der))];
    const { settings } = read(
      { trustAnchors: [one], assuranceLevels: [{ policy: '2.999.1', level: 'LoA2' }] },
      { trustAnchors: [one], intermediates: [two], assuranceLevels: [{ policy: '2.999.1', level: 'LoA3' }] },
    );
    expect(settings).toMatchObject({
      anchors: [{ subjectText: 'CN=Root,C=SE' }],
      intermediates: [{ subjectText: 'CN=Middle,C=SE' }],
    });
    expect(settings.anchors).toHaveLength(1);
    expect(settings.assuranceLevels.get('2.999.1')).toBe('LoA3');
  });

  it('leaves a broken file out whole, names it, and keeps the others', () => {
    const good = write('good.pem', pem(root.der));
    const broken = [
      [write('empty.pem', ''), 'it holds no certificate in PEM'],
      [write('text.pem', 'hello'), 'it holds no certificate in PEM'],
      [write('cut.pem', pem(root.der).slice(0, 300)), 'certificate 1 in it does not parse'],
      [
        write('second.pem', `${pem(root.der)}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----`),
        'certificate 2 in it does not parse',
      ],
      [write('person.pem', pem(issuePersonal(root))), 'certificate 1 in it is not that of an authority: '],
      [write('writable.pem', pem(root.der), 0o666), 'others than its owner can write it'],
      [write('large.pem', pem(root.der).padEnd(1_048_577)), 'it is larger than 1048576 bytes'],
      [write('many.pem', pem(...Array.from({ length: 201 }, () => root.der))), 'it holds more than 200 certificates'],
      ['relative.pem', 'it is no absolute path'],
      [join(folder, 'missing.pem'), 'ENOENT'],
    ] as const;
    const { settings, problems } = read({ trustAnchors: [...broken.map(([file]) => file), good] });
    expect(settings.anchors).toHaveLength(1);
    expect(problems.map(({ file }) => file)).toEqual(broken.map(([file]) => file));
    for (const [index, [, problem]] of broken.entries()) expect(problems[index]?.problem).toContain(problem);
  });

  it.skipIf(process.platform === 'win32')('does not wait for a pipe, and reads no folder', () => {
    const pipe = join(folder, 'pipe.pem');
    execFileSync('mkfifo', [pipe]);
    mkdirSync(join(folder, 'folder.pem'), { mode: 0o755 });
    const { problems } = read({ trustAnchors: [pipe, join(folder, 'folder.pem')] });
    expect(problems.map(({ problem }) => problem)).toEqual(['it is no plain file', 'it is no plain file']);
  });

  it.skipIf(process.platform === 'win32')('refuses a file of a third user', () => {
    const file = write('root.pem', pem(root.der));
    const own = process.getuid?.() ?? 0;
    if (own === 0) chownSync(file, 12_345, 12_345);
    const { settings, problems } = readIdentitySettings([{ trustAnchors: [file] }], undefined, own === 0 ? own : own + 1);
    expect(settings.anchors).toEqual([]);
    expect(problems[0]?.problem).toMatch(/^it belongs to user \d+, neither root nor the user of kortd$/);
  });

  it('takes the authorities of a simulated desk: those that issued themselves as anchors', () => {
    const simulated = {
      authorities: [middle, root].map(({ der }) => ({ certificate: der })),
      assuranceLevels: [{ policy: '2.999.3', level: 'LoA3' }],
    };
    const { settings } = readIdentitySettings([], simulated);
    expect(settings.anchors).toEqual([root.facts]);
    expect(settings.intermediates).toEqual([middle.facts]);
    expect(settings.assuranceLevels.get('2.999.3')).toBe('LoA3');
  });
});

describe('IdentityAuthorities', () => {
  const simulatedAuthorities = { authorities: [{ certificate: root.der }], assuranceLevels: [] };

  it('are those of the simulated desk on a simulated desk alone', () => {
    const of = (simulated: boolean) =>
      new IdentityAuthorities(() => [], { simulated, simulatedAuthorities, log: silentLog }).settings.anchors;
    expect(of(true)).toEqual([root.facts]);
    expect(of(false)).toEqual([]);
  });

  it('are read anew, and what is wrong with them is logged', () => {
    const logged: object[] = [];
    const log = { ...silentLog, error: (fields: object) => void logged.push(fields) };
    const file = write('root.pem', pem(root.der));
    const identities = new IdentityAuthorities(() => [{ trustAnchors: [file] }], { simulated: false, log });
    expect([identities.settings.anchors.length, identities.problems]).toEqual([1, []]);
    write('root.pem', 'nothing');
    expect(identities.settings.anchors).toHaveLength(1);
    identities.reload();
    expect(identities.settings.anchors).toEqual([]);
    expect(identities.problems).toEqual([{ file, problem: 'it holds no certificate in PEM' }]);
    expect(logged).toEqual(identities.problems);
  });
});

describe('a policy file', () => {
  const policyOf = (identity: unknown) => {
    write('10.json', JSON.stringify({ identity }));
    return readPolicy(folder);
  };

  it('has a section for it', () => {
    const identity = { trustAnchors: ['/etc/kortd/root.pem'], assuranceLevels: [{ policy: '1.2.752.74.8.512', level: 'LoA3' }] };
    expect(policyOf(identity)).toMatchObject({ identity: [identity], problems: [] });
  });

  it.each([
    ['an unknown member', { anchors: [] }],
    ['a policy that is no object identifier', { assuranceLevels: [{ policy: 'LoA3', level: 'LoA3' }] }],
    ['a policy with a leading zero', { assuranceLevels: [{ policy: '1.02', level: 'LoA3' }] }],
    ['a level without a name', { assuranceLevels: [{ policy: '1.2.3', level: '' }] }],
    ['a path that is empty', { trustAnchors: [''] }],
  ])('is refused whole for %s', (_, identity) => {
    const policy = policyOf(identity);
    expect(policy.identity).toEqual([]);
    expect(policy.problems).toHaveLength(1);
  });
});
