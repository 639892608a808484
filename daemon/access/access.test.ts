import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '../log.ts';
import { Access } from './access.ts';
import { CONSENT_LIFETIME_MS } from './grants.ts';
import { TOKEN_LIFETIME_MS } from './tokens.ts';

const PAGE = 'https://app.example';
let dataFolder: string;
let now: number;
beforeEach(() => {
  dataFolder = mkdtempSync(join(tmpdir(), 'kortd-access-'));
  now = Date.parse('2026-01-01T12:00:00Z');
});
afterEach(() => {
  rmSync(dataFolder, { recursive: true });
});

function open(policy?: object): Access {
  const policyFolder = join(dataFolder, 'policy.d');
  if (policy) {
    mkdirSync(policyFolder);
    writeFileSync(join(policyFolder, '10.json'), JSON.stringify(policy), { mode: 0o600 });
  }
  return new Access({ dataFolder, policyFolder, log: silentLog, publish: () => undefined, now: () => now });
}

const signal = new AbortController().signal;

async function consent(access: Access): Promise<string> {
  const answer = access.request({ origin: PAGE, scopes: ['sign'], reason: undefined }, signal);
  access.decide(access.list().requests[0]?.code ?? '', true);
  return (await answer).token;
}

describe('Access', () => {
  it('keeps consent across a restart in a file that only its owner can read, and tokens not', async () => {
    let token: string;
    {
      using access = open();
      token = await consent(access);
      expect(access.acceptsToken(token, PAGE)).toBe(true);
    }
    using again = open();
    expect([...again.scopesOf(PAGE)]).toEqual(['sign']);
    expect(again.acceptsToken(token, PAGE)).toBe(false);
    expect(statSync(join(dataFolder, 'access.sqlite')).mode & 0o777).toBe(0o600);
  });

  it('ends a token after ten minutes, and consent after ninety days', async () => {
    using access = open();
    const token = await consent(access);
    now += TOKEN_LIFETIME_MS;
    expect(access.acceptsToken(token, PAGE)).toBe(false);
    now += CONSENT_LIFETIME_MS;
    expect([...access.scopesOf(PAGE)]).toEqual([]);
    expect(access.list().grants).toEqual([]);
  });

  it('gives what a policy file grants without asking, until the day it names is over', async () => {
    using access = open({ origins: [{ origin: PAGE, scopes: ['card.read'], expires: '2026-01-01' }] });
    await expect(access.request({ origin: PAGE, scopes: ['card.read'], reason: undefined }, signal)).resolves.toMatchObject({
      scopes: ['card.read'],
    });
    now = Date.parse('2026-01-02T00:00:00Z');
    expect([...access.scopesOf(PAGE)]).toEqual([]);
  });

  it('cannot take back what a policy file grants, and says so', () => {
    using access = open({ origins: [{ origin: PAGE, scopes: ['card.read'] }] });
    expect(() => access.revoke(PAGE)).toThrow(expect.objectContaining({ code: 'policy_grant' }) as Error);
  });

  it('takes back consent, its tokens and its connections together', async () => {
    using access = open();
    const token = await consent(access);
    let closed = 0;
    const first = access.addConnection(PAGE, () => closed++);
    access.addConnection(PAGE, () => closed++);
    first[Symbol.dispose]();
    access.revoke(PAGE);
    expect(closed).toBe(1);
    expect(access.acceptsToken(token, PAGE)).toBe(false);
    expect([...access.scopesOf(PAGE)]).toEqual([]);
  });

  it('never accepts a token for another origin', async () => {
    using access = open();
    const token = await consent(access);
    expect(access.acceptsToken(token, 'https://other.example')).toBe(false);
    expect(access.acceptsToken(`${token}x`, PAGE)).toBe(false);
  });
});
