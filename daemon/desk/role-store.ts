/** Which reader was assigned to which role, kept over restarts; and serial numbers that turned out to tell no reader from another. */
import type { DatabaseSync } from 'node:sqlite';
import type { ReaderSelector } from '../../api-spec/schemas.ts';
import { openPrivateDatabase, type PrivateDatabaseOptions } from '../private-database.ts';

interface RoleRow {
  readonly role: string;
  readonly serial_number: string | null;
  readonly usb_path: string | null;
  readonly name: string | null;
  readonly slot: number | null;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS role (
    role TEXT NOT NULL PRIMARY KEY, serial_number TEXT, usb_path TEXT, name TEXT, slot INTEGER
  ) STRICT;
  CREATE TABLE IF NOT EXISTS shared_serial_number (
    serial_number TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (serial_number, name)
  ) STRICT;
`;

export const ROLES_FILE = 'roles.sqlite';
/** "krol": tells roles from other SQLite files (PRAGMA application_id). Version 1 had none. */
const APPLICATION_ID = 0x6b_72_6f_6c;
export const ROLES_DATABASE: PrivateDatabaseOptions = {
  ...{ schema: SCHEMA, version: 2, applicationId: APPLICATION_ID },
  steps: { 1: `PRAGMA application_id = ${APPLICATION_ID}` },
};

export class RoleStore implements Disposable {
  readonly #database: DatabaseSync;
  readonly #selectors = new Map<string, ReaderSelector>();
  readonly #shared = new Set<string>();

  /** Opens, or makes, the database file; only its owner can read it. */
  constructor(file: string) {
    this.#database = openPrivateDatabase(file, ROLES_DATABASE);
    const roles = this.#database.prepare('SELECT * FROM role ORDER BY role').all() as unknown as RoleRow[];
    for (const row of roles) this.#selectors.set(row.role, fromRow(row));
    const shared = this.#database.prepare('SELECT serial_number, name FROM shared_serial_number').all();
    for (const row of shared) this.#shared.add(keyOf(String(row['serial_number']), String(row['name'])));
  }

  get selectors(): ReadonlyMap<string, ReaderSelector> {
    return this.#selectors;
  }

  assign(role: string, selector: ReaderSelector): void {
    const { serialNumber = null, usbPath = null, name = null, slot = null } = selector;
    this.#database
      .prepare('INSERT OR REPLACE INTO role (role, serial_number, usb_path, name, slot) VALUES (?, ?, ?, ?, ?)')
      .run(role, serialNumber, usbPath, name, slot);
    this.#selectors.set(role, selector);
  }

  /** True when there was one to remove. */
  remove(role: string): boolean {
    this.#database.prepare('DELETE FROM role WHERE role = ?').run(role);
    return this.#selectors.delete(role);
  }

  isShared(serialNumber: string, stem: string): boolean {
    return this.#shared.has(keyOf(serialNumber, stem));
  }

  noteShared(serialNumber: string, stem: string): void {
    if (this.isShared(serialNumber, stem)) return;
    this.#database
      .prepare('INSERT OR IGNORE INTO shared_serial_number (serial_number, name) VALUES (?, ?)')
      .run(serialNumber, stem);
    this.#shared.add(keyOf(serialNumber, stem));
  }

  [Symbol.dispose](): void {
    if (this.#database.isOpen) this.#database.close();
  }
}

function keyOf(serialNumber: string, stem: string): string {
  return JSON.stringify([serialNumber, stem]);
}

function fromRow({ serial_number, usb_path, name, slot }: RoleRow): ReaderSelector {
  return {
    ...(serial_number === null ? {} : { serialNumber: serial_number }),
    ...(usb_path === null ? {} : { usbPath: usb_path }),
    ...(name === null ? {} : { name }),
    ...(slot === null ? {} : { slot }),
  };
}
