/** What is said of a program at most once a minute, and then how often it was left out: no program fills the disk with what the log says of it. */

const PERIOD_MS = 60_000;
/** Programs that are remembered; those of whom nothing was said for longest are forgotten. */
const MAX_PROGRAMS = 256;

export class Seldom {
  readonly #said = new Map<string, { at: number; omitted: number }>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** `say` is given how many times it was not called since it was last. */
  about(program: string, say: (omitted: number) => void): void {
    const known = this.#said.get(program);
    const now = this.#now();
    if (known && now - known.at < PERIOD_MS) {
      known.omitted++;
      return;
    }
    this.#said.delete(program);
    const [oldest] = this.#said.keys();
    if (oldest !== undefined && this.#said.size >= MAX_PROGRAMS) this.#said.delete(oldest);
    this.#said.set(program, { at: now, omitted: 0 });
    say(known?.omitted ?? 0);
  }
}
