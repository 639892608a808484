/**
 * How many wrong PINs each web origin has sent to each card today, kept over restarts: a page may spend few tries, and never a card. Native programs hold
 * the person's own rights and are not counted.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { WebHolder } from '../access/web-holder.ts';
import { ApiError } from '../errors.ts';
import { openPrivateDatabase, type PrivateDatabaseOptions } from '../private-database.ts';

/** The card by its serial number, else by its answer to reset. */
export interface WrongPinSubject extends WebHolder {
  readonly card: string;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS wrong_pin (
    user TEXT NOT NULL, origin TEXT NOT NULL, card TEXT NOT NULL, day TEXT NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (user, origin, card, day)
  ) STRICT;
`;

export const WRONG_PINS_FILE = 'wrong-pins.sqlite';
/** "kpin": tells this count from other SQLite files (PRAGMA application_id). Version 1 had none. */
const APPLICATION_ID = 0x6b_70_69_6e;
export const WRONG_PINS_DATABASE: PrivateDatabaseOptions = {
  ...{ schema: SCHEMA, version: 2, applicationId: APPLICATION_ID },
  steps: { 1: `PRAGMA application_id = ${APPLICATION_ID}` },
};

export class WrongPins implements Disposable {
  readonly #database: DatabaseSync;
  readonly #now: () => Date;

  /** Opens, or makes, the database file; only its owner can read it. */
  constructor(file: string, now: () => Date = () => new Date()) {
    this.#now = now;
    this.#database = openPrivateDatabase(file, WRONG_PINS_DATABASE);
  }

  /** Throws pin_limit_reached when the origin has had its wrong PINs of today. */
  require(subject: WrongPinSubject, limit: number): void {
    const count = this.#count(subject);
    if (count < limit) return;
    throw new ApiError('pin_limit_reached', `asking for a PIN for ${subject.origin}: ${count} were wrong today`, { limit });
  }

  note({ user, origin, card }: WrongPinSubject): void {
    const today = this.#today();
    this.#database.prepare('DELETE FROM wrong_pin WHERE day <> ?').run(today);
    this.#database
      .prepare(
        `INSERT INTO wrong_pin (user, origin, card, day, count) VALUES (?, ?, ?, ?, 1)
         ON CONFLICT (user, origin, card, day) DO UPDATE SET count = count + 1`,
      )
      .run(user, origin, card, today);
  }

  [Symbol.dispose](): void {
    if (this.#database.isOpen) this.#database.close();
  }

  #count({ user, origin, card }: WrongPinSubject): number {
    const row = this.#database
      .prepare('SELECT count FROM wrong_pin WHERE user = ? AND origin = ? AND card = ? AND day = ?')
      .get(user, origin, card, this.#today());
    return Number(row?.['count'] ?? 0);
  }

  /** By the workstation's own clock and time zone: a person's day. */
  #today(): string {
    const now = this.#now();
    const [month, day] = [now.getMonth() + 1, now.getDate()].map((number) => String(number).padStart(2, '0'));
    return `${now.getFullYear()}-${month}-${day}`;
  }
}
