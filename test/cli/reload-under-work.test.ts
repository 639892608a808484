/** A reload by SIGHUP while the built daemon signs a list on a card: the job ends well, whether the new files are taken or refused, and figures can be switched on. */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { startProgram, type RunningDaemon } from '../support/program.ts';
import { get, valueOf } from '../telemetry/scrape.ts';
import { build } from './program.ts';

const ATTEMPT_MS = 120_000;
const EVENTUALLY = { timeout: 20_000 };
const DOCUMENTS = 500;
/** Of the simulated office (drivers/simulated/scenarios/office.json). */
const PIN = '123456';

let folder = '';
let daemon: RunningDaemon;
const configuration = (): string => join(folder, 'kortd.json');
const policy = (): string => join(folder, 'policy.d', '10.json');
const scanners = (): string => join(daemon.dataFolder, 'scanners.json');

beforeAll(build, ATTEMPT_MS);
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kortd-reload-'));
  mkdirSync(join(folder, 'policy.d'));
  write(configuration(), { audit: { retentionDays: 30 } });
  write(policy(), { origins: [{ origin: 'https://a.example', scopes: ['card.read'] }] });
  daemon = await startProgram(['--simulate', 'office', '--config', configuration(), '--policy-dir', join(folder, 'policy.d')]);
}, ATTEMPT_MS);
afterEach(async () => {
  await daemon[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

function write(file: string, content: object | string): void {
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o600 });
}

interface Job {
  /** No list after the one under way. Resolves with how many signatures each list had. */
  readonly end: () => Promise<readonly number[]>;
}

/** One list after the other, so that whatever happens meets the card at work. Resolves when the first signatures are made. */
async function beginJob(): Promise<Job> {
  const { client } = daemon;
  let done = 0;
  await client.subscribe({
    onEvent: (event) => {
      if (event.name === 'sign.progress') done = event.data.done;
    },
  });
  const card = { role: 'operator' } as const;
  await expect.poll(async () => (await client.call('card.read', { card })).card.status, EVENTUALLY).toBe('ready');
  const documents = Array.from({ length: DOCUMENTS }, (_, index) => ({
    name: `document ${index}`,
    digest: createHash('sha256').update(`document ${index}`).digest('base64'),
  }));
  const over = new AbortController();
  const lists: number[] = [];
  const work = async (): Promise<readonly number[]> => {
    while (!over.signal.aborted) {
      const params = { card, keyReference: '9C', algorithm: 'RS256', documents, pin: PIN } as const;
      lists.push((await client.call('sign.batch', params)).signatures.length);
    }
    return lists;
  };
  const ended = work();
  ended.catch(() => over.abort()); // whoever waits for the end is told
  await expect.poll(() => done > 0 || over.signal.aborted, { ...EVENTUALLY, interval: 5 }).toBe(true);
  return {
    end: () => {
      over.abort();
      return ended;
    },
  };
}

const allSigned = (lists: readonly number[]): boolean => lists.length > 0 && lists.every((length) => length === DOCUMENTS);

const grants = async (): Promise<string> => JSON.stringify(await daemon.client.call('access.list'));

it(
  'takes new files at once, and the job goes on to its end',
  async () => {
    const job = await beginJob();
    write(configuration(), { audit: { retentionDays: 60 }, log: { level: 'debug' } });
    write(policy(), { origins: [{ origin: 'https://b.example', scopes: ['card.read'] }] });
    process.kill(daemon.pid, 'SIGHUP');
    await expect.poll(grants, { ...EVENTUALLY, interval: 5 }).toContain('https://b.example');
    expect(allSigned(await job.end())).toBe(true);
    expect((await daemon.client.call('system.health')).problems).toEqual([]);
  },
  ATTEMPT_MS,
);

it(
  'refuses all of it for one broken file, be it that of the scanners, and the job goes on to its end',
  async () => {
    const job = await beginJob();
    write(policy(), { origins: [{ origin: 'https://b.example', scopes: ['card.read'] }] });
    write(scanners(), { scanners: [{ name: 'x', driver: 'nothing' }] });
    process.kill(daemon.pid, 'SIGHUP');
    const codes = async () => (await daemon.client.call('system.health')).problems.map(({ code }) => code);
    await expect.poll(codes, { ...EVENTUALLY, interval: 5 }).toContain('reload_refused');
    expect(await grants()).toContain('https://a.example');
    expect(allSigned(await job.end())).toBe(true);
    const { problems } = await daemon.client.call('system.reload');
    expect(problems).toMatchObject([
      {
        file: scanners(),
        problem: expect.stringContaining('/scanners/0/driver: there is no such driver') as string,
        sv: expect.stringContaining('den drivrutinen finns inte') as string,
      },
    ]);
    rmSync(scanners());
    expect((await daemon.client.call('system.reload')).problems).toEqual([]);
    expect(await grants()).toContain('https://b.example');
  },
  ATTEMPT_MS,
);

it(
  'serves figures from the moment that the configuration says so, and no longer than it says so',
  async () => {
    expect(daemon.log()).not.toContain('metrics are served');
    write(configuration(), { metrics: { port: 0 } });
    process.kill(daemon.pid, 'SIGHUP');
    const served = () => Number(/"port":(\d+)[^\n]*"msg":"metrics are served"/.exec(daemon.log())?.[1] ?? 0);
    await expect.poll(served, EVENTUALLY).toBeGreaterThan(0);
    const port = served();
    await daemon.client.call('card.list');
    const labels = { method: 'card.list', caller: 'program' };
    const counted = async () => valueOf((await get(port)).text, 'kortd_call_duration_seconds_count', labels);
    await expect.poll(counted, EVENTUALLY).toBe(1);
    write(configuration(), {});
    process.kill(daemon.pid, 'SIGHUP');
    await expect.poll(async () => get(port).then(() => 'served', String), EVENTUALLY).toContain('ECONNREFUSED');
  },
  ATTEMPT_MS,
);
