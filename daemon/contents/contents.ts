/**
 * Content that is too long for a message: hashed as it streams in, and named by an id in the calls that sign it. Only digests and length are kept, unless the bytes
 * are asked for; results that are too long to be answered wait here to be fetched. All of it belongs to one caller, is bounded, and goes after ten minutes.
 */
import { createHash, randomUUID, type Hash } from 'node:crypto';
import {
  CONTENTS,
  CONTENTS_PER_OWNER,
  CONTENT_BYTES,
  CONTENT_MS,
  KEPT_BYTES,
  KEPT_BYTES_PER_ORIGIN,
  UPLOADS,
  UPLOADS_PER_OWNER,
} from '../api/limits.ts';
import { ApiError } from '../errors.ts';

export type ContentHash = 'sha256' | 'sha384' | 'sha512';
const HASHES: readonly ContentHash[] = ['sha256', 'sha384', 'sha512'];

/** Programs of one user share; a page shares with nobody. */
export interface ContentOwner {
  readonly user: string;
  readonly origin?: string;
}

export interface Content {
  readonly id: string;
  readonly sizeBytes: number;
  readonly digests: Readonly<Record<ContentHash, Uint8Array>>;
  /** Present when they were to be kept. */
  readonly bytes?: Uint8Array;
}

export interface UploadOptions {
  readonly keep: boolean;
  /** When it was told beforehand. */
  readonly sizeBytes?: number;
}

/** What comes from callers, and what goes to them: neither takes the other's room. */
type Pool = (typeof POOLS)[number];
const POOLS = ['upload', 'result'] as const;

interface Entry {
  readonly content: Content;
  readonly owner: ContentOwner;
  readonly expiresAt: number;
  /** Gives back the room of its bytes. */
  readonly release: () => void;
}

export class Contents implements Disposable {
  readonly #now: () => number;
  readonly #entries = new Map<string, Entry>();
  /** Bytes that are kept, or promised to an upload, by pool and owner. */
  readonly #kept = new Map<string, number>();
  readonly #uploads = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  get keptCount(): number {
    return this.#entries.size;
  }

  /** Of all owners. */
  get keptBytes(): number {
    return POOLS.reduce((sum, pool) => sum + (this.#kept.get(poolKey(pool)) ?? 0), 0);
  }

  /** To be disposed of, finished or not. Throws too_many_calls, message_too_large, contents_full. */
  open(owner: ContentOwner, { keep, sizeBytes }: UploadOptions): Upload {
    if (sizeBytes !== undefined && sizeBytes > CONTENT_BYTES) throw tooLarge();
    const key = keyOf(owner);
    const mine = this.#uploads.get(key) ?? 0;
    const all = [...this.#uploads.values()].reduce((sum, count) => sum + count, 0);
    if (mine >= UPLOADS_PER_OWNER) throw tooMany(UPLOADS_PER_OWNER);
    if (all >= UPLOADS) throw tooMany(UPLOADS);
    this.#requirePlace(owner);
    if (keep) this.requireRoom(owner, sizeBytes ?? 0, 'upload');
    this.#uploads.set(key, mine + 1);
    return new Upload({
      keep,
      sizeBytes,
      takeRoom: (bytes) => this.#takeRoom(owner, bytes, 'upload'),
      store: (content, release) => this.#store(owner, content, release),
      onClose: () => this.#closeUpload(key),
    });
  }

  /** Throws contents_full when a result of this length would find no room: to be asked before a person is. */
  requireRoom(owner: ContentOwner, sizeBytes: number, pool: Pool = 'result'): void {
    this.#forgetExpired();
    const used = this.#kept.get(poolKey(pool)) ?? 0;
    const mine = this.#kept.get(poolKey(pool, owner)) ?? 0;
    const bound = owner.origin === undefined ? KEPT_BYTES : KEPT_BYTES_PER_ORIGIN;
    if (used + sizeBytes > KEPT_BYTES || mine + sizeBytes > bound) throw full(Math.min(bound, KEPT_BYTES));
  }

  /** Keeps a result for its caller to fetch. Throws contents_full. */
  put(owner: ContentOwner, bytes: Uint8Array): Content {
    this.#requirePlace(owner);
    const release = this.#takeRoom(owner, bytes.length, 'result');
    return this.#store(owner, { id: randomUUID(), sizeBytes: bytes.length, digests: new LateDigests(bytes), bytes }, release);
  }

  /** Throws content_not_found, also for what is another's. */
  find(owner: ContentOwner, id: string): Content {
    const entry = this.#entries.get(id);
    if (!entry || keyOf(entry.owner) !== keyOf(owner) || entry.expiresAt <= this.#now())
      throw new ApiError('content_not_found', `looking up content ${id}: the caller has none of this id`);
    return entry.content;
  }

  delete(owner: ContentOwner, id: string): void {
    this.#remove(this.find(owner, id).id);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#entries.clear();
  }

  #requirePlace(owner: ContentOwner): void {
    this.#forgetExpired();
    const mine = [...this.#entries.values()].filter((entry) => keyOf(entry.owner) === keyOf(owner)).length;
    if (mine >= CONTENTS_PER_OWNER) throw full(CONTENTS_PER_OWNER);
    if (this.#entries.size >= CONTENTS) throw full(CONTENTS);
  }

  /** Gives what gives it back, once. */
  #takeRoom(owner: ContentOwner, bytes: number, pool: Pool): () => void {
    this.requireRoom(owner, bytes, pool);
    const add = (change: number): void => {
      for (const key of [poolKey(pool), poolKey(pool, owner)]) {
        const left = (this.#kept.get(key) ?? 0) + change;
        if (left === 0) this.#kept.delete(key);
        else this.#kept.set(key, left);
      }
    };
    add(bytes);
    let isTaken = true;
    return () => {
      if (isTaken) add(-bytes);
      isTaken = false;
    };
  }

  #store(owner: ContentOwner, content: Content, release: () => void): Content {
    this.#entries.set(content.id, { content, owner, expiresAt: this.#now() + CONTENT_MS, release });
    this.#timer ??= setTimeout(() => this.#sweep(), CONTENT_MS).unref();
    return content;
  }

  #sweep(): void {
    this.#timer = undefined;
    this.#forgetExpired();
    const [oldest] = this.#entries.values();
    if (oldest) this.#timer = setTimeout(() => this.#sweep(), Math.max(oldest.expiresAt - this.#now(), 0) + 1).unref();
  }

  /** The oldest come first. */
  #forgetExpired(): void {
    for (const [id, { expiresAt }] of this.#entries) {
      if (expiresAt > this.#now()) return;
      this.#remove(id);
    }
  }

  #remove(id: string): void {
    this.#entries.get(id)?.release();
    this.#entries.delete(id);
  }

  #closeUpload(key: string): void {
    const left = (this.#uploads.get(key) ?? 1) - 1;
    if (left === 0) this.#uploads.delete(key);
    else this.#uploads.set(key, left);
  }
}

interface UploadParts {
  readonly keep: boolean;
  readonly sizeBytes: number | undefined;
  readonly takeRoom: (bytes: number) => () => void;
  readonly store: (content: Content, release: () => void) => Content;
  readonly onClose: () => void;
}

/** One stream of bytes on its way in. */
export class Upload implements Disposable {
  readonly #parts: UploadParts;
  readonly #hashes: Readonly<Record<ContentHash, Hash>>;
  readonly #releases: (() => void)[] = [];
  readonly #chunks: Uint8Array[] = [];
  #whole: Uint8Array | undefined;
  #sizeBytes = 0;
  #isOpen = true;

  constructor(parts: UploadParts) {
    this.#parts = parts;
    this.#hashes = { sha256: createHash('sha256'), sha384: createHash('sha384'), sha512: createHash('sha512') };
    if (!parts.keep || parts.sizeBytes === undefined) return;
    this.#releases.push(parts.takeRoom(parts.sizeBytes));
    this.#whole = new Uint8Array(parts.sizeBytes);
  }

  /** Throws message_too_large, contents_full. */
  write(chunk: Uint8Array): void {
    const at = this.#sizeBytes;
    this.#sizeBytes += chunk.length;
    if (this.#sizeBytes > CONTENT_BYTES) throw tooLarge();
    for (const hash of HASHES) this.#hashes[hash].update(chunk);
    if (this.#whole) {
      this.#whole.set(chunk, at);
    } else if (this.#parts.keep) {
      this.#releases.push(this.#parts.takeRoom(chunk.length));
      this.#chunks.push(Uint8Array.from(chunk));
    }
  }

  finish(): Content {
    const bytes = this.#parts.keep ? (this.#whole ?? new Uint8Array(Buffer.concat(this.#chunks))) : undefined;
    const digests = digestsOf((hash) => this.#hashes[hash]);
    const releases = this.#releases.splice(0);
    const content = { id: randomUUID(), sizeBytes: this.#sizeBytes, digests, ...(bytes ? { bytes } : {}) };
    return this.#parts.store(content, () => releases.forEach((release) => release()));
  }

  /** Idempotent. What was not finished leaves nothing. */
  [Symbol.dispose](): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const release of this.#releases.splice(0)) release();
    this.#parts.onClose();
  }
}

/** Of a result: nobody may ever ask for them. */
class LateDigests implements Record<ContentHash, Uint8Array> {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get sha256(): Uint8Array {
    return this.#digest('sha256');
  }

  get sha384(): Uint8Array {
    return this.#digest('sha384');
  }

  get sha512(): Uint8Array {
    return this.#digest('sha512');
  }

  #digest(hash: ContentHash): Uint8Array {
    return new Uint8Array(createHash(hash).update(this.#bytes).digest());
  }
}

function digestsOf(hashing: (hash: ContentHash) => Hash): Content['digests'] {
  const digest = (hash: ContentHash): Uint8Array => new Uint8Array(hashing(hash).digest());
  return { sha256: digest('sha256'), sha384: digest('sha384'), sha512: digest('sha512') };
}

function keyOf({ user, origin = '' }: ContentOwner): string {
  return `${user} ${origin}`;
}

function poolKey(pool: Pool, owner?: ContentOwner): string {
  return owner ? `${pool} ${keyOf(owner)}` : pool;
}

function tooLarge(): ApiError {
  return new ApiError('message_too_large', 'reading content: too large', { limitBytes: CONTENT_BYTES });
}

function tooMany(limit: number): ApiError {
  return new ApiError('too_many_calls', `uploading: ${limit} uploads are under way`, { limit });
}

function full(limit: number): ApiError {
  return new ApiError('contents_full', `keeping content: ${limit} are kept already`, { limit });
}
