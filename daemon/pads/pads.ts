/**
 * The signature pads of this desk, of every driver. Drivers are loaded when somebody first asks for a pad, and from then on it is looked every two seconds whether one
 * came or went: neither HID nor serial libraries tell. One capture a pad.
 */
import type { Pad } from '../../api-spec/pads.ts';
import { DeviceError } from '../../drivers/errors.ts';
import type { PadDescription, PadDriver, SignaturePad } from '../../drivers/pads/driver.ts';
import type { EventLog } from '../api/event-log.ts';
import { ApiError } from '../errors.ts';
import type { Log } from '../log.ts';
import { Kept } from '../documents/kept.ts';
import { Replays } from './replay.ts';

const LOOK_MS = 2_000;
const LIST_PATIENCE_MS = 10_000;

export interface PadsOptions {
  readonly drivers: () => Promise<readonly PadDriver[]>;
  readonly publish: EventLog['publish'];
  readonly log: Log;
  readonly lookMs?: number;
}

/** Who captures: pages of one site are one caller. */
export interface PadUser {
  readonly user: string;
  readonly origin?: string;
}

export interface CaptureOrder extends PadUser {
  /** Id of the capture. */
  readonly capture: string;
}

/** What of a capture's result is told to all. */
export interface CaptureEnd {
  readonly written: { readonly lost: number };
}

type KnownPads = Map<string, { readonly driver: PadDriver; readonly description: PadDescription }>;

type LastCapture = NonNullable<Pad['lastCapture']>;

/** Hashes and times alone; the detached CMS over it, base64. */
export interface PadEvidence {
  readonly statement: string;
  readonly seal: string;
  /** Of what was signed, hexadecimal. */
  readonly documentSha256: string;
  /** The ceremony that it counts in, once one has taken it up. */
  readonly takenBy?: string;
  /** The movement was written before, to the last point. */
  readonly isRepeat: boolean;
}

interface Capturing {
  readonly id: string;
  readonly by: PadUser;
  readonly cancel: AbortController;
}

export class Pads implements AsyncDisposable {
  readonly replays = new Replays();
  /** What captures stated, for a ceremony of the card office to take up. */
  readonly evidence = new Kept<PadEvidence>({ noun: 'capture', limit: 128, limitPerOwner: 64 });
  readonly #options: PadsOptions;
  readonly #stopped = new AbortController();
  readonly #capturing = new Map<string, Capturing>();
  /** How the latest ended, by pad. */
  readonly #last = new Map<string, LastCapture>();
  /** Captures that are not tidied up yet. */
  readonly #ending = new Set<Promise<unknown>>();
  #drivers: Promise<readonly PadDriver[]> | undefined;
  #known: KnownPads = new Map();
  #looking: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: PadsOptions) {
    this.#options = options;
  }

  async list(): Promise<readonly Pad[]> {
    await this.#look();
    return this.known;
  }

  /** As last looked for: none before somebody first asked. */
  get known(): readonly Pad[] {
    return [...this.#known.values()].map(({ description }) => this.describe(description));
  }

  /** The one that is meant; without an id the only one there is. Throws not_found. */
  async find(id: string | undefined): Promise<PadDescription> {
    await this.#look();
    const all = [...this.#known.values()];
    const found = id === undefined && all.length === 1 ? all[0] : all.find(({ description }) => description.id === id);
    if (found) return found.description;
    const problem = id === undefined ? `${all.length} pads are there, and none was named` : `there is no pad ${id}`;
    throw new ApiError('not_found', `finding the pad: ${problem}`, { what: 'pad' });
  }

  describe({ capabilities, ...description }: PadDescription): Pad {
    const { screen, ...rest } = capabilities;
    const lastCapture = this.#last.get(description.id);
    return {
      ...description,
      capabilities: { ...rest, ...(screen ? { screen } : {}) },
      status: this.#capturing.has(description.id) ? 'capturing' : 'ready',
      ...(lastCapture ? { lastCapture } : {}),
    };
  }

  /** Of the capture that is under way there. */
  captureOn(id: string): string | undefined {
    return this.#capturing.get(id)?.id;
  }

  /** Lends the pad for one capture and puts it away afterwards. Throws pad_busy, and what `work` throws in words of pads. */
  async use<R extends CaptureEnd>(
    description: PadDescription,
    { capture, ...by }: CaptureOrder,
    { signal }: { readonly signal: AbortSignal },
    work: (pad: SignaturePad, signal: AbortSignal) => Promise<R>,
  ): Promise<R> {
    const { id } = description;
    if (this.#capturing.has(id)) throw new ApiError('pad_busy', 'opening the pad: it is captured already');
    const cancel = new AbortController();
    this.#capturing.set(id, { id: capture, by, cancel });
    const ended = AbortSignal.any([signal, cancel.signal, this.#stopped.signal]);
    this.#options.publish('pad.changed', { pad: this.describe(description), capture });
    const end = (how: Pick<LastCapture, 'isComplete' | 'outcome'>): void => this.#end(description, capture, how);
    const done = this.#lend(id, ended, work).then(
      (result) => {
        end({ outcome: 'accepted', isComplete: result.written.lost === 0 });
        return result;
      },
      (error: unknown) => {
        end({ outcome: isCancelled(error) ? 'cancelled' : 'failed' });
        throw error;
      },
    );
    const ending = done.then(
      () => undefined,
      () => undefined, // told to whoever called
    );
    this.#ending.add(ending);
    void ending.then(() => this.#ending.delete(ending));
    return await done;
  }

  /** False when nothing is captured there by this caller. Throws not_found. */
  async cancel(id: string, { user, origin }: PadUser): Promise<boolean> {
    await this.find(id);
    const capturing = this.#capturing.get(id);
    if (!capturing || capturing.by.user !== user || (origin !== undefined && capturing.by.origin !== origin)) return false;
    capturing.cancel.abort(new ApiError('pad_cancelled', 'capturing from the pad: it was cancelled', { by: 'caller' }));
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer);
    this.evidence[Symbol.dispose]();
    this.#stopped.abort(new ApiError('call_cancelled', 'using the pad: kortd is shutting down'));
    await Promise.all([...this.#ending]);
    await this.#looking;
    const drivers = this.#drivers ? await this.#drivers.catch(() => []) : [];
    for (const driver of drivers) await driver[Symbol.asyncDispose]();
  }

  #end(description: PadDescription, capture: string, how: Pick<LastCapture, 'isComplete' | 'outcome'>): void {
    const { id } = description;
    this.#capturing.delete(id);
    if (this.#known.has(id)) this.#last.set(id, { capture, endedAt: new Date().toISOString(), ...how });
    this.#options.publish('pad.changed', { pad: this.describe(description), capture });
  }

  async #lend<R>(id: string, signal: AbortSignal, work: (pad: SignaturePad, signal: AbortSignal) => Promise<R>): Promise<R> {
    const known = this.#known.get(id);
    try {
      if (!known) throw new ApiError('pad_removed', 'opening the pad: it is not there');
      await using pad = await known.driver.open(id, { signal });
      return await work(pad, signal);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw toPadError(error);
    }
  }

  /** Those that ask while it is looked get what is found then. */
  async #look(): Promise<void> {
    this.#looking ??= this.#lookOnce().finally(() => (this.#looking = undefined));
    await this.#looking;
  }

  async #lookOnce(): Promise<void> {
    clearTimeout(this.#timer);
    const signal = AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(LIST_PATIENCE_MS)]);
    const before = this.#known;
    this.#known = await this.#lookAtAll(signal);
    for (const id of before.keys()) if (!this.#known.has(id)) this.#forget(id);
    for (const [id, { description }] of this.#known)
      if (!before.has(id)) this.#options.publish('pad.added', { pad: this.describe(description) });
    if (this.#stopped.signal.aborted) return;
    this.#timer = setTimeout(() => this.#lookAgain(), this.#options.lookMs ?? LOOK_MS).unref();
  }

  #forget(id: string): void {
    this.#last.delete(id);
    this.#options.publish('pad.removed', { pad: id });
  }

  #lookAgain(): void {
    this.#look().catch((error: unknown) => {
      this.#options.log.warn(
        { problem: error instanceof Error ? error.message : String(error) },
        'pads are no longer looked for',
      );
    });
  }

  /** A driver that fails keeps nobody from the pads of the others: its own stay as they were. */
  async #lookAtAll(signal: AbortSignal): Promise<KnownPads> {
    const found: KnownPads = new Map();
    for (const driver of await this.#load()) {
      try {
        for (const description of await driver.list({ signal })) found.set(description.id, { driver, description });
      } catch (error) {
        this.#options.log.warn(
          { driver: driver.id, problem: error instanceof Error ? error.message : String(error) },
          'pads were not listed',
        );
        for (const [id, known] of this.#known) if (known.driver === driver) found.set(id, known);
      }
    }
    return found;
  }

  async #load(): Promise<readonly PadDriver[]> {
    this.#drivers ??= this.#options.drivers();
    try {
      return await this.#drivers;
    } catch (error) {
      this.#drivers = undefined;
      throw new ApiError('pad_failed', 'loading the drivers of pads: it failed', {}, { cause: error });
    }
  }
}

/** By name: what a driver throws of its own is of a subclass that only it knows. */
const CODES = { DeviceRemovedError: 'pad_removed', DeviceBusyError: 'pad_busy', ScreenUnfitError: 'pad_screen_unfit' } as const;

/** By the signer, by whoever asked for it, or because that one went away. */
function isCancelled(error: unknown): boolean {
  return error instanceof ApiError && ['call_cancelled', 'pad_cancelled'].includes(error.code);
}

function toPadError(error: unknown): unknown {
  if (!(error instanceof DeviceError)) return error;
  const code = Object.entries(CODES).find(([name]) => name === error.name)?.[1] ?? 'pad_failed';
  return new ApiError(code, error.message, {}, { cause: error });
}
