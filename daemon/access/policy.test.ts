import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_PIN_RULES, readPolicy } from './policy.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kortd-policy-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function write(name: string, content: unknown, mode = 0o644): string {
  const file = join(folder, name);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  chmodSync(file, mode);
  return file;
}

describe('readPolicy', () => {
  it('is empty for a folder that does not exist', () => {
    const policy = readPolicy(join(folder, 'none'));
    expect(policy).toMatchObject({
      grants: [],
      rules: { developmentOrigins: [], extensionOrigins: [] },
      problems: [],
      auditRetentionDays: undefined,
    });
    expect(policy.pinRules('https://app.example')).toEqual(DEFAULT_PIN_RULES);
  });

  it('has rules for PINs for all origins and for one, and the last file that says it counts', () => {
    const origin = 'https://app.example';
    write('10.json', { pin: { reuseSeconds: 60 }, origins: [{ origin, scopes: ['sign'], pin: { wrongPerDay: 1 } }] });
    write('20.json', { pin: { wrongPerDay: 3 }, audit: { retentionDays: 30 } });
    const policy = readPolicy(folder);
    expect(policy.problems).toEqual([]);
    expect(policy.pinRules(origin)).toEqual({ reuseMs: 60_000, wrongPerDay: 1 });
    expect(policy.pinRules('https://other.example')).toEqual({ reuseMs: 60_000, wrongPerDay: 3 });
    expect(policy.auditRetentionDays).toBe(30);
  });

  it('names the server of time stamps, the last file that does', () => {
    write('10.json', { timeStamp: { url: 'https://one.example/' } });
    write('20.json', { timeStamp: { url: 'https://two.example/', policy: '1.2.3', timeoutMs: 500 } });
    write('30.json', {});
    expect(readPolicy(folder).timeStamp).toEqual({
      url: 'https://two.example/',
      policy: '1.2.3',
      timeoutMs: 500,
      trustAnchors: [],
    });
  });

  it('gives the grants of every file, in the order of their names', () => {
    write('20-b.json', { origins: [{ origin: 'https://b.example', scopes: ['sign'] }] });
    const first = write('10-a.json', {
      origins: [{ origin: 'https://a.example', scopes: ['card.read'], expires: '2030-01-31' }],
    });
    const { grants, problems } = readPolicy(folder);
    expect(problems).toEqual([]);
    expect(grants.map((grant) => grant.origin)).toEqual(['https://a.example', 'https://b.example']);
    expect(grants[0]).toMatchObject({ source: first, expiresAt: Date.parse('2030-01-31T23:59:59.999Z') });
  });

  it.each([
    ['not JSON', '{', /JSON/],
    ['an unknown field', { origin: [] }, /must not have additional properties|schema is false/],
    ['a scope that no web origin can hold', { origins: [{ origin: 'https://a.example', scopes: ['pin.direct'] }] }, /scopes/],
    ['an origin that can hold no grant', { origins: [{ origin: 'https://127.0.0.1', scopes: ['sign'] }] }, /ip address/],
    [
      'an http origin that is not listed for development',
      { origins: [{ origin: 'http://localhost:3000', scopes: ['sign'] }] },
      /not https/,
    ],
    ['a role of a wrong name', { roles: { 'no role': {} } }, /no name of a role/],
    ['a reader without a property', { roles: { holder: { reader: { slot: 1 } } } }, /neither serialNumber nor usbPath nor name/],
    ['a role that is not itself', { roles: { holder: { notSamePersonAs: ['holder'] } } }, /somebody else than itself/],
    ['a rule that names no card', { roles: { holder: { cards: [{}] } } }, /roles/],
    ['rules that let no card in', { roles: { holder: { cards: [] } } }, /roles/],
    ['a time-stamp server that is none', { timeStamp: { url: 'file:///etc/passwd' } }, /no http or https address/],
    ['a time-stamp server with a password', { timeStamp: { url: 'https://a:b@time.example/' } }, /no http or https address/],
    [
      'an anchor of time stamps that cannot be read',
      { timeStamp: { url: 'https://time.example/', trustAnchors: ['/nowhere/authority.pem'] } },
      /timeStamp\.trustAnchors: \/nowhere\/authority\.pem/,
    ],
    ['a time-stamp policy that is no object identifier', { timeStamp: { url: 'https://time.example/', policy: 'x' } }, /policy/],
    ['a development origin that is none', { developmentOrigins: ['localhost:3000'] }, /no http origin/],
  ])('refuses a file whole that has %s, by name, and takes the others', (_, content, problem) => {
    const bad = write('10-bad.json', typeof content === 'string' ? content : { comment: 'one good line', ...content });
    write('20-good.json', { origins: [{ origin: 'https://good.example', scopes: ['sign'] }] });
    const policy = readPolicy(folder);
    expect(policy.problems).toEqual([{ file: bad, problem: expect.stringMatching(problem) as string }]);
    expect(policy.grants.map((grant) => grant.origin)).toEqual(['https://good.example']);
  });

  it('has roles, and the last file that says a member of one counts', () => {
    write('10.json', { roles: { holder: { reader: { name: 'A' }, notSamePersonAs: ['operator'] } } });
    write('20.json', { roles: { holder: { reader: { serialNumber: '1' } } }, ignoredReaders: ['SAM*'] });
    const policy = readPolicy(folder);
    expect(policy.problems).toEqual([]);
    expect([...policy.roles]).toEqual([['holder', { reader: { serialNumber: '1' }, notSamePersonAs: ['operator'] }]]);
    expect(policy.ignoredReaders).toEqual(['SAM*']);
    expect(policy.rolesRefused).toBeUndefined();
  });

  it.each([
    ['that is not JSON', '{', true],
    ['that is no object', [], true],
    ['with roles', { roles: { holder: { reader: {} } } }, true],
    ['with identities', { identity: { anchors: 'none' } }, true],
    ['with neither', { origins: 'none' }, false],
  ])('says whether rules of roles are missing when a file is refused %s', (_, content, expected) => {
    const file = write('10.json', content);
    expect(readPolicy(folder).rolesRefused).toBe(expected ? file : undefined);
  });

  it('refuses a file that others can write, and one of another user', () => {
    const writable = write('10-writable.json', { origins: [{ origin: 'https://a.example', scopes: ['sign'] }] }, 0o666);
    expect(readPolicy(folder).problems).toEqual([{ file: writable, problem: 'others than its owner can write it' }]);
    chmodSync(writable, 0o644);
    const uid = process.getuid?.() ?? 0;
    if (uid !== 0) expect(readPolicy(folder, uid + 1).problems[0]?.problem).toMatch(/belongs to user/);
  });
});
