/** Scans that were made, each under its id and for whoever asked for it: bounded in number, bytes and time. In memory alone. */
import type { Scan } from '../../api-spec/scan/scan.ts';
import { ApiError } from '../errors.ts';

/** Programs of one user share; a page shares with nobody. */
export interface ScanOwner {
  readonly user: string;
  readonly origin?: string;
}

export interface KeptScan {
  readonly scan: Scan;
  /** In plain words, for those who review it. */
  readonly asker: string;
  /** By the id of the picture. */
  readonly images: ReadonlyMap<string, Uint8Array>;
  /** The vendor's answer as it came. */
  readonly raw?: { readonly mediaType: string; readonly bytes: Uint8Array };
}

/** A case at the desk takes a quarter of an hour. */
export const SCAN_MS = 1_800_000;
export const SCANS = 32;
/** Pages of one origin cannot push out those of the others. */
export const SCANS_PER_OWNER = 8;
export const SCAN_BYTES = 100_663_296;

interface Entry extends KeptScan {
  readonly owner: string;
  readonly expiresAt: number;
  readonly bytes: number;
  /** Somebody of its user looked at it, and that was recorded: now its pictures may follow. */
  isReviewed: boolean;
}

export class ScanStore implements Disposable {
  readonly #now: () => number;
  readonly #entries = new Map<string, Entry>();
  #timer: NodeJS.Timeout | undefined;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** The oldest make room. */
  put(owner: ScanOwner, kept: KeptScan): void {
    const key = keyOf(owner);
    const bytes = sizeOf(kept);
    this.#forgetExpired();
    this.#entries.set(kept.scan.id, { ...kept, owner: key, bytes, isReviewed: false, expiresAt: this.#now() + SCAN_MS });
    this.#makeRoom((entries) => entries.filter((entry) => entry.owner === key).length > SCANS_PER_OWNER, key);
    this.#makeRoom((entries) => entries.length > SCANS || totalOf(entries) > SCAN_BYTES);
    this.#timer ??= setInterval(() => this.#forgetExpired(), SCAN_MS / 10).unref();
  }

  /** Throws scan_not_found, also for what is another's. */
  find(owner: ScanOwner, id: string): KeptScan {
    const entry = this.#entries.get(id);
    if (!entry || entry.owner !== keyOf(owner) || entry.expiresAt <= this.#now())
      throw new ApiError('scan_not_found', `looking up scan ${id}: the caller has none of this id`);
    return entry;
  }

  /** Of all pages and programs of this user, the latest first. */
  ofUser(user: string): readonly KeptScan[] {
    return [...this.#entries.values()].filter((entry) => this.#isOf(user, entry)).reverse();
  }

  /** From now on its pictures may be looked at. Throws scan_not_found, also for what is another user's. */
  review(user: string, id: string): KeptScan {
    const entry = this.#entries.get(id);
    if (!entry || !this.#isOf(user, entry))
      throw new ApiError('scan_not_found', `reviewing scan ${id}: the user has none of this id`);
    entry.isReviewed = true;
    return entry;
  }

  /** Undefined for a picture that it does not have. Throws scan_not_found, also while nobody reviews it. */
  picture(user: string, id: string, image: string): Uint8Array | undefined {
    const entry = this.#entries.get(id);
    if (!entry?.isReviewed || !this.#isOf(user, entry))
      throw new ApiError('scan_not_found', `showing a picture of scan ${id}: the user reviews none of this id`);
    return entry.images.get(image);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#entries.clear();
  }

  #isOf(user: string, { owner, expiresAt }: Entry): boolean {
    return owner.startsWith(`${user} `) && expiresAt > this.#now();
  }

  #makeRoom(isFull: (entries: readonly Entry[]) => boolean, key?: string): void {
    for (const [id, entry] of this.#entries) {
      if (!isFull([...this.#entries.values()])) return;
      if (key === undefined || entry.owner === key) this.#entries.delete(id);
    }
  }

  #forgetExpired(): void {
    for (const [id, { expiresAt }] of this.#entries) if (expiresAt <= this.#now()) this.#entries.delete(id);
    if (this.#entries.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

function sizeOf({ images, raw }: KeptScan): number {
  return [...images.values()].reduce((sum, { length }) => sum + length, raw?.bytes.length ?? 0);
}

function totalOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, { bytes }) => sum + bytes, 0);
}

function keyOf({ user, origin = '' }: ScanOwner): string {
  return `${user} ${origin}`;
}
