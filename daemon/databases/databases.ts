/**
 * The databases of the data folder at the start: a damaged one is moved aside under a name with the time, with its write-ahead log, and a new one begins. What was
 * replaced is kept in a file until the administrator acknowledges it, over restarts; as long as the journal's is there, no ceremony is begun.
 */
import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Result } from '../../api-spec/methods/index.ts';
import { ISSUANCE_JOURNAL_FILE } from '../issuance/journal.ts';
import type { Log } from '../log.ts';
import { examineLater } from './background.ts';
import { examineDatabase } from './examine.ts';
import { KNOWN_DATABASES, type KnownDatabase } from './known.ts';
import { freeName } from './migrate.ts';

const REPLACED_FILE = 'replaced-databases.json';
/** Names of those in which damage was found while they were in use. */
const SUSPECT_FILE = 'damaged-databases.json';

export interface Replaced {
  readonly file: string;
  /** Its name in the data folder; absent for one that was thrown away. */
  readonly movedTo?: string;
  readonly reason: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  /** It stands in the audit log. */
  readonly isRecorded: boolean;
}

/** How it stands in the audit log. */
export const REPLACED_ACT = { callerKind: 'native', caller: 'kortd', method: 'database.replaced', outcome: 'ok' } as const;

type HealthProblem = Result<'system.health'>['problems'][number];

export interface DatabasesOptions {
  readonly folder: string;
  readonly log: Log;
  readonly now?: () => Date;
}

export class Databases {
  readonly #options: DatabasesOptions;
  #replaced: readonly Replaced[];
  #discarded: readonly Replaced[] = [];
  #found: readonly Replaced[] = [];

  private constructor(options: DatabasesOptions) {
    this.#options = options;
    this.#replaced = readReplaced(options);
  }

  /** Before anything opens one of them. Throws DataFolderError for one that cannot be opened now or is of a later version: nothing was moved then. */
  static mend(options: DatabasesOptions): Databases {
    const databases = new Databases(options);
    const suspects = readSuspects(options.folder);
    const examined = KNOWN_DATABASES.map((known) => ({
      known,
      ...examineDatabase(join(options.folder, known.file), {
        ...known.options,
        ...{ isCache: known.isCache ?? false, isSuspect: suspects.has(known.file) },
      }),
    }));
    for (const { known, ...found } of examined) {
      if (found.state === 'damaged') databases.#replace(known, found.reason);
      else if (found.state === 'missing') databases.#moveOrphans(known);
    }
    rmSync(join(options.folder, SUSPECT_FILE), { force: true });
    return databases;
  }

  /** The journal was replaced, and nobody has acknowledged it. */
  get isJournalLost(): boolean {
    return this.#replaced.some(({ file }) => file === ISSUANCE_JOURNAL_FILE);
  }

  get problems(): readonly HealthProblem[] {
    const found = [...[...this.#replaced, ...this.#discarded].map(problemOf), ...this.#found.map(damagedProblem)];
    return this.isJournalLost ? [...found, readOnlyIssuance()] : found;
  }

  /** Looks at what was too large for the start, a while after it. What is found is told, and seen to at the next start. */
  examineLater(delayMs?: number): AsyncDisposable {
    const { folder, log, now = () => new Date() } = this.#options;
    return examineLater({
      ...{ folder, ...(delayMs === undefined ? {} : { delayMs }) },
      onDamage: (file, reason) => {
        this.#found = [...this.#found, { file, reason, at: now().toISOString(), isRecorded: false }];
        writeDurably(
          join(folder, SUSPECT_FILE),
          this.#found.map((one) => one.file),
        );
        log.error({ file, reason }, 'a database is damaged inside: it is moved aside at the next start');
      },
      onProblem: (file, problem) => log.warn({ file, problem }, 'a large database could not be looked at'),
    });
  }

  /** Puts what was replaced into the audit log, each once. */
  async record(write: (purpose: string) => Promise<void>): Promise<void> {
    for (const one of this.#replaced) {
      if (one.isRecorded) continue;
      await write(`${one.file} was damaged (${one.reason}) and is kept as ${one.movedTo ?? ''}; a new one begins`);
      this.#write(this.#replaced.map((other) => (other === one ? { ...one, isRecorded: true } : other)));
    }
  }

  /** The administrator knows that this file was replaced, if it was. */
  acknowledge(file: string): Result<'system.acknowledgeDatabase'> {
    const acknowledged = this.#replaced.filter((one) => one.file === file);
    if (acknowledged.length > 0) {
      this.#write(this.#replaced.filter((one) => one.file !== file));
      this.#options.log.warn({ file }, 'the loss of a database was acknowledged');
    }
    return {
      movedTo: acknowledged.flatMap(({ movedTo }) => movedTo ?? []),
      remaining: [...new Set(this.#replaced.map((one) => one.file))],
    };
  }

  /** It is written down first: after a crash in between no empty journal passes for the old one. */
  #replace({ file, isCache }: KnownDatabase, reason: string): void {
    const { folder, log, now = () => new Date() } = this.#options;
    const at = now().toISOString();
    const path = join(folder, file);
    if (isCache) {
      for (const suffix of ['', ...SIDES]) rmSync(`${path}${suffix}`, { force: true });
      this.#discarded = [...this.#discarded, { file, reason, at, isRecorded: true }];
      log.warn({ file, reason }, 'a damaged database was thrown away');
      return;
    }
    const target = freeName(`${path}.damaged-${at.replaceAll(/[:.]/g, '-')}`);
    this.#write([...this.#replaced, { file, movedTo: basename(target), reason, at, isRecorded: false }]);
    renameSync(path, target);
    moveSides(path, target);
    log.error({ file, movedTo: basename(target), reason }, 'a damaged database was moved aside, and a new one begins');
  }

  /** The write-ahead log of a file that is gone would be taken for the new one's. */
  #moveOrphans({ file }: KnownDatabase): void {
    const { folder, log, now = () => new Date() } = this.#options;
    const path = join(folder, file);
    if (!SIDES.some((suffix) => (statSync(`${path}${suffix}`, { throwIfNoEntry: false })?.size ?? 0) > 0)) return;
    const target = freeName(`${path}.damaged-${now().toISOString().replaceAll(/[:.]/g, '-')}`);
    moveSides(path, target);
    log.error({ file, movedTo: basename(target) }, 'the write-ahead log of a database that is gone was moved aside');
  }

  #write(replaced: readonly Replaced[]): void {
    const path = join(this.#options.folder, REPLACED_FILE);
    if (replaced.length === 0) rmSync(path, { force: true });
    else writeDurably(path, replaced);
    this.#replaced = replaced;
  }
}

function writeDurably(path: string, content: readonly unknown[]): void {
  const temporary = `${path}.new`;
  writeFileSync(temporary, `${JSON.stringify(content, undefined, 2)}\n`, { mode: 0o600, flush: true });
  renameSync(temporary, path);
}

/** Of kortd's own making. One that cannot be read any more: whichever it was, all are looked at. */
function readSuspects(folder: string): ReadonlySet<string> {
  const path = join(folder, SUSPECT_FILE);
  if (!existsSync(path)) return new Set();
  try {
    return new Set(JSON.parse(readFileSync(path, 'utf8')) as readonly string[]);
  } catch {
    return new Set(KNOWN_DATABASES.map(({ file }) => file));
  }
}

function damagedProblem({ file, reason, at }: Replaced): HealthProblem {
  return {
    ...{ code: 'database_damaged', file, since: at },
    en: `${file} is damaged inside (${reason}), and what it holds there cannot be read. Start kortd anew: it moves the file aside then and keeps it. Before that, save what can be read: kortd audit export`,
    sv: `${file} är skadad inuti (${reason}), och det som finns där går inte att läsa. Starta om kortd: filen flyttas då undan och sparas. Spara först det som går att läsa: kortd audit export`,
  };
}

/** What SQLite keeps beside a database. */
const SIDES = ['-wal', '-shm', '-journal'] as const;

function moveSides(path: string, target: string): void {
  for (const suffix of SIDES) if (existsSync(`${path}${suffix}`)) renameSync(`${path}${suffix}`, `${target}${suffix}`);
}

/** Of kortd's own making: one that cannot be read any more says that something was lost, and not what. */
function readReplaced({ folder, now = () => new Date() }: DatabasesOptions): readonly Replaced[] {
  const path = join(folder, REPLACED_FILE);
  if (!existsSync(path)) return [];
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as readonly Replaced[];
  } catch {
    const reason = `${REPLACED_FILE}, which says what was replaced, cannot be read`;
    return [{ file: ISSUANCE_JOURNAL_FILE, reason, at: now().toISOString(), isRecorded: false }];
  }
}

function problemOf({ file, movedTo, reason, at }: Replaced): HealthProblem {
  const loss = KNOWN_DATABASES.find((known) => known.file === file)?.loss ?? { en: '', sv: '' };
  if (movedTo === undefined)
    return {
      ...{ code: 'database_discarded', file, since: at },
      en: `${file} was damaged (${reason}) and was thrown away. ${loss.en}`,
      sv: `${file} var skadad (${reason}) och har kastats. ${loss.sv}`,
    };
  return {
    ...{ code: 'database_replaced', file, since: at },
    en: `${file} was damaged (${reason}) and is kept as ${movedTo} in the data folder; a new one has begun. ${loss.en} When you have seen to it: kortd database acknowledge ${file}`,
    sv: `${file} var skadad (${reason}) och finns kvar som ${movedTo} i datamappen; en ny har påbörjats. ${loss.sv} När du har tagit hand om det: kortd database acknowledge ${file}`,
  };
}

function readOnlyIssuance(): HealthProblem {
  return {
    ...{ code: 'issuance_read_only', file: ISSUANCE_JOURNAL_FILE },
    en: `No ceremony is begun: the journal was lost. When you know what became of the open ones: kortd database acknowledge ${ISSUANCE_JOURNAL_FILE}`,
    sv: `Ingen ceremoni påbörjas: journalen gick förlorad. När du vet vad som hände med de öppna: kortd database acknowledge ${ISSUANCE_JOURNAL_FILE}`,
  };
}
