/**
 * Who may do what: grants of exact origins, from consent (kept in SQLite) and from policy (read at start). A grant ends by time or by being
 * revoked; a policy's grant ends with its file.
 */
import { chmodSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { Scope } from '../../api-spec/scopes.ts';
import type { Policy } from './policy.ts';

export interface Grant {
  readonly origin: string;
  readonly scopes: readonly Scope[];
  readonly source: 'consent' | 'policy';
  /** Milliseconds since 1970. Consent has all three. */
  readonly grantedAt: number | undefined;
  readonly expiresAt: number | undefined;
  readonly lastUsedAt: number | undefined;
}

/** Consent is asked for again after this long. */
export const CONSENT_LIFETIME_MS = 90 * 24 * 60 * 60_000;
/** The last use is written at most this often. */
const LAST_USED_STEP_MS = 60_000;

interface GrantRow {
  readonly origin: string;
  readonly scopes: string;
  readonly granted_at: number;
  readonly expires_at: number;
  readonly last_used_at: number | null;
}

export class Grants implements Disposable {
  readonly #database: DatabaseSync;
  readonly #policy: Policy;
  readonly #now: () => number;

  /** Opens, or makes, the database file; only its owner can read it. */
  constructor(file: string, policy: Policy, now: () => number) {
    this.#policy = policy;
    this.#now = now;
    this.#database = new DatabaseSync(file);
    chmodSync(file, 0o600);
    this.#database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      CREATE TABLE IF NOT EXISTS consent_grant (
        origin TEXT PRIMARY KEY, scopes TEXT NOT NULL, granted_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, last_used_at INTEGER
      ) STRICT;
    `);
  }

  /** Every grant in force for the origin, consent and policy together; none when there is none. */
  scopesOf(origin: string): ReadonlySet<Scope> {
    return new Set(this.list().flatMap((grant) => (grant.origin === origin ? grant.scopes : [])));
  }

  /** Grants in force. */
  list(): readonly Grant[] {
    const now = this.#now();
    const consented = this.#database
      .prepare('SELECT * FROM consent_grant WHERE expires_at > ? ORDER BY origin')
      .all(now) as unknown as GrantRow[];
    return [
      ...consented.map(fromRow),
      ...this.#policy.grants
        .filter(({ expiresAt }) => expiresAt === undefined || expiresAt > now)
        .map(({ origin, scopes, expiresAt }): Grant => ({
          origin,
          scopes,
          source: 'policy',
          grantedAt: undefined,
          expiresAt,
          lastUsedAt: undefined,
        })),
    ];
  }

  /** Consent for these scopes, added to earlier consent of the origin. */
  consent(origin: string, scopes: readonly Scope[]): void {
    const now = this.#now();
    const earlier = this.list().find((grant) => grant.origin === origin && grant.source === 'consent')?.scopes ?? [];
    const all = [...new Set([...earlier, ...scopes])].sort();
    this.#database
      .prepare(
        'INSERT OR REPLACE INTO consent_grant (origin, scopes, granted_at, expires_at, last_used_at) VALUES (?, ?, ?, ?, NULL)',
      )
      .run(origin, JSON.stringify(all), now, now + CONSENT_LIFETIME_MS);
  }

  /** True when there was consent to take back. */
  revoke(origin: string): boolean {
    return this.#database.prepare('DELETE FROM consent_grant WHERE origin = ?').run(origin).changes > 0;
  }

  noteUse(origin: string): void {
    const now = this.#now();
    this.#database
      .prepare('UPDATE consent_grant SET last_used_at = ? WHERE origin = ? AND (last_used_at IS NULL OR last_used_at < ?)')
      .run(now, origin, now - LAST_USED_STEP_MS);
  }

  [Symbol.dispose](): void {
    if (this.#database.isOpen) this.#database.close();
  }
}

function fromRow(row: GrantRow): Grant {
  return {
    origin: row.origin,
    scopes: JSON.parse(row.scopes) as Scope[],
    source: 'consent',
    grantedAt: row.granted_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at ?? undefined,
  };
}
