/** How many programs are connected at once: no program takes the places of all others, however many connections it opens. */

/** Connections, of all programs. */
export const MAX_CLIENTS = 1_000;
/** Of one program: each of its threads has the same one, mostly. */
export const MAX_CLIENTS_OF_ONE = 400;

export class ClientPlaces {
  readonly #counts = new Map<string, number>();
  readonly #refused = new Set<string>();
  readonly #onRefused: (program: string) => void;
  #all = 0;

  /** `onRefused` is told once of each program, until it has gone. */
  constructor(onRefused: (program: string) => void) {
    this.#onRefused = onRefused;
  }

  /** Undefined when there is no place for one more. The caller disposes of it when the connection ends. */
  take(program: string): Disposable | undefined {
    const count = this.#counts.get(program) ?? 0;
    if (this.#all >= MAX_CLIENTS || count >= MAX_CLIENTS_OF_ONE) {
      if (count > 0 && !this.#refused.has(program)) {
        this.#refused.add(program);
        this.#onRefused(program);
      }
      return undefined;
    }
    this.#counts.set(program, count + 1);
    this.#all++;
    return { [Symbol.dispose]: () => this.#leave(program) };
  }

  #leave(program: string): void {
    this.#all--;
    const count = (this.#counts.get(program) ?? 1) - 1;
    if (count > 0) this.#counts.set(program, count);
    else {
      this.#counts.delete(program);
      this.#refused.delete(program);
    }
  }
}
