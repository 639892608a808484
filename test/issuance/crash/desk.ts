/** A desk with its daemon, in this process: what a crash leaves of it is in its folder and in the files of its cards. */
import { mkdirSync, writeFileSync, appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { startDaemon, type Daemon } from '../../../daemon/daemon.ts';
import type { Log } from '../../../daemon/log.ts';
import { SimulatedReader } from '../../../drivers/simulated/reader.ts';
import { createSimulatedSource } from '../../../drivers/simulated/source.ts';
import { OFFICE_RULES } from '../authority.ts';
import type { AuthorityProtocol } from './authority.ts';
import { CMP_CREDENTIALS } from './cmp-authority.ts';
import { cardKind, openPersonaFile, type CardKindId } from './cards.ts';
import { FaultyDesk, type Fault } from './faults.ts';

export const READERS = ['operator', 'secondOperator', 'holder', 'colleague'] as const;
export type ReaderRole = (typeof READERS)[number];

export interface DeskDescription {
  /** Holds `disk`, which may be filled, `cards`, and the log. */
  readonly folder: string;
  readonly card: CardKindId;
  /** The administrators' cards lie in their readers too. */
  readonly hasAdministrators: boolean;
  /** Of issuance: so much later than it is. */
  readonly lateMs: number;
  /** Whom the policy names. */
  readonly authority?: { readonly protocol: AuthorityProtocol; readonly url: string };
}

export interface DeskAddress {
  readonly url: string;
  readonly token: string;
}

export interface CrashDesk extends AsyncDisposable {
  readonly address: DeskAddress;
  readonly faults: FaultyDesk;
  /** Later than it is. */
  lateMs: number;
  arm(fault: Fault | undefined): void;
  /** The card that is issued, out of whatever reader it is in and into this one; resolves with its id when it is known. */
  put(reader: ReaderRole): Promise<string>;
  take(): void;
}

/** As the policy calls it. */
export const AUTHORITY_NAME = 'office';
const SETTLE_MS = 10_000;
const MUTE_TIMEOUT_MS = 60;

export function dataFolderOf(folder: string): string {
  return join(folder, 'disk', 'data');
}

export function logOf(folder: string): string {
  return join(folder, 'log.txt');
}

export function cardFileOf(folder: string, card: string): string {
  return join(folder, 'cards', `${card}.json`);
}

export async function openCrashDesk(description: DeskDescription): Promise<CrashDesk> {
  await using undo = new AsyncDisposableStack();
  const { folder, lateMs } = description;
  const clock = { lateMs };
  const readers = READERS.map(
    (role) =>
      new SimulatedReader({ name: `Office ${role} 00 00`, serialNumber: `OFFICE-${role}`, muteTimeoutMs: MUTE_TIMEOUT_MS }),
  );
  const reader = (role: ReaderRole): SimulatedReader => found(readers[READERS.indexOf(role)], `reader ${role}`);
  const kind = cardKind(description.card);
  const other = await kind.open(cardFileOf(folder, 'other'), 'other');
  const faults = new FaultyDesk(join(folder, 'disk'), () => reader('holder').insert(other));
  const card = faults.watched(await kind.open(cardFileOf(folder, 'reserve'), 'reserve'));
  reader('holder').insert(card);
  if (description.hasAdministrators) {
    reader('operator').insert(await openPersonaFile(cardFileOf(folder, 'anna'), 'anna'));
    reader('secondOperator').insert(await openPersonaFile(cardFileOf(folder, 'bjorn'), 'bjorn'));
  }
  const daemon = undo.use(
    await startDaemon({
      dataFolder: dataFolderOf(folder),
      policyFolder: writePolicy(description),
      port: 0,
      sources: [createSimulatedSource(readers)],
      simulated: true,
      log: fileLog(logOf(folder)),
      ...OFFICE_RULES,
      now: () => new Date(Date.now() + clock.lateMs),
      openJournalDatabase: faults.openDatabase,
    }),
  );
  await settled(daemon, description.hasAdministrators ? 3 : 1);
  const take = (): void => {
    for (const one of [reader('holder'), reader('colleague')]) one.remove();
  };
  const resources = undo.move();
  return {
    address: { url: daemon.url, token: daemon.token },
    faults,
    get lateMs() {
      return clock.lateMs;
    },
    set lateMs(value) {
      clock.lateMs = value;
    },
    arm: (fault) => {
      faults.arm(fault?.kind === 'pull' || fault?.kind === 'reset' ? undefined : fault);
      if (fault?.kind !== 'pull' && fault?.kind !== 'reset') return;
      const { kind: what, number: at, when } = fault;
      reader('holder').arm([{ kind: what, at, phase: when === 'after' ? 'after' : 'before' }]);
    },
    put: async (role) => {
      reader('holder').disarm();
      take();
      const known = new Set(daemon.desk.cards.map(({ id }) => id));
      reader(role).insert(card);
      return await eventually('identifying the card', () =>
        daemon.desk.cards.find(
          ({ id, reader: its, status }) => !known.has(id) && its.name === reader(role).name && status === 'ready',
        ),
      ).then(({ id }) => id);
    },
    take,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

function writePolicy({ folder, authority }: DeskDescription): string {
  const policyFolder = join(folder, 'policy.d');
  mkdirSync(policyFolder, { recursive: true });
  const roles = Object.fromEntries(READERS.map((role) => [role, { reader: { serialNumber: `OFFICE-${role}` } }]));
  const credentials = join(folder, 'credentials');
  writeFileSync(credentials, CMP_CREDENTIALS, { mode: 0o600 });
  const secret = authority?.protocol === 'cmp' ? { credentials } : {};
  const authorities = authority ? [{ name: AUTHORITY_NAME, ...authority, ...secret }] : [];
  writeFileSync(join(policyFolder, 'policy.json'), JSON.stringify({ roles, issuance: { authorities } }), { mode: 0o600 });
  return policyFolder;
}

async function settled({ desk }: Daemon, cards: number): Promise<void> {
  await eventually(
    'identifying the cards',
    () => (desk.cards.length === cards && desk.cards.every(({ status }) => status !== 'identifying')) || undefined,
  );
}

async function eventually<T>(what: string, look: () => T | undefined): Promise<T> {
  const end = performance.now() + SETTLE_MS;
  for (;;) {
    const seen = look();
    if (seen !== undefined) return seen;
    if (performance.now() > end) throw new Error(`${what}: not within ${SETTLE_MS} ms`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Everything that the daemon says, to be searched for what it must not say. */
function fileLog(path: string): Log {
  const write =
    (level: string) =>
    (fields: object, message: string): void => {
      const texts = Object.entries(fields).map(([name, value]: [string, unknown]) => [
        name,
        value instanceof Error ? textOf(value) : value,
      ]);
      appendFileSync(path, `${level} ${message} ${JSON.stringify(Object.fromEntries(texts))}\n`, { mode: 0o600 });
    };
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}

function textOf(error: Error): string {
  const cause = error.cause instanceof Error ? `; ${textOf(error.cause)}` : '';
  return `${error.stack ?? error.message}${cause}`;
}

function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`there is no ${what}`);
  return value;
}
