/**
 * What was read of cards, over insertions and restarts: by profile, serial number, ATR and the card's own change marker, so that a card which was changed, by
 * whomever, is read anew. A card without a marker is not kept. Certificates are personal data: the file is its owner's alone, bounded, forgets what is not
 * used, and can be turned off by policy. Nothing depends on it: a file that is damaged is thrown away.
 */
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { equalBytes } from '../../apdu/bytes.ts';
import type { CardProfile } from '../../apdu/card-profile.ts';
import { decodeTaggedJson, encodeTaggedJson } from '../../apdu/tagged-json.ts';
import type { TokenContents } from '../../apdu/token.ts';
import type { Log } from '../log.ts';
import { isLocked } from '../databases/examine.ts';
import { VERSION } from '../version.ts';
import { openPrivateDatabase, type PrivateDatabaseOptions } from '../private-database.ts';

export const CARD_CACHE_FILE = 'cards.sqlite';
/** Of whole cards: a card office meets some dozens a day. Days are counted since a card was last put in. */
const LIMITS = { rememberedCards: 200, rememberedDays: 90 };
const MAX_BODY_LENGTH = 262_144;
const DAY_MS = 86_400_000;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS cards (
    profile TEXT NOT NULL, serialNumber TEXT NOT NULL, atr BLOB NOT NULL, marker TEXT NOT NULL, version TEXT NOT NULL,
    body TEXT NOT NULL, digest BLOB NOT NULL, usedAt INTEGER NOT NULL, PRIMARY KEY (profile, serialNumber)
  ) STRICT;
`;
export const CARD_CACHE_DATABASE: PrivateDatabaseOptions = { schema: SCHEMA, version: 1, journalMode: 'TRUNCATE' };

/** Whose contents they are. */
export interface CachedCard {
  readonly profile?: CardProfile;
  readonly serialNumber?: string;
  readonly atr: Uint8Array;
}

export interface CardCacheOptions {
  readonly file: string;
  /** As the policy has it at this moment. */
  readonly isEnabled: () => boolean;
  /** As the configuration has them at this moment. */
  readonly limits?: () => { readonly rememberedCards: number; readonly rememberedDays: number };
  readonly log: Log;
  readonly now?: () => number;
}

interface CacheKey {
  readonly profile: CardProfile;
  readonly serialNumber: string;
}

export class CardCache implements Disposable {
  readonly #options: CardCacheOptions;
  #database: DatabaseSync | undefined;

  constructor(options: CardCacheOptions) {
    this.#options = options;
    this.applyPolicy();
  }

  /** The policy may be another: what it does not let be kept is deleted. */
  applyPolicy(): void {
    if (!this.#options.isEnabled()) this.#throwAway();
  }

  /** What cards with this ATR were before: where to look first. Undefined when none is known. */
  profileOf(atr: Uint8Array): string | undefined {
    return this.#use((database) => {
      const row = database.prepare('SELECT profile FROM cards WHERE atr = ? ORDER BY usedAt DESC LIMIT 1').get(atr);
      return typeof row?.['profile'] === 'string' ? row['profile'] : undefined;
    });
  }

  /** Undefined for a card that is not known, was changed since, or has no marker. */
  find(card: CachedCard, marker: string | undefined): TokenContents | undefined {
    const key = keyOf(card);
    if (!key || marker === undefined) return undefined;
    return this.#use((database) => {
      const row = database
        .prepare('SELECT * FROM cards WHERE profile = ? AND serialNumber = ?')
        .get(key.profile.id, key.serialNumber);
      const { atr, body, digest, usedAt } = row ?? {};
      const isHers =
        row?.['marker'] === marker && row['version'] === VERSION && atr instanceof Uint8Array && equalBytes(atr, card.atr);
      if (!isHers || typeof body !== 'string' || !(digest instanceof Uint8Array)) return undefined;
      if (!equalBytes(digest, digestOf(body))) throw new Error('reading what is known of a card: it is not what was written');
      this.#noteUse(database, key, Number(usedAt));
      return decodeContents(key.profile, body);
    });
  }

  keep(card: CachedCard, marker: string | undefined, contents: TokenContents): void {
    const key = keyOf(card);
    if (!key || marker === undefined) return;
    const body = encodeContents(key.profile, contents);
    if (body === undefined || body.length > MAX_BODY_LENGTH) {
      this.forget(card);
      return;
    }
    this.#use((database) => {
      database
        .prepare('INSERT OR REPLACE INTO cards VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
        .run(key.profile.id, key.serialNumber, card.atr, marker, VERSION, body, digestOf(body), this.#now());
      this.#tidy(database);
    });
  }

  /** Before the card is changed, so that no crash leaves what is no longer so. */
  forget(card: CachedCard): void {
    const key = keyOf(card);
    // Which card it is was never found out: it may be any.
    const [where, ...values] = key ? ['WHERE profile = ? AND serialNumber = ?', key.profile.id, key.serialNumber] : [''];
    this.#use((database) => void database.prepare(`DELETE FROM cards ${where}`).run(...values));
  }

  [Symbol.dispose](): void {
    this.#database?.close();
    this.#database = undefined;
  }

  #now(): number {
    return (this.#options.now ?? Date.now)();
  }

  /** Once a day at most: an insertion need not write. */
  #noteUse(database: DatabaseSync, { profile, serialNumber }: CacheKey, usedAt: number): void {
    if (this.#now() - usedAt < DAY_MS) return;
    database
      .prepare('UPDATE cards SET usedAt = ? WHERE profile = ? AND serialNumber = ?')
      .run(this.#now(), profile.id, serialNumber);
  }

  #tidy(database: DatabaseSync): void {
    const { rememberedCards, rememberedDays } = this.#options.limits?.() ?? LIMITS;
    database.prepare('DELETE FROM cards WHERE usedAt < ?').run(this.#now() - rememberedDays * DAY_MS);
    database
      .prepare('DELETE FROM cards WHERE rowid NOT IN (SELECT rowid FROM cards ORDER BY usedAt DESC, rowid DESC LIMIT ?)')
      .run(rememberedCards);
  }

  /** With a file that cannot be used the card is read as if nothing were known of it, and the file begins anew. */
  #use<R>(work: (database: DatabaseSync) => R): R | undefined {
    if (!this.#options.isEnabled()) return undefined;
    try {
      this.#database ??= this.#open();
      return work(this.#database);
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      if (isLocked(error)) {
        this.#options.log.warn({ problem }, 'another program has what is known of cards open: the card is read anew');
        return undefined;
      }
      this.#options.log.warn({ problem }, 'what was known of cards is thrown away');
      this.#throwAway();
      return undefined;
    }
  }

  #open(): DatabaseSync {
    const database = openPrivateDatabase(this.#options.file, CARD_CACHE_DATABASE);
    try {
      this.#tidy(database);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  }

  #throwAway(): void {
    const { file, log } = this.#options;
    this[Symbol.dispose]();
    try {
      for (const suffix of ['', '-journal']) rmSync(`${file}${suffix}`, { force: true });
    } catch (error) {
      log.error({ err: error }, 'what was known of cards cannot be thrown away');
    }
  }
}

function keyOf({ profile, serialNumber }: CachedCard): CacheKey | undefined {
  return profile && serialNumber !== undefined ? { profile, serialNumber } : undefined;
}

function digestOf(body: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(body).digest());
}

/** Undefined for contents with a directory that the profile cannot write down. */
function encodeContents({ directoryText }: CardProfile, { keys, certificates, directory }: TokenContents): string | undefined {
  const text = directory && directoryText?.encode(directory);
  return directory && text === undefined ? undefined : encodeTaggedJson({ keys, certificates, text });
}

/** Written by this version of kortd, and whole: the digest says so. */
function decodeContents({ directoryText }: CardProfile, body: string): TokenContents {
  const { text, ...contents } = decodeTaggedJson(body) as Pick<TokenContents, 'certificates' | 'keys'> & { text?: string };
  const directory = text === undefined ? undefined : directoryText?.decode(text);
  return { ...contents, ...(directory ? { directory } : {}) };
}
