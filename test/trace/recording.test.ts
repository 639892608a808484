/** Traces of a daemon in this process: what is in them, what is not, when they end, and who may have one. */
import { appendFileSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { replayTrace } from '../../daemon/trace/replay.ts';
import { recordedCards } from '../../daemon/trace/replay-card.ts';
import { createEmrtdCard } from '../../drivers/simulated/cards/emrtd.ts';
import { METHODS } from '../../api-spec/methods/index.ts';
import { SCOPES } from '../../api-spec/scopes.ts';
import { errorOf, openBench, resultOf, type Bench } from '../api/support.ts';
import { TestStation } from '../prompts/station.ts';
import {
  SERIAL_BYTES,
  eidCard,
  findPrivate,
  pivCard,
  readPassport,
  stopTrace,
  useEidCard,
  usePivCard,
  type SessionCall,
} from './session.ts';

const signal = new AbortController().signal;

async function openSession(bench: Bench, undo: AsyncDisposableStack): Promise<SessionCall> {
  return { client: await bench.client(), station: undo.use(await TestStation.open(bench)) };
}

/** A PIV card, a Swedish card and a passport in one reader, one after the other. */
async function useEverything(bench: Bench, session: SessionCall): Promise<void> {
  await usePivCard(session, await bench.insert(pivCard()));
  await useEidCard(session, await bench.insert(eidCard()));
  await readPassport(session, await bench.insert(createEmrtdCard()));
}

describe('a trace of a whole session', () => {
  it('has every exchange and none of what was typed, of the keys, names, numbers and serial numbers; and the cards are replayed as they were', async () => {
    await using undo = new AsyncDisposableStack();
    await using bench = await openBench();
    const session = await openSession(bench, undo);
    await session.client.call('trace.start', {});
    await useEverything(bench, session);
    const { text, trace, path } = await stopTrace(session.client, bench.dataFolder);
    expect(findPrivate(text)).toEqual([]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(bench.dataFolder, 'traces')).mode & 0o777).toBe(0o700);
    const purposes = recordedCards(trace).map(({ transactions }) => transactions.map(({ purpose }) => purpose));
    expect(purposes[0]).toEqual(
      expect.arrayContaining(['identify', 'card.read', 'sign.digest', 'pin.unblock', 'key.generate', 'certificate.write']),
    );
    expect(purposes[1]).toEqual(expect.arrayContaining(['identify', 'card.read', 'pin.change', 'sign.digest']));
    expect(purposes[2]).toEqual(expect.arrayContaining(['identify', 'passport.read']));
    const reports = await replayTrace(trace, signal);
    expect(reports.filter(({ outcome }) => outcome === 'different')).toEqual([]);
    expect(reports.filter(({ outcome }) => outcome === 'same').map(({ purpose }) => purpose)).toEqual([
      'identify',
      'card.read',
      'identify',
      'card.read',
      'identify',
    ]);
  });

  it('with all contents has names, and PINs all the same not: the search finds what is there', async () => {
    await using undo = new AsyncDisposableStack();
    await using bench = await openBench();
    const session = await openSession(bench, undo);
    await session.client.call('trace.start', { contents: 'whole' });
    await useEverything(bench, session);
    const { text } = await stopTrace(session.client, bench.dataFolder);
    const found = new Set(findPrivate(text));
    for (const name of ['Cecilia', 'Öberg', 'SE2321000016', '9752000000000000037', SERIAL_BYTES]) expect(found).toContain(name);
    expect([...found].filter((value) => /^\d{6,8}$/.test(value))).toEqual([]);
  });
});

describe('a trace', () => {
  it('is of the reader, the role or the card that is asked for alone', async () => {
    await using bench = await openBench({ readers: [{}, {}] });
    const client = await bench.client();
    await client.call('trace.start', { card: { reader: bench.readerId(1) } });
    await bench.insert(pivCard(), 0);
    await bench.insert(eidCard(), 1);
    const { trace } = await stopTrace(client, bench.dataFolder);
    expect(trace.entries.filter(({ kind }) => kind === 'reader')).toMatchObject([{ name: 'Bench 1' }]);
  });

  it('of cards that are used at once keeps each transaction in one piece', async () => {
    await using bench = await openBench({ readers: [{}, {}] });
    const client = await bench.client();
    await client.call('trace.start', {});
    const ids = await Promise.all([bench.insert(eidCard(), 0), bench.insert(eidCard(), 1)]);
    await Promise.all(ids.flatMap((card) => [0, 1, 2].map(() => client.call('card.read', { card, refresh: true }))));
    const { trace } = await stopTrace(client, bench.dataFolder);
    const transactions = recordedCards(trace).flatMap((card) => card.transactions);
    expect(transactions).toHaveLength(8);
    const counts = new Set(
      transactions.filter(({ purpose }) => purpose === 'card.read').map(({ exchanges }) => exchanges.length),
    );
    expect(counts.size).toBe(1);
  });

  it('survives a card that is pulled in the middle, and says so', async () => {
    await using bench = await openBench();
    const client = await bench.client();
    await client.call('trace.start', {});
    const card = await bench.insert(eidCard());
    bench.reader().arm([{ kind: 'pull', at: 3 }]);
    await expect(client.call('card.read', { card, refresh: true })).rejects.toMatchObject({ error: { code: 'card_removed' } });
    await bench.insert(pivCard());
    const { trace } = await stopTrace(client, bench.dataFolder);
    expect(trace.entries).toContainEqual(expect.objectContaining({ kind: 'exchange', problem: 'card_removed' }));
    expect(trace.entries.filter(({ kind }) => kind === 'removed')).toHaveLength(1);
    expect(recordedCards(trace)).toHaveLength(2);
  });

  it('ends by itself when its time is over, is told by system.health until then, and leaves its records in the audit log', async () => {
    await using bench = await openBench();
    const api = await bench.socket();
    const started = resultOf(await api.call('trace.start', { durationMs: 1_000 }));
    expect(resultOf(await api.call('system.health')).trace).toMatchObject({ file: started.file, contents: 'redacted' });
    await bench.insert(pivCard());
    const client = await bench.client();
    await expect.poll(async () => (await client.call('system.health')).trace, { timeout: 20_000 }).toBeUndefined();
    const text = readFileSync(join(bench.dataFolder, 'traces', started.file), 'utf8');
    expect(text).toMatch(/stopped time\n$/);
    const records = async (): Promise<readonly unknown[]> =>
      resultOf(await api.call('audit.list')).records.map(({ method, outcome, purpose }) => [method, outcome, purpose]);
    await expect.poll(records, { timeout: 20_000 }).toEqual([
      ['trace.start', 'ok', started.file],
      ['trace.stop', 'ok', `${started.file}: time`],
    ]);
  });

  it('is ended by the end of kortd', async () => {
    let text = '';
    const bench = await openBench();
    try {
      const api = await bench.socket();
      const { file } = resultOf(await api.call('trace.start'));
      await bench.insert(pivCard());
      await bench.daemon[Symbol.asyncDispose]();
      text = readFileSync(join(bench.dataFolder, 'traces', file), 'utf8');
    } finally {
      await bench[Symbol.asyncDispose]();
    }
    expect(text).toMatch(/stopped shutdown\n$/);
  });

  it('of a real desk never has all contents, and no web page can have one', async () => {
    await using bench = await openBench({ isReal: true });
    const api = await bench.socket();
    expect(errorOf(await api.call('trace.start', { contents: 'whole' })).code).toBe('not_simulated');
    expect(resultOf(await api.call('trace.list'))).toEqual({ traces: [] });
    for (const method of ['trace.list', 'trace.start', 'trace.stop'] as const) {
      expect(METHODS[method].scope).toBe('trace');
      expect(SCOPES.trace.webOrigins).toBe(false);
    }
  });

  it('makes room by the oldest: there are never more than twenty', async () => {
    await using bench = await openBench();
    const client = await bench.client();
    const folder = join(bench.dataFolder, 'traces');
    await client.call('trace.start');
    await client.call('trace.stop');
    for (let day = 10; day < 40; day++) appendFileSync(join(folder, `trace-20200101T0000${day}Z.txt`), 'old');
    const { file } = await client.call('trace.start');
    await client.call('trace.stop');
    expect(readdirSync(folder)).toHaveLength(20);
    expect(readdirSync(folder)).toContain(file);
  });
});
