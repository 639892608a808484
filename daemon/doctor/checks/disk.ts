/** Room on the disk of the data folder: every act is on the disk before its answer, so a full disk stops the desk. */
import { dirname } from 'node:path';
import { defineCheck } from '../check.ts';
import type { DiskSpace, Look, Seen } from '../look.ts';

const FAULTS = {
  disk_filling: {
    severity: 'warning',
    en: 'The disk of the data folder is nearly full.',
    sv: 'Disken med datamappen är nästan full.',
    command: 'df -h {folder} && sudo journalctl --vacuum-size=200M',
  },
  disk_full: {
    severity: 'error',
    en: 'The disk of the data folder is full: kortd cannot write its records, and refuses what it cannot record.',
    sv: 'Disken med datamappen är full: kortd kan inte skriva sina uppgifter och nekar det som inte kan antecknas.',
    command: 'df -h {folder} && sudo journalctl --vacuum-size=200M',
  },
  inodes_used_up: {
    severity: 'error',
    en: 'The file system of the data folder can hold no more files, though it may have room.',
    sv: 'Filsystemet med datamappen rymmer inga fler filer, även om det finns plats.',
    command: 'df -i {folder}',
  },
} as const;

/** A day's records of a busy desk are a few megabytes. */
const FULL_BYTES = 20 * 1_048_576;
const FILLING_BYTES = 200 * 1_048_576;
const FEW_INODES = 100;

export const diskCheck = defineCheck({
  id: 'disk',
  title: { en: 'Room on the disk', sv: 'Plats på disken' },
  faults: FAULTS,
  async look(look, report) {
    const space = await spaceNear(look, look.dataFolder);
    if (space.state !== 'seen') {
      report.unseen(
        { en: `room at ${look.dataFolder}`, sv: `utrymmet vid ${look.dataFolder}` },
        space.state === 'absent' ? { en: 'it is not there', sv: 'den finns inte' } : space.why,
      );
      return;
    }
    const { freeBytes, freeInodes } = space.value;
    const free = Math.floor(freeBytes / 1_048_576);
    const evidence = { en: `${look.dataFolder}: ${free} MB free`, sv: `${look.dataFolder}: ${free} MB ledigt` };
    const places = { folder: look.dataFolder };
    if (freeBytes < FULL_BYTES) report.found('disk_full', evidence, places);
    else if (freeBytes < FILLING_BYTES) report.found('disk_filling', evidence, places);
    if (freeInodes !== undefined && freeInodes < FEW_INODES)
      report.found(
        'inodes_used_up',
        { en: `${look.dataFolder}: ${freeInodes} files left`, sv: `${look.dataFolder}: ${freeInodes} filer kvar` },
        places,
      );
  },
});

/** Of the folder that it will be made in, where it is not there yet. */
async function spaceNear(look: Look, folder: string): Promise<Seen<DiskSpace>> {
  const space = await look.space(folder);
  return space.state === 'absent' && dirname(folder) !== folder ? spaceNear(look, dirname(folder)) : space;
}
