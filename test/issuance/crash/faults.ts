/**
 * What breaks a ceremony off, inside the process of its daemon: at the n-th exchange with the card, or the n-th write of the journal, counted from the moment when
 * they are armed. A kill is a SIGKILL; a full disk is one that was filled to the last byte.
 */
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { OpenDatabase } from '../../../daemon/issuance/journal.ts';
import { openPrivateDatabase } from '../../../daemon/private-database.ts';
import type { SimulatedCard } from '../../../drivers/simulated/card.ts';

export interface Fault {
  readonly kind: 'cut' | 'full' | 'kill' | 'pull' | 'reset' | 'swap';
  readonly when: 'after' | 'before' | 'during';
  /** Messages to the authority are the campaign's (authority.ts). */
  readonly of: 'exchange' | 'message' | 'write';
  /** From 1. */
  readonly number: number;
}

const FILLER = 'filler';

export class FaultyDesk {
  exchanges = 0;
  writes = 0;
  readonly #folder: string;
  readonly #swap: () => void;
  #fault: Fault | undefined;
  #isCounting = false;

  /** `folder` stands on a disk of its own, which may be filled. `swap` puts another card in place of the one that is in use. */
  constructor(folder: string, swap: () => void) {
    this.#folder = folder;
    this.#swap = swap;
  }

  /** Counts from here on. */
  arm(fault: Fault | undefined): void {
    this.#fault = fault;
    this.exchanges = 0;
    this.writes = 0;
    this.#isCounting = true;
  }

  /** There is room on the disk again, and nothing more happens. */
  disarm(): void {
    this.#fault = undefined;
    rmSync(join(this.#folder, FILLER), { force: true });
  }

  /** The card, as the daemon gets at it. */
  watched(card: SimulatedCard): SimulatedCard {
    return {
      kind: card.kind,
      atr: card.atr,
      powerUp: () => card.powerUp(),
      reset: () => card.reset(),
      process: (command) => this.#process(card, command),
    };
  }

  readonly openDatabase: OpenDatabase = (file, options) => {
    const database = openPrivateDatabase(file, options);
    const execute = database.exec.bind(database);
    // The statements between which an entry is written (daemon/issuance/journal.ts).
    database.exec = (sql: string): void => {
      if (sql === 'BEGIN IMMEDIATE') {
        if (this.#isCounting) this.writes++;
        this.#atWrite('before');
      }
      if (sql === 'COMMIT') this.#atWrite('during');
      execute(sql);
      if (sql === 'COMMIT') this.#atWrite('after');
    };
    return database;
  };

  async #process(card: SimulatedCard, command: Uint8Array): Promise<Uint8Array> {
    if (this.#isCounting) this.exchanges++;
    const fault = this.#fault;
    const isHit = fault?.of === 'exchange' && fault.number === this.exchanges;
    if (isHit && fault.when === 'before') return await this.#strike(fault);
    const response = await card.process(command);
    return isHit ? await this.#strike(fault) : response;
  }

  /** No answer comes: there is nobody, or another card. */
  #strike({ kind }: Fault): Promise<Uint8Array> {
    this.#fault = undefined;
    if (kind === 'kill') kill();
    else this.#swap();
    return new Promise(() => undefined);
  }

  #atWrite(when: Fault['when']): void {
    const fault = this.#fault;
    if (fault?.of !== 'write' || fault.when !== when || fault.number !== this.writes) return;
    this.#fault = undefined;
    if (fault.kind === 'kill') kill();
    else fill(join(this.#folder, FILLER));
  }
}

function kill(): void {
  process.kill(process.pid, 'SIGKILL');
}

/** To the last byte. */
function fill(path: string): void {
  const file = openSync(path, 'w', 0o600);
  try {
    for (const length of [65_536, 4_096, 64, 1]) fillBy(file, Buffer.alloc(length));
  } finally {
    closeSync(file);
  }
}

function fillBy(file: number, bytes: Buffer): void {
  try {
    for (;;) writeSync(file, bytes);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
  }
}
