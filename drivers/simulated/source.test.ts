import { afterEach, describe, expect, it } from 'vitest';
import { DeviceRemovedError, ServiceUnavailableError } from '../errors.ts';
import type { ReaderState } from '../reader-source.ts';
import { EchoCard } from './echo-card.ts';
import { SimulatedReader } from './reader.ts';
import { createSimulatedSource, type SimulatedSource } from './source.ts';

const never = new AbortController().signal;

class Looker {
  readonly #abort = new AbortController();
  readonly #states: AsyncIterator<ReaderState>;

  constructor(source: SimulatedSource) {
    this.#states = source.watch({ signal: this.#abort.signal })[Symbol.asyncIterator]();
  }

  /** The next state as "name status". */
  async look(): Promise<string> {
    const next = await this.#states.next();
    return next.done ? 'end' : `${next.value.name} ${next.value.status}`;
  }

  async state(): Promise<ReaderState> {
    const next = await this.#states.next();
    if (next.done) throw new Error('the watch is over');
    return next.value;
  }

  close(): void {
    this.#abort.abort();
  }
}

describe('watch', () => {
  const lookers: Looker[] = [];
  const look = (source: SimulatedSource): Looker => {
    const looker = new Looker(source);
    lookers.push(looker);
    return looker;
  };
  afterEach(() => lookers.splice(0).forEach((looker) => looker.close()));

  it('gives every reader as it stands, then each change', async () => {
    const [left, right] = [new SimulatedReader({ name: 'left' }), new SimulatedReader({ name: 'right' })];
    left.insert(new EchoCard());
    const looker = look(createSimulatedSource([left, right]));
    expect(await looker.look()).toBe('left present');
    expect(await looker.look()).toBe('right empty');
    const next = looker.look();
    right.insert(new EchoCard());
    expect(await next).toBe('right present');
    left.remove();
    expect(await looker.look()).toBe('left empty');
  });

  it('tells a swap between two looks by a new insertion', async () => {
    const reader = new SimulatedReader({ name: 'left' });
    reader.insert(new EchoCard());
    const looker = look(createSimulatedSource([reader]));
    const first = await looker.state();
    reader.remove();
    reader.insert(new EchoCard());
    const second = await looker.state();
    expect(second.status).toBe('present');
    expect(second.insertion).toBeGreaterThan(first.insertion ?? Infinity);
    const third = looker.look();
    reader.remove();
    expect(await third).toBe('left empty');
  });

  it('tells that a reader was away, though it is back', async () => {
    const reader = new SimulatedReader({ name: 'left' });
    const looker = look(createSimulatedSource([reader]));
    expect(await looker.look()).toBe('left empty');
    reader.unplug();
    reader.plug();
    expect(await looker.look()).toBe('left removed');
    expect(await looker.look()).toBe('left empty');
  });

  it('follows readers that come and go, and names that come again', async () => {
    const source = createSimulatedSource();
    const looker = look(source);
    const first = looker.look();
    source.add(new SimulatedReader({ name: 'left' }));
    expect(await first).toBe('left empty');
    expect(() => source.add(new SimulatedReader({ name: 'left' }))).toThrow(RangeError);
    source.remove('left');
    expect(await looker.look()).toBe('left removed');
    expect(source.remove('left')).toBeUndefined();
    source.add(new SimulatedReader({ name: 'left' }));
    expect(await looker.look()).toBe('left empty');
    source.remove('left');
    const again = new SimulatedReader({ name: 'left' });
    again.insert(new EchoCard());
    source.add(again);
    expect(await looker.look()).toBe('left removed');
    expect(await looker.look()).toBe('left present');
  });

  it('ends without an error when the signal fires, before or during a wait', async () => {
    const source = createSimulatedSource();
    const looker = look(source);
    const waiting = looker.look();
    looker.close();
    expect(await waiting).toBe('end');
    for await (const state of source.watch({ signal: AbortSignal.abort() })) expect(state).toBeUndefined();
  });

  it('serves several at once, each with everything', async () => {
    const reader = new SimulatedReader({ name: 'left' });
    const source = createSimulatedSource([reader]);
    const [one, other] = [look(source), look(source)];
    expect(await one.look()).toBe('left empty');
    reader.insert(new EchoCard());
    expect(await other.look()).toBe('left present');
    expect(await one.look()).toBe('left present');
  });

  it('throws ServiceUnavailableError when the service goes, and starts anew when it is back', async () => {
    const reader = new SimulatedReader({ name: 'left' });
    const source = createSimulatedSource([reader]);
    const looker = look(source);
    expect(await looker.look()).toBe('left empty');
    const waiting = expect(looker.look()).rejects.toThrow(ServiceUnavailableError);
    source.stopService();
    await waiting;
    await expect(look(source).look()).rejects.toThrow(ServiceUnavailableError);
    source.startService();
    expect(await look(source).look()).toBe('left empty');
  });
});

describe('connect', () => {
  it('knows no other readers than its own', async () => {
    const source = createSimulatedSource();
    await expect(source.connect('left', { signal: never })).rejects.toThrow(DeviceRemovedError);
  });

  it('fails, waits and connections alike, when the service goes', async () => {
    const reader = new SimulatedReader({ name: 'left' });
    reader.insert(new EchoCard());
    const source = createSimulatedSource([reader]);
    const connection = await source.connect('left', { signal: never });
    const waiting = source.connect('left', { signal: never });
    source.stopService();
    await expect(waiting).rejects.toThrow(ServiceUnavailableError);
    await expect(connection.transmit(new Uint8Array(4))).rejects.toThrow(ServiceUnavailableError);
    await expect(source.connect('left', { signal: never })).rejects.toThrow(ServiceUnavailableError);
    await connection[Symbol.asyncDispose]();
    source.startService();
    await using again = await source.connect('left', { signal: never });
    expect(await again.transmit(new Uint8Array(4))).toHaveLength(6);
  });

  it('fails while it waits when the reader is removed', async () => {
    const reader = new SimulatedReader({ name: 'left' });
    reader.insert(new EchoCard());
    const source = createSimulatedSource([reader]);
    await using connection = await source.connect('left', { signal: never });
    const waiting = source.connect('left', { signal: never });
    source.remove('left');
    await expect(waiting).rejects.toThrow(DeviceRemovedError);
    await expect(connection.transmit(new Uint8Array(4))).rejects.toThrow(DeviceRemovedError);
  });
});
