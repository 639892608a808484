/** A PKCS #15 card that outlives its process: its state in one file, replaced whole at each change, on the disk before the card answers. */
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SimulationFileError, withFile } from '../../errors.ts';
import { parseChecked } from '../../schema.ts';
import { createEidCard, type EidCardOptions, type SimulatedEidCard } from './card.ts';
import { eidCardStateSchema } from './schema.ts';
import type { EidCardState } from './state.ts';

/** A saved card is smaller than this by far; a larger file is something else. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;

/**
 * Opens the card kept in `path`, or makes one of `options` and keeps it there. Throws SimulationFileError for a file that holds no card; the file is
 * then left as it is. One process at a time: the last to write wins.
 */
export async function openEidCardFile(
  path: string,
  options: Omit<EidCardOptions, 'state' | 'save'> = {},
): Promise<SimulatedEidCard> {
  const state = await readState(path);
  const save = (next: EidCardState): Promise<void> => replaceFile(path, `${JSON.stringify(next, undefined, 2)}\n`);
  try {
    const card = createEidCard({ ...options, ...(state ? { state } : {}), save });
    if (!state) await save(card.state());
    return card;
  } catch (error) {
    throw withFile(error, `opening the card in ${path}`, path);
  }
}

async function readState(path: string): Promise<EidCardState | undefined> {
  try {
    return parseChecked(eidCardStateSchema, await readWhole(path));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw withFile(error, `opening the card in ${path}`, path);
  }
}

async function readWhole(path: string): Promise<string> {
  await using file = await open(path, 'r');
  const { size } = await file.stat();
  if (size > MAX_FILE_BYTES) throw new SimulationFileError(`it has ${size} bytes, more than ${MAX_FILE_BYTES}`);
  return await file.readFile('utf8');
}

/** Written aside, synchronised, then renamed over the old one: after a power cut there is the old state or the new. Readable by its owner alone. */
async function replaceFile(path: string, text: string): Promise<void> {
  const aside = `${path}.new`;
  try {
    const file = await open(aside, 'w', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(aside, path);
  } catch (error) {
    await rm(aside, { force: true });
    throw error;
  }
  await syncDirectory(dirname(path));
}

/** Makes the rename itself durable; Windows neither needs nor allows it. */
async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  await using directory = await open(path, 'r');
  await directory.sync();
}
