/**
 * The places where people can answer, and the prompts that wait for them. A person is asked one thing at a time; the agent in their session comes before
 * the console page, and a place that fails or goes away gives the prompt to the next one.
 */
import { ApiError } from '../errors.ts';
import { Telemetry } from '../telemetry/telemetry.ts';
import { Turns } from '../turns.ts';
import type { EnteredPins } from './entered-pins.ts';
import { PromptProtocolError, PromptStationGoneError } from './errors.ts';
import { OpenPrompts, type Shown } from './open-prompts.ts';
import type { Prompt, PromptPlace, PromptStation } from './prompt.ts';

/** Prompts of one person that may wait for the one on the screen: more is a page gone wild. */
export const MAX_PROMPTS = 8;
/** For one prompt on the screen. */
export const PROMPT_TIMEOUT_MS = 60_000;

const ORDER: readonly PromptPlace[] = ['agent', 'console'];

export interface PromptOptions {
  /** Who is asked: the user id of the operating system. */
  readonly user: string;
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
  /** Told where the prompt is shown; again when it moves on. */
  readonly onShown?: (place: PromptPlace) => void;
}

export class PromptDesk {
  /** What is asked, here and on readers' keypads. */
  readonly open: OpenPrompts;
  readonly #stations = new Set<PromptStation>();
  readonly #turns = new Map<string, Turns>();
  readonly #newcomers = new Set<(station: PromptStation) => void>();
  readonly #telemetry: Telemetry;

  constructor(telemetry: Telemetry = new Telemetry(), open = new OpenPrompts()) {
    this.#telemetry = telemetry;
    this.open = open;
  }

  /** On the screen of a person, or waiting for that. */
  get pending(): number {
    return [...this.#turns.values()].reduce((sum, turns) => sum + turns.length, 0);
  }

  /** Places of this kind where somebody can be asked. */
  placeCount(place: PromptPlace): number {
    return [...this.#stations].filter((station) => station.place === place).length;
  }

  /** Dispose of the result when the place is gone. */
  add(station: PromptStation): Disposable {
    this.#stations.add(station);
    for (const tell of this.#newcomers) tell(station);
    return { [Symbol.dispose]: () => void this.#stations.delete(station) };
  }

  /** Where the person can be asked now, the first choice first. */
  placesOf(user: string): readonly PromptPlace[] {
    return this.#stationsOf(user).map(({ place }) => place);
  }

  /**
   * Waits for the person's turn, asks, and gives what was typed; whoever asked disposes of it. Rejects with pin_required when there is no place to ask,
   * too_many_calls, a PromptError, or the signal's reason.
   */
  async ask(prompt: Prompt, options: PromptOptions): Promise<EnteredPins> {
    const { user, signal } = options;
    if (this.#stationsOf(user).length === 0) throw noPlace();
    const turns = this.#turns.get(user) ?? new Turns('the person', MAX_PROMPTS);
    this.#turns.set(user, turns);
    const inTurn = (shown?: Shown): Promise<EnteredPins> => turns.run(signal, () => this.#show(prompt, options, shown));
    // One too many is refused: it is nothing that anybody is asked.
    const isRefused = turns.length > MAX_PROMPTS;
    const asked = (): Promise<EnteredPins> => (isRefused ? inTurn() : this.open.during({ about: prompt, user, signal }, inTurn));
    try {
      return await this.#telemetry.watch({ kind: 'wait', name: 'person' }, asked);
    } finally {
      if (turns.length === 0) this.#turns.delete(user);
    }
  }

  /** Resolves when there is a place to ask. Rejects with the signal's reason. */
  async whenPlace(user: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#stationsOf(user).length > 0) return;
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const giveUp = (): void => reject(signal.reason as Error);
    const tell = (station: PromptStation): void => {
      if (station.user === user) resolve(undefined);
    };
    signal.addEventListener('abort', giveUp, { once: true });
    this.#newcomers.add(tell);
    try {
      await promise;
    } finally {
      this.#newcomers.delete(tell);
      signal.removeEventListener('abort', giveUp);
    }
  }

  async #show(prompt: Prompt, options: PromptOptions, shown?: Shown): Promise<EnteredPins> {
    const { user, signal, onShown, timeoutMs = PROMPT_TIMEOUT_MS } = options;
    const failed = new Set<PromptStation>();
    let problem: Error = noPlace();
    for (;;) {
      signal.throwIfAborted();
      const station = this.#stationsOf(user).find((candidate) => !failed.has(candidate));
      if (!station) throw problem;
      try {
        shown?.(station.place);
        onShown?.(station.place);
        return await station.ask(prompt, { signal, timeoutMs });
      } catch (error) {
        if (!(error instanceof PromptProtocolError || error instanceof PromptStationGoneError)) throw error;
        failed.add(station);
        problem = error;
      }
    }
  }

  /** The latest of a kind is the one in front of the person. */
  #stationsOf(user: string): readonly PromptStation[] {
    const mine = [...this.#stations].filter((station) => station.user === user).reverse();
    return ORDER.flatMap((place) => mine.filter((station) => station.place === place));
  }
}

function noPlace(): ApiError {
  return new ApiError('pin_required', 'asking a person: neither kortd agent nor the console is open in this session');
}
