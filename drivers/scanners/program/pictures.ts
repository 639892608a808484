/** Pictures that a vendor's program put into its folder: plain files of plain names, read whole and taken away. */
import { constants } from 'node:fs';
import { lstat, open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { IMAGE_BYTES, MAX_IMAGES } from '../accept.ts';
import type { DriverImage } from '../driver.ts';
import type { Message } from './lines.ts';

/** No folder, nothing hidden, no way out. */
const FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const NO_FOLLOW = process.platform === 'win32' ? 0 : constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Throws Error, in one line, for what is no such file. What it says of itself is looked at by `accept.ts`. */
export async function takePicture(folder: string, said: unknown): Promise<DriverImage> {
  const { file, ...rest } = (typeof said === 'object' && said !== null ? said : {}) as Message;
  if (typeof file !== 'string' || !FILE_NAME.test(file)) throw new Error('the file of a picture has no plain name');
  const path = join(folder, file);
  const status = await lstat(path).catch(() => undefined);
  if (!status?.isFile()) throw new Error(`${file} is no plain file`);
  await using handle = await open(path, constants.O_RDONLY | NO_FOLLOW);
  const { size } = await handle.stat();
  if (size > IMAGE_BYTES) throw new Error(`${file} is larger than ${IMAGE_BYTES} bytes`);
  const bytes = new Uint8Array(await handle.readFile());
  await rm(path, { force: true });
  return { ...rest, bytes } as unknown as DriverImage;
}

/** For the program to read; gives what it is told of them. */
export async function givePictures(folder: string, images: readonly DriverImage[]): Promise<readonly object[]> {
  return await Promise.all(
    images.slice(0, MAX_IMAGES).map(async ({ bytes, ...rest }, index) => {
      const file = `given-${index}`;
      await writeFile(join(folder, file), bytes, { mode: 0o600 });
      return { ...rest, file };
    }),
  );
}
