/** How the desk's page keeps what it shows: topics, the one connection, gaps, floods and sessions that end; without a browser, with a client that the test moves. */
import { describe, expect, it } from 'vitest';
import type { Client } from '../../api-spec/client/client.ts';
import { EXAMPLE_PEN } from '../../api-spec/generate/example-pads.ts';
import { CALM_EVENTS, GATHERED_EVENTS, Live } from '../../daemon/console/desk-page/live.ts';
import { SessionEndedError } from '../../daemon/console/desk-page/session.ts';
import { Topic } from '../../daemon/console/desk-page/topic.ts';

type Handlers = Parameters<Client['subscribe']>[0];

/** The names of readers, in the order in which they came. */
const namesTopic = (lists: string[][]) =>
  new Topic<readonly string[], 'reader.added'>({
    events: ['reader.added'],
    load: () => Promise.resolve(lists.shift() ?? []),
    apply: (state, events) => [...new Set([...state, ...events.map(({ data }) => data.reader.name)])],
  });

const readerAdded = (name: string, sequence = 1) =>
  ({
    sequence,
    time: '2026-11-22T08:00:00.000Z',
    name: 'reader.added',
    data: { reader: { id: name, name, source: 'simulated', status: 'empty' } },
  }) as const;

class Bench {
  readonly frames: (() => void)[] = [];
  readonly laters: (() => void)[] = [];
  readonly clients: { handlers?: Handlers; end: () => void }[] = [];
  ended: SessionEndedError | undefined;
  readonly live = new Live({
    open: () => (this.ended ? Promise.reject(this.ended) : Promise.resolve(this.#client())),
    nextFrame: (callback) => void this.frames.push(callback),
    later: (callback) => void this.laters.push(callback),
  });

  #client(): Client {
    const gone = Promise.withResolvers<unknown>();
    const entry: { handlers?: Handlers; end: () => void } = { end: () => gone.resolve(undefined) };
    this.clients.push(entry);
    const subscribe = (handlers: Handlers): Promise<object> => {
      entry.handlers = handlers;
      return Promise.resolve({});
    };
    return { subscribe, closed: gone.promise } as unknown as Client;
  }

  get handlers(): Handlers {
    const handlers = this.clients.at(-1)?.handlers;
    if (!handlers) throw new Error('nobody has subscribed');
    return handlers;
  }

  run(callbacks: (() => void)[]): void {
    for (const callback of callbacks.splice(0)) callback();
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function begin(lists: string[][]) {
  const bench = new Bench();
  const topic = namesTopic(lists);
  bench.live.follow(topic);
  await bench.live.start();
  await settled();
  bench.run(bench.laters);
  return { bench, topic };
}

describe('a topic', () => {
  it('is read whole, then kept by events, which are given out once per frame', async () => {
    const { bench, topic } = await begin([['a']]);
    expect(topic.value).toEqual(['a']);
    let drawings = 0;
    topic.subscribe(() => drawings++);
    for (let count = 0; count < 1_000; count++) bench.handlers.onEvent(readerAdded(`b${count % 7}`, count));
    expect(bench.frames).toHaveLength(1);
    expect(drawings).toBe(0);
    bench.run(bench.frames);
    expect(drawings).toBe(1);
    expect(topic.value).toEqual(['a', 'b0', 'b1', 'b2', 'b3', 'b4', 'b5', 'b6']);
  });

  it('rests after a frame with many events, keeps what comes meanwhile, and wakes for a pen that writes', async () => {
    const { bench, topic } = await begin([['a']]);
    const flood = (name: string): void => {
      for (let count = 0; count <= CALM_EVENTS; count++) bench.handlers.onEvent(readerAdded(name, count));
    };
    bench.run(bench.laters);
    flood('b');
    bench.run(bench.frames);
    expect(topic.value).toEqual(['a', 'b']);
    flood('c');
    expect(bench.frames).toHaveLength(0);
    bench.run(bench.laters);
    bench.run(bench.frames);
    expect(topic.value).toEqual(['a', 'b', 'c']);
    flood('d');
    expect(bench.frames).toHaveLength(0);
    bench.handlers.onEvent({ ...readerAdded('pen'), name: 'pad.pen', data: EXAMPLE_PEN });
    expect(bench.frames).toHaveLength(1);
    bench.run(bench.frames);
    expect(topic.value).toEqual(['a', 'b', 'c', 'd']);
  });

  it('keeps events that come while its lists are on their way', async () => {
    const bench = new Bench();
    const list = Promise.withResolvers<readonly string[]>();
    const topic = new Topic<readonly string[], 'reader.added'>({
      events: ['reader.added'],
      load: () => list.promise,
      apply: (state, events) => [...state, ...events.map(({ data }) => data.reader.name)],
    });
    bench.live.follow(topic);
    await bench.live.start();
    bench.handlers.onEvent(readerAdded('early'));
    bench.run(bench.frames);
    expect(topic.value).toBeUndefined();
    list.resolve(['listed']);
    await settled();
    expect(topic.value).toEqual(['listed', 'early']);
  });

  it('is read again after a gap, and after more events in a frame than are kept', async () => {
    const { bench, topic } = await begin([['a'], ['after the gap'], ['after the flood']]);
    bench.handlers.onGap?.({ from: 4, to: 9 });
    await settled();
    expect(topic.value).toEqual(['after the gap']);
    bench.run(bench.laters);
    for (let count = 0; count <= GATHERED_EVENTS; count++) bench.handlers.onEvent(readerAdded('x', count));
    bench.run(bench.frames);
    await settled();
    expect(topic.value).toEqual(['after the flood']);
  });

  it('is not read anew for each of many gaps, but once more after the last', async () => {
    const { bench, topic } = await begin([['a'], ['b'], ['c'], ['never']]);
    for (let count = 0; count < 100; count++) bench.handlers.onGap?.({ from: count, to: count });
    await settled();
    expect(topic.value).toEqual(['b']);
    bench.run(bench.laters);
    await settled();
    expect(topic.value).toEqual(['c']);
    bench.run(bench.laters);
    await settled();
    expect(topic.value).toEqual(['c']);
  });
});

describe('the connection', () => {
  it('that is lost is opened again, and everything is read anew; until then the last state stays', async () => {
    const { bench, topic } = await begin([['before'], ['after']]);
    bench.clients[0]?.end();
    await settled();
    expect(bench.live.state.value).toBe('lost');
    expect(topic.value).toEqual(['before']);
    await expect(bench.live.call('system.health', {})).rejects.toThrow('there is no connection');
    bench.run(bench.laters);
    await settled();
    expect(bench.live.state.value).toBe('connected');
    expect(topic.value).toEqual(['after']);
  });

  it('is not tried again when the session is over', async () => {
    const { bench } = await begin([[]]);
    bench.ended = new SessionEndedError('over');
    bench.clients[0]?.end();
    await settled();
    bench.run(bench.laters);
    await settled();
    expect(bench.live.state.value).toBe('over');
    expect(bench.laters).toHaveLength(0);
  });
});
