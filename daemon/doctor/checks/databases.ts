/** The databases of the data folder: whole, of a version that this kortd knows, and none that had to be moved aside. Read, never written. */
import { join } from 'node:path';
import { KNOWN_DATABASES } from '../../databases/known.ts';
import { defineCheck } from '../check.ts';
import { inspectDatabase } from '../database.ts';

const FAULTS = {
  database_corrupt: {
    severity: 'error',
    en: 'A database is damaged: kortd moves it aside when it starts, and does without what was in it.',
    sv: 'En databas är skadad: kortd flyttar undan den vid start och klarar sig utan innehållet.',
    command: 'sudo systemctl stop kortd.service && sudo cp -a {file} {file}.damaged && sudo systemctl start kortd.service',
  },
  database_kept_aside: {
    severity: 'info',
    en: 'A damaged database that was moved aside is still kept; its loss was acknowledged.',
    sv: 'En skadad databas som flyttades undan finns kvar; förlusten har bekräftats.',
    command: '# Keep {file} elsewhere as long as it may be wanted, then: rm {file}',
  },
  database_moved_aside: {
    severity: 'warning',
    en: 'A database could not be used and was moved aside: what was in it is missing until somebody looks at it.',
    sv: 'En databas gick inte att använda och flyttades undan: det som fanns i den saknas tills någon har tittat på den.',
    command: 'kortd database list && kortd database acknowledge {database}',
  },
  database_newer: {
    severity: 'error',
    en: 'A database was made by a later kortd, and this one does not open it: a downgrade is not possible.',
    sv: 'En databas har gjorts av en senare kortd, och denna öppnar den inte: det går inte att gå tillbaka till en äldre version.',
    command: 'sudo apt-get install --only-upgrade kortd',
  },
} as const;

/** The highest version of each that this kortd knows (PRAGMA user_version). */
const VERSIONS: Readonly<Record<string, number>> = Object.fromEntries(
  KNOWN_DATABASES.map(({ file, options }) => [file, options.version ?? 1]),
);

const MOVED_ASIDE = /\.sqlite.*[.-](corrupt|damaged|unusable|aside|broken)/;
/** Of what was moved aside that nobody has acknowledged. */
const REPLACED_FILE = 'replaced-databases.json';
const DATABASE = /\.sqlite$/;

export const databasesCheck = defineCheck({
  id: 'databases',
  title: { en: 'Databases of the data folder', sv: 'Datamappens databaser' },
  faults: FAULTS,
  async look(look, report) {
    const names = await look.list(look.dataFolder);
    if (names.state === 'forbidden' || names.state === 'failed')
      report.unseen({ en: 'the databases', sv: 'databaserna' }, names.why);
    if (names.state !== 'seen') return;
    const aside = names.value.filter((name) => MOVED_ASIDE.test(name) && !/-(wal|shm|journal)$/.test(name));
    const listed = await look.readText(join(look.dataFolder, REPLACED_FILE));
    for (const name of aside) {
      const isUnknown = listed.state === 'seen' && listed.value.includes(JSON.stringify(name));
      const file = join(look.dataFolder, name);
      report.found(isUnknown ? 'database_moved_aside' : 'database_kept_aside', file, {
        file,
        database: name.replace(/(\.sqlite).*/, '$1'),
      });
    }
    const daemon = await look.daemon();
    for (const name of names.value.filter((each) => DATABASE.test(each))) {
      const file = join(look.dataFolder, name);
      const state = await inspectDatabase(file, { isInUse: daemon.state === 'running' || daemon.state === 'mute' });
      if ('unseen' in state) report.unseen(file, state.unseen);
      else if ('damage' in state) report.found('database_corrupt', `${file}: ${state.damage}`, { file });
      else if (state.version > (VERSIONS[name] ?? state.version))
        report.found('database_newer', {
          en: `${file} is of version ${state.version}, this kortd knows ${VERSIONS[name] ?? 0}`,
          sv: `${file} har version ${state.version}, denna kortd kan ${VERSIONS[name] ?? 0}`,
        });
    }
  },
});
