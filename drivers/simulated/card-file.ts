/** A card that outlives its process: its state in one file, replaced whole at each change, on the disk before the card answers. */
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SimulationFileError, withFile } from './errors.ts';

/** A saved card is smaller than this by far; a larger file is something else. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;

export interface CardFileOptions<S, C> {
  /** Throws for a text that is no state of such a card. */
  readonly parse: (text: string) => S;
  /** Makes the card, from the saved state where there is one. It saves what a command changed before it answers. */
  readonly create: (state: S | undefined, save: (state: S) => Promise<void>) => C;
}

/**
 * Opens the card kept in `path`, or makes one and keeps it there. Throws SimulationFileError for a file that holds no card; the file is then left as it is.
 * One process at a time: the last to write wins.
 */
export async function openCardFile<S, C extends { state(): S }>(
  path: string,
  { parse, create }: CardFileOptions<S, C>,
): Promise<C> {
  const save = (next: S): Promise<void> => replaceFile(path, `${JSON.stringify(next, undefined, 2)}\n`);
  try {
    const text = await readWhole(path);
    const card = create(text === undefined ? undefined : parse(text), save);
    if (text === undefined) await save(card.state());
    return card;
  } catch (error) {
    throw withFile(error, `opening the card in ${path}`, path);
  }
}

/** Undefined when there is none. */
async function readWhole(path: string): Promise<string | undefined> {
  try {
    await using file = await open(path, 'r');
    const { size } = await file.stat();
    if (size > MAX_FILE_BYTES) throw new SimulationFileError(`it has ${size} bytes, more than ${MAX_FILE_BYTES}`);
    return await file.readFile('utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
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
