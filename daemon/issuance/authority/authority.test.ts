import { expect, test } from 'vitest';
import type { AuthorityEntry } from '../../access/issuance-policy.ts';
import { Authorities } from './authority.ts';
import { printable } from './errors.ts';
import { Patience } from './patience.ts';

const entry: AuthorityEntry = { name: 'office', protocol: 'cmp', url: 'http://127.0.0.1:9', credentials: '/nowhere' };

test('an authority is known by its name in the policy in force, and stays the same while its entry does', () => {
  let entries: readonly AuthorityEntry[] = [entry];
  const authorities = new Authorities(() => entries);
  const office = authorities.named('office');
  entries = [{ ...entry }];
  expect(authorities.named('office')).toBe(office);
  entries = [{ ...entry, url: 'http://127.0.0.1:10' }];
  expect(authorities.named('office')).not.toBe(office);
  entries = [];
  expect(authorities.entries).toEqual([]);
  expect(() => authorities.named('office')).toThrow(expect.objectContaining({ code: 'authority_unknown' }));
});

test('a file that is not there is told, and nobody is asked', async () => {
  const asked = new Authorities(() => [entry])
    .named('office')
    .requestCertificate(new Uint8Array(), { signal: AbortSignal.any([]) });
  await expect(asked).rejects.toMatchObject({
    code: 'authority_misconfigured',
    details: { problem: expect.stringMatching(/^\/nowhere: ENOENT/) as string },
  });
});

test('an authority is waited for as long as the deadline allows, and never less than it wants', async () => {
  let now = 0;
  const waited: number[] = [];
  const clock = {
    now: () => now,
    wait: (ms: number) => {
      now += ms;
      waited.push(ms);
      return Promise.resolve();
    },
  };
  const patience = new Patience(clock, 10_000, AbortSignal.any([]));
  await patience.wait(0);
  await patience.wait(9_000);
  await expect(patience.wait(1_000)).rejects.toMatchObject({ code: 'authority_waits', details: { waitMs: 1_000 } });
  expect(waited).toEqual([250, 9_000]);
});

test('text of a server comes in one line, without what could mislead a screen, and bounded', () => {
  expect(printable(' No\u0000such\r\nperson\u202e\ud800 ')).toBe('No such person �');
  expect(printable('a'.repeat(1_000))).toHaveLength(301);
});
