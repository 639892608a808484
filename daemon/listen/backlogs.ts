/** Answers that clients do not read: how many bytes wait for each, for each origin, and for all. When it is too much, the longest backlog is cut. */
import { BACKLOG_BYTES, BACKLOG_BYTES_PER_CLIENT } from '../api/limits.ts';
import type { Quota } from './quotas.ts';

export interface BacklogBounds {
  readonly perClient: number;
  readonly total: number;
}

export class Backlog {
  bytes = 0;
  readonly quota: Quota | undefined;
  readonly cut: () => void;

  /** `quota` of its origin; undefined for a program. `cut` must leave nothing waiting. */
  constructor(quota: Quota | undefined, cut: () => void) {
    this.quota = quota;
    this.cut = cut;
  }
}

export class Backlogs {
  readonly #backlogs = new Set<Backlog>();
  readonly #bounds: BacklogBounds;
  #bytes = 0;

  constructor(bounds: BacklogBounds = { perClient: BACKLOG_BYTES_PER_CLIENT, total: BACKLOG_BYTES }) {
    this.#bounds = bounds;
  }

  add(backlog: Backlog): void {
    this.#backlogs.add(backlog);
  }

  remove(backlog: Backlog): void {
    if (this.#backlogs.delete(backlog)) this.#change(backlog, -backlog.bytes);
  }

  /** So much waits now. To be told after each message that was sent, and when one has gone. */
  note(backlog: Backlog, bytes: number): void {
    const difference = bytes - backlog.bytes;
    if (difference === 0 || !this.#backlogs.has(backlog)) return;
    this.#change(backlog, difference);
    if (difference > 0) this.#cutLongest(backlog);
  }

  get bytes(): number {
    return this.#bytes;
  }

  #change(backlog: Backlog, difference: number): void {
    backlog.bytes += difference;
    this.#bytes += difference;
    if (backlog.quota) backlog.quota.backlogBytes += difference;
  }

  #cutLongest(latest: Backlog): void {
    const { quota } = latest;
    if (latest.bytes > this.#bounds.perClient) this.#cut(latest);
    if (quota && quota.backlogBytes > quota.bounds.backlogBytes) this.#cut(this.#longest((one) => one.quota === quota));
    if (this.#bytes > this.#bounds.total) this.#cut(this.#longest(() => true));
  }

  #longest(isMeant: (backlog: Backlog) => boolean): Backlog | undefined {
    let longest: Backlog | undefined;
    for (const backlog of this.#backlogs) if (isMeant(backlog) && backlog.bytes > (longest?.bytes ?? 0)) longest = backlog;
    return longest;
  }

  #cut(backlog: Backlog | undefined): void {
    if (!backlog) return;
    this.remove(backlog);
    backlog.cut();
  }
}
