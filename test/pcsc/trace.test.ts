/**
 * The built kortd on the real PC/SC service: a session with three cards is recorded from the command line, has nothing private in it, is replayed, and the recorded
 * Swedish card is put behind pcscd in place of the real one. Needs private namespaces: see `test/support/pcscd.ts`.
 */
import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEmrtdCard } from '../../drivers/simulated/cards/emrtd.ts';
import type { SimulatedCard } from '../../drivers/simulated/card.ts';
import { VpcdBridge } from '../../drivers/simulated/vpcd.ts';
import { TestStation } from '../prompts/station.ts';
import { startPcscd, type Pcscd } from '../support/pcscd.ts';
import { startProgram, type RunningDaemon } from '../support/program.ts';
import { Program, ROOT } from '../cli/program.ts';
import { eidCard, findPrivate, pivCard, readPassport, stopTrace, useEidCard, usePivCard } from '../trace/session.ts';

const run = promisify(execFile);
const MAIN = join(ROOT, 'dist', 'main.js');
const POLL = { timeout: 20_000 };
let pcscd: Pcscd;
let daemon: RunningDaemon;

beforeAll(async () => {
  pcscd = await startPcscd(1);
  daemon = await startProgram([]);
});

afterAll(async () => {
  await daemon[Symbol.asyncDispose]();
  await pcscd[Symbol.asyncDispose]();
});

const kortd = async (...parameters: readonly string[]): Promise<string> =>
  (await run(process.execPath, [MAIN, ...parameters, '--data-dir', daemon.dataFolder], { timeout: 60_000 })).stdout;

/** Resolves with the card's id when kortd knows what it is. */
async function identified(): Promise<string> {
  const look = async (): Promise<string | undefined> => {
    const [card] = (await daemon.client.call('card.list')).cards;
    return card && card.status !== 'identifying' ? card.id : undefined;
  };
  await expect.poll(look, POLL).toBeDefined();
  return (await look()) ?? '';
}

async function withCard(card: SimulatedCard, use: (id: string) => Promise<void>): Promise<void> {
  {
    await using bridge = new VpcdBridge({ port: pcscd.readers[0]?.port ?? 0 });
    await bridge.insert(card);
    await use(await identified());
  }
  await pcscd.untilEmpty();
  await expect.poll(async () => (await daemon.client.call('card.list')).cards, POLL).toEqual([]);
}

describe('a session through pcscd', () => {
  it('is recorded, has nothing private in it, and is replayed as it was', async () => {
    await using station = await TestStation.open(daemon);
    const { client, dataFolder } = daemon;
    expect(await kortd('trace', 'start', '--for', '5m')).toMatch(/^Recording to trace-\d{8}T\d{6}Z\.txt until /);
    await withCard(eidCard(), (id) => useEidCard({ client, station }, id));
    await withCard(pivCard(), (id) => usePivCard({ client, station }, id));
    await withCard(createEmrtdCard(), (id) => readPassport({ client }, id));
    const { text, path } = await stopTrace(client, dataFolder);
    expect(findPrivate(text)).toEqual([]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(text.match(/^@ \S+ removed /gm)).toHaveLength(3);
    expect(await kortd('trace', 'show')).toMatch(/VERIFY \d+, hidden → 9000 success[\s\S]*secure messaging/);
    expect(await kortd('trace', 'replay', path)).toMatch(
      /^5 transactions are as recorded, \d+ were sent again as they stand\.$/m,
    );
  });

  it('gives a card that stands in for the recorded one', async () => {
    const [latest = ''] = (await kortd('trace', 'list')).split(' ');
    const path = join(daemon.dataFolder, 'traces', latest);
    const vpcd = `127.0.0.1:${pcscd.readers[0]?.port ?? 0}`;
    await using card = new Program(daemon.dataFolder, ['simulate', '--trace', path, '--lenient', '--vpcd', vpcd]);
    await card.said(/ is in /);
    const id = await identified();
    const { certificates, keys } = await daemon.client.call('card.read', { card: id, refresh: true });
    expect(keys.length).toBeGreaterThan(0);
    expect(certificates.length).toBeGreaterThan(0);
    expect(findPrivate(JSON.stringify(certificates))).toEqual([]);
    expect((await card.stop()).status).toBe(0);
  });
});
