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
  const est = { name: 'office', protocol: 'est', url: 'https://ca.example' };
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
  [{ authorities: [{ name: 'a', protocol: 'scep', url: 'http://ca.example' }] }, '/issuance/authorities/0/protocol'],
])('a file with %j is refused', (issuance, problem) => {
  const policy = policyOf({ issuance });
  expect(policy.problems[0]?.problem).toContain(problem);
  expect(policy.issuance.authorities).toEqual([]);
});
