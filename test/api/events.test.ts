/** Events: in order, numbered, replayed, and never without a word about what was lost. */
import { describe, expect, it } from 'vitest';
import { Compile, type Validator } from 'typebox/compile';
import { EVENT_NAMES, EVENTS, EventNotice, GapNotice, type EventName } from '../../api-spec/events.ts';
import { REPLAY_EVENTS } from '../../daemon/api/event-log.ts';
import { EVENT_BACKLOG_BYTES } from '../../daemon/api/limits.ts';
import { memoryInUse } from '../support/memory-in-use.ts';
import { PIN, PUK } from './cards.ts';
import { eventually, openBench, outcomeOf, resultOf, watchedPivCard, type Bench, type RpcSocket } from './support.ts';

interface Event {
  readonly sequence: number;
  readonly time: string;
  readonly name: EventName;
  readonly data: unknown;
}

const noticeShape = Compile(EventNotice);
const gapShape = Compile(GapNotice);
const dataShapes = new Map(EVENT_NAMES.map((name): [string, Validator] => [name, Compile(EVENTS[name].data)]));

/** Every event that a socket got, each held against its schema. */
function eventsOf(socket: RpcSocket): readonly Event[] {
  return socket.notices('event').map(({ params }) => {
    const event = params as Event;
    expect([...noticeShape.Errors(event)]).toEqual([]);
    expect([...(dataShapes.get(event.name)?.Errors(event.data) ?? ['no such event'])], event.name).toEqual([]);
    expect(new Date(event.time).toISOString()).toBe(event.time);
    return event;
  });
}

function gapsOf(socket: RpcSocket): readonly unknown[] {
  return socket.notices('event.gap').map(({ params }) => {
    expect([...gapShape.Errors(params)]).toEqual([]);
    return params;
  });
}

/** Waits until the socket has everything that was published. */
async function upToDate(bench: Bench, socket: RpcSocket): Promise<void> {
  const { sequence } = (await bench.socket()).greeting;
  await socket.find('the latest event', () => {
    const last = Math.max(0, ...socket.notices('event').map(({ params }) => (params as Event).sequence));
    const lost = Math.max(0, ...socket.notices('event.gap').map(({ params }) => (params as { to: number }).to));
    return Math.max(last, lost) >= sequence || undefined;
  });
}

async function subscribed(bench: Bench, options: object = {}): Promise<RpcSocket> {
  const socket = await bench.socket();
  resultOf(await socket.call('event.subscribe', options));
  return socket;
}

/** `count` events at once: what is known of the card is said again. */
function publishMany(bench: Bench, count: number): void {
  const [card] = bench.daemon.desk.cards;
  if (!card) throw new Error('no card is in');
  for (let left = count; left > 0; left--) bench.daemon.desk.announce(card);
}

describe('a subscriber', () => {
  it('hears of readers and cards as they come, change and go, in order and without a number left out', async () => {
    await using bench = await openBench();
    const socket = await subscribed(bench);
    const id = await bench.insert(watchedPivCard());
    resultOf(await socket.call('card.lease', { card: id }));
    bench.reader().remove();
    await socket.find('the empty reader', () =>
      eventsOf(socket).find(({ name, data }) => name === 'reader.changed' && JSON.stringify(data).includes('empty')),
    );
    bench.source.remove('Bench 0');
    await socket.find('the end', () => eventsOf(socket).find(({ name }) => name === 'reader.removed'));
    const events = eventsOf(socket);
    expect(events.map(({ name }) => name)).toEqual([
      'reader.changed',
      'card.inserted',
      'card.changed',
      'card.changed',
      'card.removed',
      'reader.changed',
      'reader.removed',
    ]);
    const first = events[0]?.sequence ?? 0;
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => first + index));
    expect(events[1]?.data).toMatchObject({ card: { id, status: 'identifying' } });
    expect(events[2]?.data).toMatchObject({ card: { id, status: 'ready' } });
    expect(events[3]?.data).toMatchObject({ card: { id, lease: { holder: expect.stringMatching(/^program /) as string } } });
    expect(events[4]?.data).toEqual({ card: id, reader: bench.readerId() });
    bench.source.add(bench.reader());
    await socket.find('the reader again', () => eventsOf(socket).find(({ name }) => name === 'reader.added'));
  });

  it('hears once of each try that was spent, given back or set anew, whoever finds it out, and of none where none was', async () => {
    await using bench = await openBench();
    const card = watchedPivCard();
    const id = await bench.insert(card);
    const socket = await subscribed(bench);
    const changes = (): number => eventsOf(socket).filter(({ name }) => name === 'card.changed').length;
    resultOf(await socket.call('card.read', { card: id }));
    const heardAfter = async (method: string, params: object): Promise<number> => {
      const before = changes();
      await socket.call(method, { card: id, ...params });
      resultOf(await socket.call('card.read', { card: id }));
      return changes() - before;
    };
    expect(await heardAfter('pin.verify', { pin: PIN })).toBe(0);
    expect(await heardAfter('pin.verify', { pin: '999999' })).toBe(1);
    expect(await heardAfter('pin.verify', { pin: PIN })).toBe(1);
    expect(await heardAfter('pin.change', { pin: PIN, newPin: '112233' })).toBe(1);
    for (let wrong = 0; wrong < 3; wrong++) expect(await heardAfter('pin.verify', { pin: '999999', allowLastTry: true })).toBe(1);
    expect(await heardAfter('pin.unblock', { puk: PUK, newPin: PIN })).toBe(1);
    expect(
      await heardAfter('card.transmit', { commands: ['00A404000BA000000308000010000100', '0020008008393939393939FFFF'] }),
    ).toBe(1);
    expect(resultOf<{ pins: object[] }>(await socket.call('card.read', { card: id })).pins[0]).toMatchObject({
      attemptsRemaining: 2,
    });
  });

  it('gets only the events that it names, and no more after it ended its subscription', async () => {
    await using bench = await openBench();
    const [some, none, all] = [
      await subscribed(bench, { events: ['card.removed'] }),
      await subscribed(bench, { events: [] }),
      await subscribed(bench),
    ];
    await bench.insert(watchedPivCard());
    bench.reader().remove();
    await upToDate(bench, all);
    expect(eventsOf(some).map(({ name }) => name)).toEqual(['card.removed']);
    expect(eventsOf(none)).toEqual([]);
    resultOf(await some.call('event.unsubscribe'));
    await bench.insert(watchedPivCard());
    bench.reader().remove();
    await upToDate(bench, all);
    resultOf(await some.call('system.info'));
    expect(eventsOf(some)).toHaveLength(1);
    expect(outcomeOf(await some.call('event.unsubscribe'))).toBe('ok');
  });

  it('replaces its subscription by another, and gets no event twice', async () => {
    await using bench = await openBench();
    const socket = await subscribed(bench, { events: ['card.inserted'] });
    resultOf(await socket.call('event.subscribe', { events: ['card.removed'] }));
    await bench.insert(watchedPivCard());
    bench.reader().remove();
    await socket.find('the removal', () => eventsOf(socket)[0]);
    expect(eventsOf(socket).map(({ name }) => name)).toEqual(['card.removed']);
  });

  it('hears that the audit log has grown, with the number of its latest record and nothing else, a few times however many records came', async () => {
    await using bench = await openBench();
    const card = await bench.insert(watchedPivCard());
    const socket = await subscribed(bench, { events: ['audit.appended'] });
    const acts = 200;
    const began = performance.now();
    await Promise.all(Array.from({ length: acts }, () => socket.call('console.open', { page: 'desk' })));
    resultOf(await socket.call('pin.verify', { card, pin: PIN }));
    const { last } = resultOf<{ last: number }>(await socket.call('audit.list', { limit: 1 }));
    expect(last).toBeGreaterThan(acts);
    await socket.find('the latest number', () => eventsOf(socket).find(({ data }) => (data as { last: number }).last === last));
    const seconds = (performance.now() - began) / 1000;
    const events = eventsOf(socket);
    expect(events.length).toBeLessThanOrEqual(2 * seconds + 2);
    const numbers = events.map(({ data }) => (data as { last: number }).last);
    expect(numbers).toEqual(numbers.toSorted((one, other) => one - other));
    for (const { data } of events) expect(Object.keys(data as object)).toEqual(['last']);
  });

  it('is one of 500 that all get one event', async () => {
    await using bench = await openBench();
    const sockets = await Promise.all(Array.from({ length: 500 }, () => subscribed(bench, { events: ['card.inserted'] })));
    bench.reader().insert(watchedPivCard());
    await Promise.all(sockets.map((socket) => socket.notice('event')));
    expect(new Set(sockets.map((socket) => JSON.stringify(socket.notices('event')))).size).toBe(1);
    expect(resultOf(await (await bench.socket()).call('system.health')).clients).toBe(501);
  });
});

describe('replay', () => {
  it('gives what came after a number of the same stream, then what comes', async () => {
    await using bench = await openBench();
    const first = await subscribed(bench);
    await bench.insert(watchedPivCard());
    await upToDate(bench, first);
    const [, second, ...rest] = eventsOf(first);
    const { stream } = first.greeting;
    const later = await subscribed(bench, { since: second?.sequence, stream });
    await upToDate(bench, later);
    expect(eventsOf(later)).toEqual(rest);
    expect(gapsOf(later)).toEqual([]);
    bench.reader().remove();
    await upToDate(bench, later);
    expect(eventsOf(later).at(-1)).toMatchObject({ name: 'reader.changed' });
  });

  it('since the latest number gives nothing, and no gap', async () => {
    await using bench = await openBench();
    await bench.insert(watchedPivCard());
    const socket = await bench.socket();
    const { stream, sequence } = socket.greeting;
    expect(resultOf(await socket.call('event.subscribe', { since: sequence, stream }))).toEqual({ stream, sequence });
    resultOf(await socket.call('system.info'));
    expect([eventsOf(socket), gapsOf(socket)]).toEqual([[], []]);
  });

  it('from a number that is too old tells which numbers are lost', async () => {
    await using bench = await openBench();
    await bench.insert(watchedPivCard());
    publishMany(bench, REPLAY_EVENTS + 10);
    const { sequence } = (await bench.socket()).greeting;
    const socket = await subscribed(bench, { since: 1 });
    await upToDate(bench, socket);
    expect(gapsOf(socket)).toEqual([{ from: 2, to: sequence - REPLAY_EVENTS }]);
    const events = eventsOf(socket);
    expect(events).toHaveLength(REPLAY_EVENTS);
    expect(events[0]?.sequence).toBe(sequence - REPLAY_EVENTS + 1);
  });

  it.each([
    ['of another stream', (sequence: number) => ({ since: sequence, stream: 'another run' })],
    ['of the future', (sequence: number) => ({ since: sequence + 100 })],
  ])('from a number %s is a gap, and everything that is kept', async (_, options) => {
    await using bench = await openBench();
    await bench.insert(watchedPivCard());
    const { sequence } = (await bench.socket()).greeting;
    const socket = await subscribed(bench, options(sequence));
    await upToDate(bench, socket);
    expect(gapsOf(socket)).toEqual([{ from: 0, to: 0 }]);
    expect(eventsOf(socket).map((event) => event.sequence)).toEqual(Array.from({ length: sequence }, (__, index) => index + 1));
  });

  it('is filtered by name as what comes is', async () => {
    await using bench = await openBench();
    await bench.insert(watchedPivCard());
    bench.reader().remove();
    await eventually('the removal', () => bench.daemon.desk.cards.length === 0);
    const socket = await subscribed(bench, { since: 0, events: ['card.removed'] });
    await socket.notice('event');
    expect(eventsOf(socket).map(({ name }) => name)).toEqual(['card.removed']);
  });
});

describe('a slow client', () => {
  it('loses events instead of filling the memory, is told which, and goes on', async () => {
    await using bench = await openBench();
    await bench.insert(watchedPivCard());
    const [slow, quick] = [await subscribed(bench), await subscribed(bench, { events: ['card.removed'] })];
    slow.socket.pause();
    const before = memoryInUse();
    const { sequence } = slow.greeting;
    const rounds = 60;
    const perRound = 1_000;
    for (let round = 0; round < rounds; round++) {
      publishMany(bench, perRound);
      resultOf(await quick.call('system.info')); // lets the sockets run
    }
    // Buffers that nobody holds are freed a little after they were collected.
    await eventually('the memory to be bounded', () => memoryInUse() - before < 4 * EVENT_BACKLOG_BYTES);
    slow.socket.resume();
    await upToDate(bench, slow);
    const events = eventsOf(slow);
    const gaps = gapsOf(slow) as readonly { from: number; to: number }[];
    expect(gaps.length).toBeGreaterThan(0);
    const numbers = [...events.map((event) => [event.sequence, event.sequence]), ...gaps.map(({ from, to }) => [from, to])].sort(
      (left, right) => (left[0] ?? 0) - (right[0] ?? 0),
    );
    expect(numbers[0]?.[0]).toBe(sequence + 1);
    for (const [index, [from]] of numbers.entries()) if (index > 0) expect(from).toBe((numbers[index - 1]?.[1] ?? 0) + 1);
    expect(numbers.at(-1)?.[1]).toBe(sequence + rounds * perRound);
    bench.reader().remove();
    await upToDate(bench, slow);
    expect(eventsOf(slow).at(-1)?.name).toBe('reader.changed');
    expect(eventsOf(quick).map(({ name }) => name)).toEqual(['card.removed']);
  });
});

describe('a service that goes away and comes back', () => {
  it('takes cards with it, leaves readers unavailable, and brings the same readers back to the same subscriptions', async () => {
    await using bench = await openBench({ readers: [{}, {}] });
    const card = watchedPivCard();
    const id = await bench.insert(card, 1);
    const socket = await subscribed(bench);
    bench.source.stopService();
    await socket.find(
      'both readers away',
      () => eventsOf(socket).filter(({ name }) => name === 'reader.changed').length === 2 || undefined,
    );
    expect(eventsOf(socket).map(({ name, data }) => [name, data])).toMatchObject([
      ['reader.changed', { reader: { id: bench.readerId(0), status: 'unavailable' } }],
      ['card.removed', { card: id, reader: bench.readerId(1) }],
      ['reader.changed', { reader: { id: bench.readerId(1), status: 'unavailable' } }],
    ]);
    expect(outcomeOf(await socket.call('card.read', { card: { reader: bench.readerId(1) } }))).toBe('reader_unavailable');
    expect(outcomeOf(await socket.call('card.read', { card: id }))).toBe('not_found');
    expect(resultOf(await socket.call('system.health'))).toMatchObject({
      status: 'degraded',
      sources: [{ id: 'simulated', available: false, recoveries: 0 }],
    });
    bench.source.startService();
    const began = performance.now();
    const back = await socket.find('the card', () => eventsOf(socket).find(({ name }) => name === 'card.inserted'));
    expect(performance.now() - began).toBeLessThan(2_000);
    expect(back.data).toMatchObject({ card: { reader: bench.readerId(1) } });
    expect((back.data as { card: { id: string } }).card.id).not.toBe(id);
    const { readers } = resultOf(await socket.call('reader.list'));
    expect(readers.map((reader) => [reader.id, reader.status])).toEqual([
      [bench.readerId(0), 'empty'],
      [bench.readerId(1), 'present'],
    ]);
    expect(outcomeOf(await socket.call('card.read', { card: { reader: bench.readerId(1) } }))).toBe('ok');
    expect(resultOf(await socket.call('system.health'))).toMatchObject({
      status: 'ok',
      sources: [{ available: true, recoveries: 1 }],
    });
    expect(eventsOf(socket).some(({ name }) => name === 'reader.added' || name === 'reader.removed')).toBe(false);
  });

  it('ends the calls that it interrupts in service_unavailable', async () => {
    await using bench = await openBench();
    const card = watchedPivCard();
    const id = await bench.insert(card);
    const api = await bench.socket();
    bench.reader().arm([{ kind: 'delay', delayMs: 60_000 }]);
    const call = api.call('card.read', { card: id });
    await eventually('the call to run', () => bench.daemon.desk.cards[0]?.reader.queue.length === 1);
    bench.source.stopService();
    expect(outcomeOf(await call)).toBe('service_unavailable');
    bench.reader().disarm();
  });

  it('forgets a reader that does not come back with it', async () => {
    await using bench = await openBench({ readers: [{}, {}] });
    const socket = await subscribed(bench);
    bench.source.stopService();
    await eventually('the readers to be away', () => bench.daemon.desk.readers.every(({ status }) => status === 'unavailable'));
    bench.source.remove('Bench 1');
    bench.source.startService();
    const removed = await socket.find('the removal', () => eventsOf(socket).find(({ name }) => name === 'reader.removed'));
    expect(removed.data).toEqual({ reader: bench.readerId(1) });
    expect(resultOf(await socket.call('reader.list')).readers).toMatchObject([{ id: bench.readerId(0), status: 'empty' }]);
  });

  it('a reader that flaps ends as it stands, with its card under a new id', async () => {
    await using bench = await openBench();
    const id = await bench.insert(watchedPivCard());
    const socket = await subscribed(bench);
    bench.reader().arm([{ kind: 'flap', times: 5, periodMs: 2 }]);
    await eventually('the card to come back for good', () => {
      const [card] = bench.daemon.desk.cards;
      return bench.reader().plugs === 6 && card?.status === 'ready' && card.id !== id;
    });
    await upToDate(bench, socket);
    const names = eventsOf(socket).map(({ name }) => name);
    expect(names.filter((name) => name === 'reader.removed').length).toBe(names.filter((name) => name === 'reader.added').length);
    expect(outcomeOf(await socket.call('card.read', { card: { reader: bench.readerId() } }))).toBe('ok');
    expect(outcomeOf(await socket.call('card.read', { card: id }))).toBe('not_found');
  });
});
