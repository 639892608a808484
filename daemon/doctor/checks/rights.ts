/** Who may read and write what: the service's user, the data folder and what is in it. */
import { join } from 'node:path';
import { findAccount, userName } from '../../service/accounts.ts';
import { defineCheck, type TypedReport } from '../check.ts';
import type { FileStatus, Look } from '../look.ts';
import { findServiceUnit } from '../../service/service-unit.ts';

const FAULTS = {
  data_file_foreign: {
    severity: 'error',
    en: 'A file in the data folder belongs to somebody else than the folder, mostly because kortd was once run as root: the daemon cannot write it.',
    sv: 'En fil i datamappen ägs av någon annan än mappen, oftast för att kortd någon gång har körts som root: tjänsten kan inte skriva i den.',
    command: 'sudo chown -R --reference={folder} {folder}',
  },
  data_file_open: {
    severity: 'error',
    en: 'A file in the data folder with secrets or records can be read or written by others.',
    sv: 'En fil i datamappen med hemligheter eller uppgifter kan läsas eller skrivas av andra.',
    command: 'chmod go= {file}',
  },
  data_folder_foreign: {
    severity: 'error',
    en: 'The data folder belongs to another user than the one that the service runs as.',
    sv: 'Datamappen ägs av en annan användare än den som tjänsten körs som.',
    command: 'sudo chown -R {user}: {folder}',
  },
  data_folder_open: {
    severity: 'error',
    en: 'The data folder, with the token that lets programs in, is open to others.',
    sv: 'Datamappen, med den nyckel som släpper in program, är öppen för andra.',
    command: 'chmod 0700 {folder}',
  },
  service_user_missing: {
    severity: 'error',
    en: 'The service is to run as a user that this computer does not have, so it cannot start.',
    sv: 'Tjänsten ska köras som en användare som inte finns på datorn, så den kan inte starta.',
    command: 'sudo systemd-sysusers || sudo useradd --system --home-dir /var/lib/kortd --shell /usr/sbin/nologin {user}',
  },
} as const;

type Fault = keyof typeof FAULTS;

/** What others may know: sockets have their own rules, and an authority is for everybody. */
const PRIVATE_FILE = /^(token|endpoint\.json|daemon\.lock|.*\.sqlite(-wal|-shm)?|.*\.key|.*key\.pem)$/;

export const rightsCheck = defineCheck({
  id: 'rights',
  title: { en: 'Who may read and write what', sv: 'Vem som får läsa och skriva vad' },
  faults: FAULTS,
  async look(look, report) {
    if (look.platform === 'win32') {
      report.unseen(
        { en: 'rights of files', sv: 'filers rättigheter' },
        { en: 'looked at on Linux and macOS alone', sv: 'undersöks bara på Linux och macOS' },
      );
      return;
    }
    const unit = await findServiceUnit(look);
    const account = unit && (await findAccount(look, unit.user));
    if (unit && !account && (await isUnknownUser(look, unit.user)))
      report.found('service_user_missing', `${unit.file}: User=${unit.user}`, { user: unit.user });
    const folder = await statusOf(look, look.dataFolder);
    if (!folder) return;
    reportFolder(look, folder, report);
    if (account && look.dataFolder === unit.dataFolder && folder.uid !== account.uid)
      report.found('data_folder_foreign', `${look.dataFolder} belongs to user ${folder.uid}`, {
        folder: look.dataFolder,
        user: account.name,
      });
    await reportFiles(look, folder, report);
  },
});

/** A directory service may know a user that the file does not. */
async function isUnknownUser(look: Look, user: string): Promise<boolean> {
  const ran = await look.run('getent', ['passwd', user]);
  return ran.state !== 'seen' || ran.value.status !== 0;
}

function reportFolder(look: Look, { mode }: FileStatus, report: TypedReport<Fault>): void {
  if ((mode & 0o077) === 0) return;
  report.found('data_folder_open', `${look.dataFolder} has mode ${octal(mode)}`, { folder: look.dataFolder });
}

async function reportFiles(look: Look, folder: FileStatus, report: TypedReport<Fault>): Promise<void> {
  const names = await listData(look);
  if (typeof names === 'string') {
    report.unseen({ en: `files in ${look.dataFolder}`, sv: `filer i ${look.dataFolder}` }, names);
    return;
  }
  for (const name of names) {
    const file = join(look.dataFolder, name);
    const status = await statusOf(look, file);
    if (!status) continue;
    if (status.uid !== folder.uid) {
      const [owner, folderOwner] = await Promise.all(
        [status.uid, folder.uid].map(async (uid) => (await userName(look, uid)) ?? String(uid)),
      );
      const evidence = `${file} belongs to ${owner ?? ''}, the folder to ${folderOwner ?? ''}`;
      report.found('data_file_foreign', evidence, { folder: look.dataFolder });
    }
    if (status.kind === 'file' && PRIVATE_FILE.test(name) && (status.mode & 0o077) !== 0)
      report.found('data_file_open', `${file} has mode ${octal(status.mode)}`, { file });
  }
}

async function listData(look: Look): Promise<readonly string[] | string> {
  const names = await look.list(look.dataFolder);
  if (names.state === 'seen') return names.value;
  return names.state === 'absent' ? [] : names.why;
}

async function statusOf(look: Look, path: string): Promise<FileStatus | undefined> {
  const status = await look.status(path);
  return status.state === 'seen' ? status.value : undefined;
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
