/**
 * What the daemon tells of its own work: how long calls, transactions, card operations and waits took, how they ended, and how many exchanges with the card that
 * was. Nothing here knows a metrics library; whoever wants to know observes. While nobody does, work is run as it is.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { ErrorCode } from '../../api-spec/errors.ts';
import type { MethodName } from '../../api-spec/methods/index.ts';
import { codeOf } from '../api/wire-error.ts';
import type { CardOperation } from './card-operations.ts';

/** Who made a call: a program, or a web page. Never which. */
export type CallerKind = 'page' | 'program';
/** For the turn at the reader, for a card that another program has, for a person. */
export type WaitName = 'card' | 'person' | 'turn';
/** What came back: the service behind the readers, a reader, a card that was put in and is known. */
export type Recovered = 'card' | 'reader' | 'service';

/** Every name is of a closed set, so that no text of a person, page or device gets into one; `card` gives one of CARD_KIND_LABELS. */
export type Watched =
  | { readonly kind: 'call'; readonly name: MethodName | 'unknown'; readonly caller: CallerKind }
  | { readonly kind: 'transaction'; readonly card: () => string }
  | { readonly kind: 'operation'; readonly name: CardOperation; readonly card: () => string }
  | { readonly kind: 'wait'; readonly name: WaitName };

/** One piece of work, under way or ended. */
export interface Span {
  readonly what: Watched;
  /** What it is a part of. */
  readonly parent: Span | undefined;
  /** Milliseconds since 1970, with fractions; of a clock that never goes back. */
  readonly startedAt: number;
  /** Set when it has ended. */
  readonly durationMs: number;
  /** How it failed; undefined when it went well. */
  readonly code: ErrorCode | undefined;
  /** Commands to the card, and how long they and their responses were, together. */
  readonly exchanges: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** Whoever observes must be quick, and never throws: it runs within the work. */
export interface Observer {
  began?(span: Span): void;
  ended(span: Span): void;
  recovered?(what: Recovered, durationMs: number): void;
}

/** Tells that a piece of work has ended; with the error when it failed. Again does nothing. */
export type End = (error?: unknown) => void;

interface OpenSpan extends Span {
  durationMs: number;
  code: ErrorCode | undefined;
  exchanges: number;
  sentBytes: number;
  receivedBytes: number;
  readonly parent: OpenSpan | undefined;
}

const ended: End = () => undefined;

export class Telemetry {
  readonly #now: () => number;
  readonly #current = new AsyncLocalStorage<OpenSpan>();
  #observers: readonly Observer[] = [];

  constructor(now: () => number = () => performance.timeOrigin + performance.now()) {
    this.#now = now;
  }

  /** Until the result is disposed of. */
  observe(observer: Observer): Disposable {
    this.#observers = [...this.#observers, observer];
    return { [Symbol.dispose]: () => void (this.#observers = this.#observers.filter((one) => one !== observer)) };
  }

  get isObserved(): boolean {
    return this.#observers.length > 0;
  }

  /** Does the work; what is begun within is a part of it. `codeIn`: of a result that is a failure. */
  watch<R>(what: Watched, work: () => Promise<R>, codeIn?: (result: R) => ErrorCode | undefined): Promise<R> {
    return this.isObserved ? this.#watch(what, { work, codeIn }) : work();
  }

  /** For work of which nothing else is a part. */
  begin(what: Watched): End {
    if (!this.isObserved) return ended;
    const span = this.#open(what);
    let isOpen = true;
    return (error) => {
      if (isOpen) this.#close(span, error === undefined ? undefined : codeOf(error));
      isOpen = false;
    };
  }

  /** One command to a card and its response, for all that is under way here. */
  exchanged(sentBytes: number, receivedBytes: number): void {
    for (let span = this.#current.getStore(); span; span = span.parent) {
      span.exchanges++;
      span.sentBytes += sentBytes;
      span.receivedBytes += receivedBytes;
    }
  }

  recovered(what: Recovered, durationMs: number): void {
    for (const observer of this.#observers) observer.recovered?.(what, Math.max(0, durationMs));
  }

  async #watch<R>(what: Watched, { work, codeIn }: WatchedWork<R>): Promise<R> {
    const span = this.#open(what);
    try {
      const result = await this.#current.run(span, work);
      this.#close(span, codeIn?.(result));
      return result;
    } catch (error) {
      this.#close(span, codeOf(error));
      throw error;
    }
  }

  #open(what: Watched): OpenSpan {
    const span: OpenSpan = {
      ...{ what, parent: this.#current.getStore(), startedAt: this.#now(), durationMs: 0, code: undefined },
      ...{ exchanges: 0, sentBytes: 0, receivedBytes: 0 },
    };
    for (const observer of this.#observers) observer.began?.(span);
    return span;
  }

  #close(span: OpenSpan, code: ErrorCode | undefined): void {
    span.durationMs = Math.max(0, this.#now() - span.startedAt);
    span.code = code;
    for (const observer of this.#observers) observer.ended(span);
  }
}

interface WatchedWork<R> {
  readonly work: () => Promise<R>;
  readonly codeIn: ((result: R) => ErrorCode | undefined) | undefined;
}
