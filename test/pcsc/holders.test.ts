/** Another program that holds a card through the real pcscd is found by name, as long as it runs; pcscd and kortd are not taken for it. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CallError } from '../../api-spec/client/client.ts';
import { findPcscPrograms } from '../../drivers/pcsc/holders.ts';
import { startPcscd, type Pcscd } from '../support/pcscd.ts';
import { insertSimulatedCard, startProgram, type RunningDaemon } from '../support/program.ts';

const DEADLINE_MS = 20_000;

const stack = new AsyncDisposableStack();
let pcscd: Pcscd;
let daemon: RunningDaemon;
let program = '';

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kortd-holders-'));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  program = join(folder, 'holding-program');
  const source = join(import.meta.dirname, 'holding-program.c');
  execFileSync('gcc', ['-O2', '-I/usr/include/PCSC', '-o', program, source, '-lpcsclite']);
  pcscd = stack.use(await startPcscd(1));
  stack.use(await insertSimulatedCard(pcscd.readers[0]?.port ?? 0));
  daemon = stack.use(await startProgram([]));
  await cardIsReady();
});
afterAll(async () => {
  await stack.disposeAsync();
});

async function cardIsReady(): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const { cards } = await daemon.client.call('card.list');
    if (cards[0]?.status === 'ready') return;
    if (Date.now() > deadline) throw new Error('the card was not seen');
    await pause(20);
  }
}

/** Resolves when it holds the card. */
async function hold(): Promise<ChildProcess> {
  const child = spawn(program, [pcscd.readers[0]?.name ?? ''], { stdio: ['pipe', 'pipe', 'inherit'] });
  const said = await Promise.race([
    once(child.stdout, 'data', { signal: AbortSignal.timeout(DEADLINE_MS) }),
    once(child, 'exit').then(() => ['ended']),
  ]);
  if (!String(said[0]).startsWith('holding')) throw new Error(`the other program does not hold the card: ${String(said[0])}`);
  return child;
}

it('nobody is named while pcscd, kortd and its simulated card are alone', async () => {
  expect(await findPcscPrograms({ self: daemon.pid })).toEqual([]);
});

it('a program that holds the card is named, and no longer when it has ended', async () => {
  const other = await hold();
  try {
    const found = await findPcscPrograms({ self: daemon.pid });
    expect(found).toEqual([{ pid: other.pid, name: 'holding-program' }]);
    const [card] = (await daemon.client.call('card.list')).cards;
    const busy = daemon.client.call('card.read', { card: card?.id ?? '', refresh: true }, { timeoutMs: 2_000 });
    const error = await busy.catch((reason: unknown) => reason);
    if (!(error instanceof CallError)) throw new Error('the card was to be had', { cause: error });
    expect(error.code).toBe('card_busy');
    expect(error.error.details).toEqual({ holder: `another program, perhaps holding-program (process ${other.pid ?? 0})` });
  } finally {
    const ended = once(other, 'exit');
    other.stdin?.end();
    await ended;
  }
  expect(other.exitCode).toBe(0);
  expect(await findPcscPrograms({ self: daemon.pid })).toEqual([]);
});
