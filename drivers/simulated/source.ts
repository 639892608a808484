/** A `ReaderSource` over simulated readers: they come and go at run time, and so does the service behind them. */
import type { CardConnection } from '../../apdu/card-connection.ts';
import { DeviceRemovedError, ServiceUnavailableError } from '../errors.ts';
import type { ReaderSource, ReaderState } from '../reader-source.ts';
import type { SimulatedReader } from './reader.ts';

export interface SimulatedSource extends ReaderSource {
  readonly id: 'simulated';
  readonly readers: readonly SimulatedReader[];
  /** Throws RangeError when a reader of that name is there. */
  add(reader: SimulatedReader): void;
  /** Unplugs the reader and forgets it. Undefined when there is none of that name. */
  remove(readerName: string): SimulatedReader | undefined;
  /** The service goes: watches and waits fail with ServiceUnavailableError, connections die. Readers keep their cards. */
  stopService(): void;
  startService(): void;
}

export function createSimulatedSource(readers: readonly SimulatedReader[] = []): SimulatedSource {
  return new Source(readers);
}

class Source implements SimulatedSource {
  readonly id = 'simulated';
  readonly #readers = new Map<string, { readonly reader: SimulatedReader; readonly watching: Disposable }>();
  readonly #watches = new Set<Watch>();
  #isRunning = true;

  constructor(readers: readonly SimulatedReader[]) {
    for (const reader of readers) this.add(reader);
  }

  /** In the order in which they were added. */
  get readers(): readonly SimulatedReader[] {
    return [...this.#readers.values()].map(({ reader }) => reader);
  }

  add(reader: SimulatedReader): void {
    if (this.#readers.has(reader.name)) throw new RangeError(`adding a reader: ${reader.name} is there already`);
    const watching = reader.watch(() => this.#note(reader));
    this.#readers.set(reader.name, { reader, watching });
    reader.plug();
    this.#note(reader);
  }

  remove(readerName: string): SimulatedReader | undefined {
    const entry = this.#readers.get(readerName);
    if (!entry) return undefined;
    entry.reader.unplug();
    entry.watching[Symbol.dispose]();
    this.#readers.delete(readerName);
    return entry.reader;
  }

  stopService(): void {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    const error = unavailable('waiting for a card');
    for (const { reader } of this.#readers.values()) reader.failAll(error);
    for (const watch of this.#watches) watch.stop();
  }

  startService(): void {
    this.#isRunning = true;
  }

  async *watch({ signal }: { readonly signal: AbortSignal }): AsyncIterable<ReaderState> {
    if (signal.aborted) return;
    this.#requireService('watching the readers');
    const watch = new Watch(this.readers, signal);
    this.#watches.add(watch);
    try {
      yield* watch.states();
    } finally {
      this.#watches.delete(watch);
    }
  }

  async connect(readerName: string, { signal }: { readonly signal: AbortSignal }): Promise<CardConnection> {
    signal.throwIfAborted();
    this.#requireService(`connecting to ${readerName}`);
    const entry = this.#readers.get(readerName);
    if (!entry) throw new DeviceRemovedError(`connecting to ${readerName}: there is no such reader`, { device: readerName });
    const connection = await entry.reader.connect(signal);
    try {
      this.#requireService(`connecting to ${readerName}`);
      return connection;
    } catch (error) {
      await connection[Symbol.asyncDispose]();
      throw error;
    }
  }

  #requireService(attempt: string): void {
    if (!this.#isRunning) throw unavailable(attempt);
  }

  #note(reader: SimulatedReader): void {
    for (const watch of this.#watches) watch.note(reader);
  }
}

/** What one iteration has still to tell. States between two looks are left out, but for a reader that was away: its removal is told. */
class Watch {
  readonly #signal: AbortSignal;
  readonly #changed = new Map<string, SimulatedReader>();
  readonly #told = new Map<string, { readonly reader: SimulatedReader; readonly plugs: number }>();
  #isStopped = false;
  #wake: () => void = () => undefined;

  constructor(readers: readonly SimulatedReader[], signal: AbortSignal) {
    this.#signal = signal;
    for (const reader of readers) this.#changed.set(reader.name, reader);
  }

  note(reader: SimulatedReader): void {
    this.#changed.set(reader.name, reader);
    this.#wake();
  }

  stop(): void {
    this.#isStopped = true;
    this.#wake();
  }

  async *states(): AsyncGenerator<ReaderState, void> {
    const onAbort = (): void => this.#wake();
    this.#signal.addEventListener('abort', onAbort, { once: true });
    try {
      for (;;) {
        if (this.#signal.aborted) return;
        if (this.#isStopped) throw unavailable('watching the readers');
        const [entry] = this.#changed;
        if (entry) {
          this.#changed.delete(entry[0]);
          yield* this.#tell(entry[1]);
        } else {
          await new Promise<void>((resolve) => (this.#wake = resolve));
        }
      }
    } finally {
      this.#signal.removeEventListener('abort', onAbort);
    }
  }

  *#tell(reader: SimulatedReader): Generator<ReaderState, void> {
    const told = this.#told.get(reader.name);
    const state = reader.state();
    if (state.status === 'removed') {
      this.#told.delete(reader.name);
      if (told) yield state;
      return;
    }
    this.#told.set(reader.name, { reader, plugs: reader.plugs });
    if (told && (told.reader !== reader || told.plugs !== reader.plugs))
      yield { name: reader.name, status: 'removed', hasKeypad: reader.hasKeypad };
    yield state;
  }
}

function unavailable(attempt: string): ServiceUnavailableError {
  return new ServiceUnavailableError(`${attempt}: the simulated service is stopped`);
}
