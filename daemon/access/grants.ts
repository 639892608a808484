/**
 * Who may do what: grants of exact origins to the local users, from consent (kept in SQLite) and from policy. A grant ends by time or by being
 * revoked; a policy's grant ends with its file. Looking one up touches no disk.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { Scope } from '../../api-spec/scopes.ts';
import type { Policy } from './policy.ts';
import { keyOf, type WebHolder } from './web-holder.ts';
import { openPrivateDatabase, type PrivateDatabaseOptions } from '../private-database.ts';

export interface Grant {
  readonly origin: string;
  /** Absent: every user of the workstation. */
  readonly user?: string;
  readonly scopes: readonly Scope[];
  readonly source: 'consent' | 'policy';
  /** Milliseconds since 1970. Consent has all three. */
  readonly grantedAt: number | undefined;
  readonly expiresAt: number | undefined;
  readonly lastUsedAt: number | undefined;
}

const DAY_MS = 24 * 60 * 60_000;
/** Consent is asked for again after this long, unless the configuration has another time. */
export const CONSENT_LIFETIME_MS = 90 * DAY_MS;
/** The last use is written at most this often. */
const LAST_USED_STEP_MS = 60_000;

type Consent = Required<Omit<Grant, 'source' | 'grantedAt' | 'expiresAt'>> & {
  readonly grantedAt: number;
  readonly expiresAt: number;
};

interface ConsentRow {
  readonly origin: string;
  readonly user: string;
  readonly scopes: string;
  readonly granted_at: number;
  readonly expires_at: number;
  readonly last_used_at: number | null;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS consent (
    user TEXT NOT NULL, origin TEXT NOT NULL, scopes TEXT NOT NULL,
    granted_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, last_used_at INTEGER,
    PRIMARY KEY (user, origin)
  ) STRICT;
`;

export const ACCESS_FILE = 'access.sqlite';
/** "kacc": tells grants from other SQLite files (PRAGMA application_id). Version 1 had none. */
const APPLICATION_ID = 0x6b_61_63_63;
export const ACCESS_DATABASE: PrivateDatabaseOptions = {
  ...{ schema: SCHEMA, version: 2, applicationId: APPLICATION_ID },
  steps: { 1: `PRAGMA application_id = ${APPLICATION_ID}` },
};

export class Grants implements Disposable {
  readonly #database: DatabaseSync;
  readonly #consents = new Map<string, Consent>();
  readonly #policy: () => Policy;
  readonly #now: () => number;
  readonly #lifetimeMs: () => number;

  /** Opens, or makes, the database file; only its owner can read it. */
  constructor(
    file: string,
    policy: () => Policy,
    { now, consentDays }: { readonly now: () => number; readonly consentDays?: (() => number) | undefined },
  ) {
    this.#policy = policy;
    this.#now = now;
    this.#lifetimeMs = consentDays ? () => consentDays() * DAY_MS : () => CONSENT_LIFETIME_MS;
    this.#database = openPrivateDatabase(file, ACCESS_DATABASE);
    const rows = this.#database.prepare('SELECT * FROM consent ORDER BY origin, user').all() as unknown as ConsentRow[];
    for (const row of rows) this.#consents.set(keyOf(row), fromRow(row));
  }

  /** Every grant in force for the holder, consent and policy together; none when there is none. */
  scopesOf(holder: WebHolder): ReadonlySet<Scope> {
    const consent = this.#consents.get(keyOf(holder));
    const scopes = new Set<Scope>(consent && this.#isInForce(consent) ? consent.scopes : []);
    for (const grant of this.#policyGrants(holder.origin)) for (const scope of grant.scopes) scopes.add(scope);
    return scopes;
  }

  /** Some user of this workstation has granted this origin something. */
  knows(origin: string): boolean {
    if (this.#policyGrants(origin).length > 0) return true;
    for (const consent of this.#consents.values()) if (consent.origin === origin && this.#isInForce(consent)) return true;
    return false;
  }

  /** Grants in force. */
  list(): readonly Grant[] {
    const consented = [...this.#consents.values()].filter((consent) => this.#isInForce(consent));
    return [
      ...consented.map((consent): Grant => ({ ...consent, source: 'consent' })),
      ...this.#policy()
        .grants.filter((grant) => this.#isInForce(grant))
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

  /** Consent for these scopes, added to earlier consent of the holder. */
  consent({ origin, user }: WebHolder, scopes: readonly Scope[]): void {
    const now = this.#now();
    const earlier = this.#consents.get(keyOf({ origin, user }));
    const held = earlier && this.#isInForce(earlier) ? earlier.scopes : [];
    const all = [...new Set([...held, ...scopes])].sort();
    const expiresAt = now + this.#lifetimeMs();
    this.#database
      .prepare(
        'INSERT OR REPLACE INTO consent (user, origin, scopes, granted_at, expires_at, last_used_at) VALUES (?, ?, ?, ?, ?, NULL)',
      )
      .run(user, origin, JSON.stringify(all), now, expiresAt);
    this.#consents.set(keyOf({ origin, user }), {
      origin,
      user,
      scopes: all,
      grantedAt: now,
      expiresAt,
      lastUsedAt: undefined,
    });
  }

  /** Of every user. True when there was consent to take back. */
  revoke(origin: string): boolean {
    for (const [key, consent] of this.#consents) if (consent.origin === origin) this.#consents.delete(key);
    return this.#database.prepare('DELETE FROM consent WHERE origin = ?').run(origin).changes > 0;
  }

  noteUse(holder: WebHolder): void {
    const consent = this.#consents.get(keyOf(holder));
    const now = this.#now();
    if (!consent || (consent.lastUsedAt !== undefined && consent.lastUsedAt > now - LAST_USED_STEP_MS)) return;
    this.#consents.set(keyOf(holder), { ...consent, lastUsedAt: now });
    this.#database
      .prepare('UPDATE consent SET last_used_at = ? WHERE user = ? AND origin = ?')
      .run(now, holder.user, holder.origin);
  }

  [Symbol.dispose](): void {
    if (this.#database.isOpen) this.#database.close();
  }

  #policyGrants(origin: string): readonly { readonly scopes: readonly Scope[] }[] {
    return this.#policy().grants.filter((grant) => grant.origin === origin && this.#isInForce(grant));
  }

  #isInForce({ expiresAt }: { readonly expiresAt: number | undefined }): boolean {
    return expiresAt === undefined || expiresAt > this.#now();
  }
}

function fromRow(row: ConsentRow): Consent {
  return {
    origin: row.origin,
    user: row.user,
    scopes: JSON.parse(row.scopes) as Scope[],
    grantedAt: row.granted_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at ?? undefined,
  };
}
