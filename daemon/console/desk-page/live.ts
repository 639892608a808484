/**
 * The page's one connection: calls, and the events of the topics that are followed. Events are gathered and given out once per frame, so that a
 * thousand a second cost no more drawing than one; after a frame with many the page rests, but for a pen that writes. Where some were lost (a gap, a new connection, more than are gathered) the topics are read again.
 */
import type { CallOptions, Client } from '../../../api-spec/client/client.ts';
import type { MethodName, Params, Result } from '../../../api-spec/methods/index.ts';
import { Value, type Readable } from './readable.ts';
import { SessionEndedError, type LinkState } from './session.ts';
import type { AnyEvent, Followed } from './topic.ts';

/** More in one frame are not kept one by one: the lists are read again. */
export const GATHERED_EVENTS = 2_000;
/** Between two readings of everything, so that a flood of losses is no flood of calls. */
export const RELOAD_MS = 500;
/** More than these in one frame are a flood: nobody reads what changes so fast. */
export const CALM_EVENTS = 8;
const REST_MS = 100;
const RETRY_MS = 1_000;

export interface LiveOptions {
  /** Opens the connection. Rejects with SessionEndedError when no later try can succeed. */
  readonly open: () => Promise<Client>;
  /** Calls back before the next frame is drawn, or soon when none is. */
  readonly nextFrame: (callback: () => void) => void;
  readonly later: (callback: () => void, delayMs: number) => void;
}

export class Live {
  readonly #options: LiveOptions;
  readonly #state = new Value<LinkState>('connecting');
  readonly #topics = new Set<Followed>();
  #client: Client | undefined;
  #gathered: AnyEvent[] = [];
  #hasOverflowed = false;
  #isFrameWanted = false;
  #isResting = false;
  #isReloadWanted = false;
  #isReloading = false;

  constructor(options: LiveOptions) {
    this.#options = options;
  }

  get state(): Readable<LinkState> {
    return this.#state;
  }

  /** Opens the connection, and opens it again whenever it is lost. */
  async start(): Promise<void> {
    let client: Client;
    try {
      client = await this.#options.open();
      await client.subscribe({ onEvent: (event) => this.#gather(event), onGap: () => this.#reload() });
    } catch (error) {
      this.#onLost(error);
      return;
    }
    this.#client = client;
    this.#state.set('connected');
    this.#reload();
    void client.closed.then(() => this.#onLost(undefined));
  }

  /** The topic is read, and kept from then on: what was followed once is there when it is looked at again. */
  follow(topic: Followed): void {
    if (this.#topics.has(topic)) return;
    this.#topics.add(topic);
    if (this.#client) this.#load(this.#client, topic);
  }

  /** Rejects with CallError when kortd refuses, with ConnectionError while there is no connection. */
  async call<N extends MethodName>(method: N, params: Params<N>, options?: CallOptions): Promise<Result<N>> {
    if (!this.#client) throw new Error(`calling ${method}: there is no connection`);
    return (await this.#client.callByName(method, params, options)) as Result<N>;
  }

  #onLost(error: unknown): void {
    this.#client = undefined;
    if (error instanceof SessionEndedError) {
      this.#state.set(error.state);
      return;
    }
    this.#state.set('lost');
    this.#options.later(() => void this.start(), RETRY_MS);
  }

  #gather(event: AnyEvent): void {
    if (this.#gathered.length < GATHERED_EVENTS) this.#gathered.push(event);
    else this.#hasOverflowed = true;
    if (!this.#isResting || isOfPen(event)) this.#wantFrame();
  }

  #wantFrame(): void {
    if (this.#isFrameWanted) return;
    this.#isFrameWanted = true;
    this.#options.nextFrame(() => this.#giveOut());
  }

  #rest(): void {
    if (this.#isResting) return;
    this.#isResting = true;
    this.#options.later(() => {
      this.#isResting = false;
      if (this.#gathered.length > 0) this.#wantFrame();
    }, REST_MS);
  }

  #giveOut(): void {
    const events = this.#gathered;
    this.#gathered = [];
    this.#isFrameWanted = false;
    for (const topic of this.#topics) topic.take(events);
    if (events.length > CALM_EVENTS && !events.some(isOfPen)) this.#rest();
    if (!this.#hasOverflowed) return;
    this.#hasOverflowed = false;
    this.#reload();
  }

  #reload(): void {
    this.#isReloadWanted = true;
    if (this.#isReloading || !this.#client) return;
    this.#isReloadWanted = false;
    this.#isReloading = true;
    const client = this.#client;
    for (const topic of this.#topics) this.#load(client, topic);
    this.#options.later(() => {
      this.#isReloading = false;
      if (this.#isReloadWanted) this.#reload();
    }, RELOAD_MS);
  }

  /** What cannot be read keeps its last state; a lost connection is told by the page's own state. */
  #load(client: Client, topic: Followed): void {
    topic.load(client).catch(() => {
      if (client === this.#client) this.#options.later(() => this.#reload(), RETRY_MS);
    });
  }
}

const isOfPen = ({ name }: AnyEvent): boolean => name === 'pad.pen';
