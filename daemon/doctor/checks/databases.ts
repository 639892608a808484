/** The databases of the data folder: whole, of a version that this kortd knows, and none that had to be moved aside. Read, never written. */
import { join } from 'node:path';
import { defineCheck } from '../check.ts';
import { inspectDatabase } from '../database.ts';

const FAULTS = {
  database_corrupt: {
    severity: 'error',
    en: 'A database is damaged: kortd moves it aside when it starts, and does without what was in it.',
    sv: 'En databas är skadad: kortd flyttar undan den vid start och klarar sig utan innehållet.',
    command: 'sudo systemctl stop kortd.service && sudo cp -a {file} {file}.damaged && sudo systemctl start kortd.service',
  },
  database_moved_aside: {
    severity: 'warning',
    en: 'A database could not be used and was moved aside: what was in it is missing until somebody looks at it.',
    sv: 'En databas gick inte att använda och flyttades undan: det som fanns i den saknas tills någon har tittat på den.',
    command: 'kortd support-bundle  # then keep {file} elsewhere',
  },
  database_newer: {
    severity: 'error',
    en: 'A database was made by a later kortd, and this one does not open it: a downgrade is not possible.',
    sv: 'En databas har gjorts av en senare kortd, och denna öppnar den inte: det går inte att gå tillbaka till en äldre version.',
    command: 'sudo apt-get install --only-upgrade kortd',
  },
} as const;

/** The highest version of each that this kortd knows (PRAGMA user_version). Sorted by name. */
const VERSIONS: Readonly<Record<string, number>> = {
  'access.sqlite': 1,
  'audit.sqlite': 1,
  'cards.sqlite': 1,
  'issuance.sqlite': 1,
  'roles.sqlite': 1,
  'wrong-pins.sqlite': 1,
};

const MOVED_ASIDE = /\.sqlite.*[.-](corrupt|damaged|unusable|aside|broken)/;
const DATABASE = /\.sqlite$/;

export const databasesCheck = defineCheck({
  id: 'databases',
  title: { en: 'Databases of the data folder', sv: 'Datamappens databaser' },
  faults: FAULTS,
  async look(look, report) {
    const names = await look.list(look.dataFolder);
    if (names.state === 'forbidden' || names.state === 'failed') report.unseen('databases', names.why);
    if (names.state !== 'seen') return;
    const aside = names.value.filter((name) => MOVED_ASIDE.test(name) && !/-(wal|shm|journal)$/.test(name));
    for (const name of aside)
      report.found('database_moved_aside', join(look.dataFolder, name), { file: join(look.dataFolder, name) });
    const daemon = await look.daemon();
    for (const name of names.value.filter((each) => DATABASE.test(each))) {
      const file = join(look.dataFolder, name);
      const state = await inspectDatabase(file, { isInUse: daemon.state === 'running' || daemon.state === 'mute' });
      if ('unseen' in state) report.unseen(file, state.unseen);
      else if ('damage' in state) report.found('database_corrupt', `${file}: ${state.damage}`, { file });
      else if (state.version > (VERSIONS[name] ?? state.version))
        report.found('database_newer', `${file} is of version ${state.version}, this kortd knows ${VERSIONS[name] ?? 0}`);
    }
  },
});
