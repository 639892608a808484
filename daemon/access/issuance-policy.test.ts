import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readPolicy } from './policy.ts';

function policyOf(...contents: readonly object[]): ReturnType<typeof readPolicy> {
  const folder = mkdtempSync(join(tmpdir(), 'kortd-issuance-policy-'));
  for (const [index, content] of contents.entries()) {
    const file = join(folder, `${index}.json`);
    writeFileSync(file, JSON.stringify(content));
    chmodSync(file, 0o600);
  }
  return readPolicy(folder);
}

test('administrators of several files add up, and the last authority of a name counts', () => {
  const trust = { trustAnchors: ['/etc/ca.pem'], credentials: '/etc/ca.secret' };
  const est = { name: 'office', protocol: 'est', url: 'https://ca.example', ...trust };
  const { issuance, problems } = policyOf(
    { issuance: { administrators: [{ hsaId: 'SE2321000016-A' }], authorities: [est] } },
    {
      issuance: {
        administrators: [{ hsaId: 'SE2321000016-B', protectedPersons: true }],
        authorities: [{ ...est, label: 'new' }],
      },
    },
  );
  expect(problems).toEqual([]);
  expect(issuance.administrators).toEqual([
    { hsaId: 'SE2321000016-A', protectedPersons: false },
    { hsaId: 'SE2321000016-B', protectedPersons: true },
  ]);
  expect(issuance.authorities).toEqual([{ ...est, label: 'new' }]);
});

test.each([
  [{ evidenceRecipients: ['evidence.pem'] }, 'no absolute path'],
  [{ authorities: [{ name: 'a', protocol: 'est', url: 'ftp://ca.example' }] }, 'no http or https address'],
  [{ authorities: [{ name: 'a', protocol: 'cmp', url: 'http://ca.example', clientKey: '/k.pem' }] }, 'goes with its key'],
  [{ authorities: [{ name: 'a', protocol: 'cmp', url: 'http://ca.example/?q' }] }, 'more than host, port and path'],
  [{ authorities: [{ name: 'a', protocol: 'cmp', url: 'http://ca.example' }] }, 'could not know who asks'],
  [{ authorities: [{ name: 'a', protocol: 'est', url: 'https://ca.example', credentials: '/c' }] }, 'https needs trustAnchors'],
  [{ authorities: [{ name: 'a', protocol: 'est', url: 'http://127.0.0.1.ca.example', credentials: '/c' }] }, 'plain http'],
  [{ authorities: [{ name: 'a', protocol: 'est', url: 'http://[::1]', credentials: '/c', recipient: 'CN=a' }] }, 'is of CMP'],
  [{ authorities: [{ name: 'a', protocol: 'cmp', url: 'http://ca.example', credentials: '/c', label: 'a' }] }, 'is of EST'],
  [
    {
      authorities: [{ name: 'a', protocol: 'cmp', url: 'http://ca.example', clientCertificate: '/c.pem', clientKey: '/k.pem' }],
    },
    'need trustAnchors',
  ],
  [{ authorities: [{ name: 'a', protocol: 'scep', url: 'http://ca.example' }] }, '/issuance/authorities/0/protocol'],
])('a file with %j is refused', (issuance, problem) => {
  const policy = policyOf({ issuance });
  expect(policy.problems[0]?.problem).toContain(problem);
  expect(policy.issuance.authorities).toEqual([]);
});
