import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ApiError } from '../errors.ts';
import { silentLog } from '../log.ts';
import { EnteredPins } from '../prompt/entered-pins.ts';
import { PromptCancelledError } from '../prompt/errors.ts';
import type { Prompt } from '../prompt/prompt.ts';
import { PromptDesk } from '../prompt/prompt-desk.ts';
import { Access } from './access.ts';
import { CONSENT_LIFETIME_MS } from './grants.ts';
import { TOKEN_LIFETIME_MS } from './tokens.ts';

const PAGE = 'https://app.example';
const HOLDER = { origin: PAGE, user: '1000' };
const NEIGHBOUR = { origin: PAGE, user: '1001' };
let dataFolder: string;
let now: number;
beforeEach(() => {
  dataFolder = mkdtempSync(join(tmpdir(), 'kortd-access-'));
  now = Date.parse('2026-01-01T12:00:00Z');
});
afterEach(() => {
  rmSync(dataFolder, { recursive: true });
});

const published: unknown[][] = [];

function open(policy?: object): Access {
  const policyFolder = join(dataFolder, 'policy.d');
  if (policy) {
    mkdirSync(policyFolder);
    writeFileSync(join(policyFolder, '10.json'), JSON.stringify(policy), { mode: 0o600 });
  }
  const prompts = new PromptDesk();
  const publish = (...event: unknown[]): void => void published.push(event);
  return new Access({ dataFolder, policyFolder, prompts, log: silentLog, publish, now: () => now });
}

const signal = new AbortController().signal;

async function consent(access: Access): Promise<string> {
  const answer = access.request({ ...HOLDER, scopes: ['sign'], reason: undefined }, signal);
  access.decide(access.list().requests[0]?.code ?? '', true);
  return (await answer).token;
}

describe('Access', () => {
  it('tells what became of each request, and whose grants changed', async () => {
    using access = open();
    published.length = 0;
    const heard = (): unknown[] => published.splice(0).filter(([name]) => name !== 'access.requested');
    await consent(access);
    const settled = (outcome: string): unknown => [
      'access.settled',
      { code: expect.any(String) as string, origin: PAGE, outcome },
    ];
    expect(heard()).toEqual([settled('approved'), ['access.changed', { origin: PAGE }]]);
    access.revoke(PAGE);
    expect(heard()).toEqual([['access.changed', { origin: PAGE }]]);
    const wanted = { ...HOLDER, scopes: ['sign' as const], reason: undefined };
    const refused = access.request(wanted, signal);
    access.decide(access.list().requests[0]?.code ?? '', false);
    await expect(refused).rejects.toMatchObject({ code: 'access_denied' });
    const page = new AbortController();
    const left = access.request(wanted, page.signal);
    page.abort(new Error('the page is gone'));
    await expect(left).rejects.toThrow('the page is gone');
    expect(heard()).toEqual([settled('denied'), settled('withdrawn')]);
    access.apply(access.prepare());
    expect(heard()).toEqual([['access.changed', {}]]);
  });

  it('keeps consent across a restart in a file that only its owner can read, and tokens not', async () => {
    let token: string;
    {
      using access = open();
      token = await consent(access);
      expect(access.acceptsToken(token, HOLDER)).toBe(true);
    }
    using again = open();
    expect([...again.scopesOf(HOLDER)]).toEqual(['sign']);
    expect(again.acceptsToken(token, HOLDER)).toBe(false);
    expect(statSync(join(dataFolder, 'access.sqlite')).mode & 0o777).toBe(0o600);
  });

  it('ends a token after ten minutes, and consent after ninety days', async () => {
    using access = open();
    const token = await consent(access);
    now += TOKEN_LIFETIME_MS;
    expect(access.acceptsToken(token, HOLDER)).toBe(false);
    now += CONSENT_LIFETIME_MS;
    expect([...access.scopesOf(HOLDER)]).toEqual([]);
    expect(access.list().grants).toEqual([]);
  });

  it('gives what a policy file grants without asking, until the day it names is over', async () => {
    using access = open({ origins: [{ origin: PAGE, scopes: ['card.read'], expires: '2026-01-01' }] });
    await expect(access.request({ ...HOLDER, scopes: ['card.read'], reason: undefined }, signal)).resolves.toMatchObject({
      scopes: ['card.read'],
    });
    now = Date.parse('2026-01-02T00:00:00Z');
    expect([...access.scopesOf(HOLDER)]).toEqual([]);
  });

  it('cannot take back what a policy file grants, and says so', () => {
    using access = open({ origins: [{ origin: PAGE, scopes: ['card.read'] }] });
    expect(() => access.revoke(PAGE)).toThrow(expect.objectContaining({ code: 'policy_grant' }) as Error);
  });

  it('takes back consent, its tokens and its connections together', async () => {
    using access = open();
    const token = await consent(access);
    let closed = 0;
    const first = access.addConnection(HOLDER, () => closed++);
    access.addConnection(HOLDER, () => closed++);
    first[Symbol.dispose]();
    access.revoke(PAGE);
    expect(closed).toBe(1);
    expect(access.acceptsToken(token, HOLDER)).toBe(false);
    expect([...access.scopesOf(HOLDER)]).toEqual([]);
  });

  it('keeps what one user of the workstation consented to from another', async () => {
    using access = open();
    const token = await consent(access);
    expect([...access.scopesOf(NEIGHBOUR)]).toEqual([]);
    expect(access.acceptsToken(token, NEIGHBOUR)).toBe(false);
    expect(access.claimToken(token, NEIGHBOUR)).toBe(false);
    expect(access.claimToken(token, HOLDER)).toBe(true);
  });

  it('opens one WebSocket with a token, and no second one', async () => {
    using access = open();
    const token = await consent(access);
    expect([access.claimToken(token, HOLDER), access.claimToken(token, HOLDER)]).toEqual([true, false]);
    expect(access.acceptsToken(token, HOLDER)).toBe(true);
  });

  it('reads the policy anew, and closes the connections of origins that lost their grant', () => {
    using access = open({ origins: [{ origin: PAGE, scopes: ['card.read'] }] });
    const closed: string[] = [];
    access.addConnection(HOLDER, () => closed.push('page'));
    access.apply(access.prepare());
    expect(closed).toEqual([]);
    rmSync(join(dataFolder, 'policy.d', '10.json'));
    access.apply(access.prepare());
    expect(closed).toEqual(['page']);
    expect(access.knows(PAGE)).toBe(false);
  });

  it('asks the person in the trusted prompt, and takes the dialog away when the command line decides first', async () => {
    const prompts = new PromptDesk();
    const shown: Prompt[] = [];
    const withdrawn: unknown[] = [];
    prompts.add({
      place: 'agent',
      user: HOLDER.user,
      ask: (prompt, options) => {
        shown.push(prompt);
        return new Promise((_, reject) => {
          options.signal.addEventListener('abort', () => {
            withdrawn.push(prompt);
            reject(options.signal.reason as Error);
          });
        });
      },
    });
    using access = new Access({ dataFolder, policyFolder: dataFolder, prompts, log: silentLog, publish: () => undefined });
    const answer = access.request({ ...HOLDER, scopes: ['sign'], reason: 'to try' }, signal);
    await expect.poll(() => shown.length).toBe(1);
    expect(shown[0]).toMatchObject({
      kind: 'consent',
      asker: { kind: 'origin', name: PAGE },
      scopes: ['sign'],
      reason: 'to try',
    });
    access.decide(access.list().requests[0]?.code ?? '', true);
    await answer;
    expect(withdrawn).toEqual(shown);
  });

  it.each([
    ['approves', () => Promise.resolve(new EnteredPins()), 'granted'],
    ['cancels', () => Promise.reject(new PromptCancelledError('no')), 'access_denied'],
  ])('does what the person who %s in the prompt wants', async (_, ask, outcome) => {
    const prompts = new PromptDesk();
    prompts.add({ place: 'console', user: HOLDER.user, ask });
    using access = new Access({ dataFolder, policyFolder: dataFolder, prompts, log: silentLog, publish: () => undefined });
    const answer = access.request({ ...HOLDER, scopes: ['sign'], reason: undefined }, signal).then(
      () => 'granted',
      (error: unknown) => (error as ApiError).code,
    );
    expect(await answer).toBe(outcome);
  });

  it('never accepts a token for another origin', async () => {
    using access = open();
    const token = await consent(access);
    expect(access.acceptsToken(token, { ...HOLDER, origin: 'https://other.example' })).toBe(false);
    expect(access.acceptsToken(`${token}x`, HOLDER)).toBe(false);
  });
});
