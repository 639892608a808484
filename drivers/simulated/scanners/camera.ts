/**
 * The camera of a scanner whose vendor's own program puts pictures into a folder: as long as a document lies in the simulated service there is one picture of it for each
 * light, and a new set when the last one was taken away.
 */
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PICTURE_LIGHTS, takePictures } from './page-pictures.ts';
import type { SimulatedVendorService } from './vendor-server.ts';

const LOOK_EVERY_MS = 100;

/** The folder is made, for its owner alone. */
export async function openCamera(folder: string, service: Pick<SimulatedVendorService, 'document'>): Promise<AsyncDisposable> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  let stopped = false;
  let taken = '';
  let working: Promise<void> = Promise.resolve();
  const look = async (): Promise<void> => {
    const lying = JSON.stringify(service.document ?? null);
    const names = await readdir(folder);
    if (lying !== taken) for (const name of names) await rm(join(folder, name), { force: true });
    else if (names.length > 0) return;
    taken = lying;
    if (!service.document) return;
    for (const { light, png } of takePictures(service.document, PICTURE_LIGHTS)) {
      const temporary = join(folder, `.${light}.new`);
      await writeFile(temporary, png, { mode: 0o600 });
      await rename(temporary, join(folder, `${light}.png`));
    }
  };
  const timer = setInterval(() => {
    working = working.then(async () => (stopped ? undefined : look())).catch(() => undefined);
  }, LOOK_EVERY_MS).unref();
  await look();
  return {
    async [Symbol.asyncDispose]() {
      stopped = true;
      clearInterval(timer);
      await working;
    },
  };
}
