/** A value that changes, and who wants to know. Preact components read one with `useReadable`. */
import { useEffect, useReducer } from 'preact/hooks';

export interface Readable<V> {
  readonly value: V;
  /** Gives what ends it. */
  subscribe(listener: () => void): () => void;
}

export class Value<V> implements Readable<V> {
  #value: V;
  readonly #listeners = new Set<() => void>();

  constructor(value: V) {
    this.#value = value;
  }

  get value(): V {
    return this.#value;
  }

  set(value: V): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const tell of [...this.#listeners]) tell();
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}

export function useReadable<V>(readable: Readable<V>): V {
  const [, redraw] = useReducer<number, undefined>((count) => count + 1, 0);
  const seen = readable.value;
  useEffect(() => {
    const ended = readable.subscribe(() => redraw(undefined));
    if (readable.value !== seen) redraw(undefined);
    return ended;
  }, [readable]);
  return seen;
}
