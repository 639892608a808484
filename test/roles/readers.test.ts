/** The reader of a role is found again: after replugging, renumbering, a restart of the service and of kortd; and where it cannot be told, none is taken. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startDaemon, type Daemon } from '../../daemon/daemon.ts';
import { silentLog } from '../../daemon/log.ts';
import { SimulatedReader, type SimulatedReaderOptions } from '../../drivers/simulated/reader.ts';
import { createSimulatedSource, type SimulatedSource } from '../../drivers/simulated/source.ts';
import {
  errorOf,
  eventually,
  openBench,
  outcomeOf,
  resultOf,
  watchedPivCard,
  type Bench,
  type RpcSocket,
} from '../api/support.ts';
import { writePolicy } from '../api/bench.ts';

const FIRST = 'Twin Reader 00 00';
const SECOND = 'Twin Reader 01 00';

type Options = Partial<SimulatedReaderOptions>;

function rolesOf(bench: { readonly daemon: Daemon }): Readonly<Record<string, string>> {
  return Object.fromEntries(bench.daemon.desk.readers.flatMap(({ role, name }) => (role === undefined ? [] : [[role, name]])));
}

async function plug(
  bench: { readonly daemon: Daemon; readonly source: SimulatedSource },
  readers: readonly SimulatedReaderOptions[],
): Promise<void> {
  for (const { name } of bench.source.readers) bench.source.remove(name);
  await eventually('the readers to go', () => bench.daemon.desk.readers.length === 0);
  for (const reader of readers) bench.source.add(new SimulatedReader(reader));
  await eventually('the readers to come', () => bench.daemon.desk.readers.length === readers.length);
}

/** The first reader is the operator's, the second one the holder's. */
async function openTwins(first: Options, second: Options): Promise<{ readonly bench: Bench; readonly api: RpcSocket }> {
  const bench = await openBench({
    readers: [
      { name: FIRST, ...first },
      { name: SECOND, ...second },
    ],
  });
  const api = await bench.socket();
  resultOf(await api.call('reader.assignRole', { role: 'operator', reader: bench.readerId(0) }));
  resultOf(await api.call('reader.assignRole', { role: 'holder', reader: bench.readerId(1) }));
  expect(rolesOf(bench)).toEqual({ operator: FIRST, holder: SECOND });
  return { bench, api };
}

const serials = [{ serialNumber: 'A-1' }, { serialNumber: 'B-2' }] as const;
const ports = [{ usbPath: '1-1' }, { usbPath: '1-2.3' }] as const;

describe('two readers of one model', () => {
  it.each([
    ['serial number', serials],
    ['USB port', ports],
  ])('keep their roles by %s when they are plugged in in the other order', async (_, [first, second]) => {
    const { bench } = await openTwins(first, second);
    await using stack = new AsyncDisposableStack();
    stack.use(bench);
    await plug(bench, [
      { name: FIRST, ...second },
      { name: SECOND, ...first },
    ]);
    expect(rolesOf(bench)).toEqual({ operator: SECOND, holder: FIRST });
    await plug(bench, [{ name: FIRST, ...second }]);
    expect(rolesOf(bench)).toEqual({ holder: FIRST });
  });

  it('keep their roles by serial number in other ports', async () => {
    const { bench } = await openTwins({ ...serials[0], ...ports[0] }, { ...serials[1], ...ports[1] });
    await using stack = new AsyncDisposableStack();
    stack.use(bench);
    await plug(bench, [
      { name: FIRST, ...serials[1], ...ports[0] },
      { name: SECOND, ...serials[0], usbPath: '2-1' },
    ]);
    expect(rolesOf(bench)).toEqual({ operator: SECOND, holder: FIRST });
  });

  it('keep their roles when the service came back with other numbers', async () => {
    const { bench, api } = await openTwins(...serials);
    await using stack = new AsyncDisposableStack();
    stack.use(bench);
    bench.source.stopService();
    await eventually('the readers to be away', () => bench.daemon.desk.readers.every(({ status }) => status === 'unavailable'));
    expect(outcomeOf(await api.call('card.read', { card: { role: 'holder' } }))).toBe('reader_unavailable');
    for (const { name } of bench.source.readers) bench.source.remove(name);
    bench.source.add(new SimulatedReader({ name: FIRST, ...serials[1] }));
    bench.source.startService();
    await eventually('the reader to come', () => bench.daemon.desk.readers.some(({ status }) => status === 'empty'));
    expect(rolesOf(bench)).toEqual({ holder: FIRST });
    bench.source.add(new SimulatedReader({ name: SECOND, ...serials[0] }));
    await eventually('the other one to come', () => rolesOf(bench)['operator'] === SECOND);
    expect(rolesOf(bench)).toEqual({ operator: SECOND, holder: FIRST });
  });

  it('cannot be bound when nothing tells them apart, and nothing is changed', async () => {
    await using bench = await openBench({ readers: [{ name: FIRST }, { name: SECOND }] });
    const api = await bench.socket();
    const error = errorOf(await api.call('reader.assignRole', { role: 'operator', reader: bench.readerId() }));
    expect(error).toMatchObject({ code: 'reader_ambiguous', retry: 'after_user_action' });
    expect(resultOf(await api.call('reader.listRoles'))).toEqual({ roles: [] });
  });

  it('with one serial number are told by their ports, and never by that serial number again', async () => {
    const { bench } = await openTwins({ serialNumber: 'SAME', ...ports[0] }, { serialNumber: 'SAME', ...ports[1] });
    await using stack = new AsyncDisposableStack();
    stack.use(bench);
    await plug(bench, [{ name: FIRST, serialNumber: 'SAME', ...ports[1] }]);
    expect(rolesOf(bench)).toEqual({ holder: FIRST });
  });

  it('of which one was bound by a serial number that the other has too: neither is taken, also alone', async () => {
    await using bench = await openBench({ readers: [{ name: FIRST, serialNumber: 'SAME' }] });
    const api = await bench.socket();
    resultOf(await api.call('reader.assignRole', { role: 'holder', reader: bench.readerId() }));
    bench.source.add(new SimulatedReader({ name: SECOND, serialNumber: 'SAME' }));
    await eventually('the other one to come', () => bench.daemon.desk.readers.length === 2);
    const error = errorOf(await api.call('card.read', { card: { role: 'holder' } }));
    expect(error).toMatchObject({ code: 'role_ambiguous', details: { readers: `${FIRST}, ${SECOND}` } });
    bench.source.remove(FIRST);
    await eventually('the first one to go', () => bench.daemon.desk.readers.length === 1);
    expect(outcomeOf(await api.call('card.read', { card: { role: 'holder' } }))).toBe('role_ambiguous');
  });
});

describe('a reader bound by its name', () => {
  it('is found under another number, and not beside another one of its name', async () => {
    await using bench = await openBench({ readers: [{ name: FIRST }] });
    const api = await bench.socket();
    const { role } = resultOf(await api.call('reader.assignRole', { role: 'holder', reader: bench.readerId() }));
    expect(role).toMatchObject({ source: 'assigned', status: 'ready', selector: { name: 'Twin Reader', slot: 0 } });
    await plug(bench, [{ name: SECOND }]);
    expect(rolesOf(bench)).toEqual({ holder: SECOND });
    await plug(bench, [{ name: FIRST }, { name: SECOND }]);
    expect(rolesOf(bench)).toEqual({});
    expect(errorOf(await api.call('card.read', { card: { role: 'holder' } })).code).toBe('role_ambiguous');
    await plug(bench, [{ name: 'Another Reader 00 00' }]);
    expect(outcomeOf(await api.call('card.read', { card: { role: 'holder' } }))).toBe('role_reader_away');
  });

  it('in one slot of two is not taken for the other', async () => {
    await using bench = await openBench({ readers: [{ name: 'Double 00 00' }, { name: 'Double 00 01' }] });
    const api = await bench.socket();
    resultOf(await api.call('reader.assignRole', { role: 'holder', reader: bench.readerId(1) }));
    await plug(bench, [{ name: 'Double 03 00' }, { name: 'Double 03 01' }]);
    expect(rolesOf(bench)).toEqual({ holder: 'Double 03 01' });
  });
});

describe('after kortd was started anew', () => {
  it('roles are as they were, in a file for its owner alone; and policy comes before them', async () => {
    const dataFolder = mkdtempSync(join(tmpdir(), 'kortd-roles-'));
    const policyFolder = join(dataFolder, 'policy.d');
    await using stack = new AsyncDisposableStack();
    stack.defer(() => rmSync(dataFolder, { recursive: true }));
    const start = async (): Promise<{ daemon: Daemon; source: SimulatedSource } & AsyncDisposable> => {
      const readers = [new SimulatedReader({ name: FIRST, ...serials[0] }), new SimulatedReader({ name: SECOND, ...serials[1] })];
      const source = createSimulatedSource(readers);
      const daemon = await startDaemon({ dataFolder, policyFolder, port: 0, sources: [source], simulated: true, log: silentLog });
      await eventually('the readers to come', () => daemon.desk.readers.length === 2);
      return { daemon, source, [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose]() };
    };
    {
      await using first = await start();
      const holders = first.daemon.desk.readers.find(({ name }) => name === SECOND);
      if (!holders) throw new Error('there is no second reader');
      first.daemon.desk.assignRole('holder', holders);
    }
    expect(statSync(join(dataFolder, 'roles.sqlite')).mode & 0o777).toBe(0o600);
    {
      await using second = await start();
      expect(rolesOf(second)).toEqual({ holder: SECOND });
      writePolicy(policyFolder, { roles: { holder: { reader: serials[0] } } });
      await second.daemon.reload();
      expect(rolesOf(second)).toEqual({ holder: FIRST });
    }
    await using third = await start();
    expect(rolesOf(third)).toEqual({ holder: FIRST });
    expect(() => third.daemon.desk.removeRole('holder')).toThrow(expect.objectContaining({ code: 'role_by_policy' }) as Error);
  });
});

describe('a role', () => {
  it('has one reader at most, and a reader one role; both are told, also with the card', async () => {
    await using bench = await openBench({
      readers: [
        { name: FIRST, ...serials[0] },
        { name: SECOND, ...serials[1] },
      ],
    });
    const api = await bench.socket();
    const id = await bench.insert(watchedPivCard());
    await api.call('event.subscribe', {});
    resultOf(await api.call('reader.assignRole', { role: 'holder', reader: bench.readerId(0) }));
    expect(errorOf(await api.call('reader.assignRole', { role: 'operator', reader: bench.readerId(0) }))).toMatchObject({
      code: 'reader_has_role',
      details: { role: 'holder' },
    });
    expect(resultOf(await api.call('card.list')).cards).toMatchObject([{ id, role: 'holder' }]);
    expect(resultOf(await api.call('card.read', { card: { role: 'holder' } })).card.id).toBe(id);
    resultOf(await api.call('reader.assignRole', { role: 'holder', reader: bench.readerId(1) }));
    expect(resultOf(await api.call('reader.list')).readers.map(({ role, serialNumber }) => [role, serialNumber])).toEqual([
      [undefined, 'A-1'],
      ['holder', 'B-2'],
    ]);
    resultOf(await api.call('reader.removeRole', { role: 'holder' }));
    expect(outcomeOf(await api.call('card.read', { card: { role: 'holder' } }))).toBe('role_unassigned');
    const names = api.notices('event').map(({ params }) => (params as { name: string }).name);
    expect(names.filter((name) => name === 'reader.changed')).toHaveLength(4);
    expect(names.filter((name) => name === 'card.changed')).toHaveLength(2);
  });

  it.each(['', '1st', 'two words', 'x'.repeat(33), 'å'])('is not called %j', async (role) => {
    await using bench = await openBench();
    const api = await bench.socket();
    expect(outcomeOf(await api.call('reader.assignRole', { role }))).toBe('invalid_params');
    expect(outcomeOf(await api.call('card.read', { card: { role } }))).toBe('invalid_params');
  });
});

describe('readers that stay out', () => {
  it('come and go with the policy, with the card in them', async () => {
    await using bench = await openBench({
      readers: [{ name: FIRST }, { name: 'Windows Hello for Business 1' }].slice(0, 1),
    });
    const api = await bench.socket();
    bench.source.add(new SimulatedReader({ name: 'Windows Hello for Business 1' }));
    await bench.insert(watchedPivCard());
    const names = async (): Promise<readonly string[]> => resultOf(await api.call('reader.list')).readers.map(({ name }) => name);
    expect(await names()).toEqual([FIRST]);
    await bench.setPolicy({ ignoredReaders: ['twin*', '!Windows*'] });
    expect(await names()).toEqual(['Windows Hello for Business 1']);
    expect(resultOf(await api.call('card.list')).cards).toEqual([]);
    await bench.setPolicy({});
    await eventually('the card to be there', () => bench.daemon.desk.cards[0]?.status === 'ready');
    expect(await names()).toEqual([FIRST]);
  });
});
