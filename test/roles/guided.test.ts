/** Binding a role by putting a card into its reader. */
import { describe, expect, it } from 'vitest';
import { SimulatedReader } from '../../drivers/simulated/reader.ts';
import { createMuteCard } from '../../drivers/simulated/faults.ts';
import { eventually, openBench, outcomeOf, resultOf, watchedPivCard, type Bench, type RpcSocket } from '../api/support.ts';

const READERS = [{ serialNumber: 'A-1' }, { serialNumber: 'B-2' }];

async function open(): Promise<{ readonly bench: Bench; readonly api: RpcSocket; readonly watcher: RpcSocket }> {
  const bench = await openBench({ readers: READERS });
  const [api, watcher] = [await bench.socket(), await bench.socket()];
  await watcher.call('event.subscribe', { events: ['reader.roleAwaited'] });
  return { bench, api, watcher };
}

const told = (watcher: RpcSocket): readonly unknown[] =>
  watcher.notices('event').map(({ params }) => (params as { data: unknown }).data);

async function isWaiting(watcher: RpcSocket, count = 1): Promise<void> {
  await eventually(
    'the card to be awaited',
    () => told(watcher).filter((one) => (one as { state: string }).state === 'waiting').length === count,
  );
}

describe('a role is bound to the next reader that a card is put into', () => {
  it.each([
    ['an empty one', async () => Promise.resolve()],
    [
      'one that had a card',
      async (bench: Bench) => {
        await bench.insert(watchedPivCard(), 1);
      },
    ],
  ])('%s', async (_, prepare) => {
    const { bench, api, watcher } = await open();
    await using stack = new AsyncDisposableStack();
    stack.use(bench);
    await bench.insert(watchedPivCard(), 0);
    await prepare(bench);
    const answer = api.call('reader.assignRole', { role: 'holder' });
    await isWaiting(watcher);
    bench.reader(0).remove();
    bench.reader(1).remove();
    bench.reader(1).insert(watchedPivCard());
    expect(resultOf(await answer)).toMatchObject({
      role: { role: 'holder', status: 'ready', source: 'assigned', selector: { serialNumber: 'B-2' } },
      reader: { id: bench.readerId(1), role: 'holder' },
    });
    await eventually('the end to be told', () => told(watcher).length === 2);
    expect(told(watcher)).toEqual([
      { role: 'holder', state: 'waiting' },
      { role: 'holder', state: 'assigned', reader: bench.readerId(1) },
    ]);
  });

  it('also by a card that does not answer, and not by a reader that comes with a card in it', async () => {
    const { bench, api, watcher } = await open();
    await using stack = new AsyncDisposableStack();
    stack.use(bench);
    const answer = api.call('reader.assignRole', { role: 'holder' });
    await isWaiting(watcher);
    const late = new SimulatedReader({ name: 'Late 00 00', serialNumber: 'C-3' });
    late.insert(watchedPivCard());
    bench.source.add(late);
    await eventually('the reader to come', () => bench.daemon.desk.cards.length === 1);
    bench.reader(0).insert(createMuteCard());
    expect(resultOf(await answer).reader.id).toBe(bench.readerId(0));
  });

  it('two of them one after the other, each by a card of its own', async () => {
    const { bench, api, watcher } = await open();
    await using stack = new AsyncDisposableStack();
    stack.use(bench);
    const first = api.call('reader.assignRole', { role: 'operator' });
    await isWaiting(watcher);
    const second = api.call('reader.assignRole', { role: 'holder' });
    bench.reader(0).insert(watchedPivCard());
    expect(resultOf(await first).reader.id).toBe(bench.readerId(0));
    await isWaiting(watcher, 2);
    bench.reader(1).insert(watchedPivCard());
    expect(resultOf(await second).reader.id).toBe(bench.readerId(1));
  });

  it('not to one that has a role already, and the person is told', async () => {
    const { bench, api, watcher } = await open();
    await using stack = new AsyncDisposableStack();
    stack.use(bench);
    resultOf(await api.call('reader.assignRole', { role: 'operator', reader: bench.readerId(0) }));
    const answer = api.call('reader.assignRole', { role: 'holder' });
    await isWaiting(watcher);
    bench.reader(0).insert(watchedPivCard());
    expect(outcomeOf(await answer)).toBe('reader_has_role');
    await eventually('the end to be told', () => told(watcher).length === 2);
    expect(told(watcher)[1]).toEqual({ role: 'holder', state: 'ended' });
  });
});

describe('waiting for the card ends', () => {
  it.each([
    ['when it is cancelled', 'call_cancelled'],
    ['at the deadline', 'deadline_exceeded'],
  ])('%s, and a card that comes then binds nothing', async (_, code) => {
    const { bench, api, watcher } = await open();
    await using stack = new AsyncDisposableStack();
    stack.use(bench);
    const abort = new AbortController();
    const giveUp = code === 'call_cancelled' ? { signal: abort.signal } : { timeoutMs: 50 };
    const answer = api.call('reader.assignRole', { role: 'holder' }, giveUp);
    await isWaiting(watcher);
    abort.abort();
    expect(outcomeOf(await answer)).toBe(code);
    await eventually('the end to be told', () => told(watcher).length === 2);
    await bench.insert(watchedPivCard());
    expect(resultOf(await api.call('reader.listRoles'))).toEqual({ roles: [] });
  });
});
