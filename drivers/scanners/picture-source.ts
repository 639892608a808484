/**
 * Where a service that only judges gets its pictures from, when the caller has none: a camera of the desk, or a folder into which the vendor's own program puts them,
 * one file for each light ("white.jpg", "ir.png"). What was taken from the folder is deleted: pictures of documents do not lie about.
 */
import { lstat, readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ScanLight } from '../../api-spec/scan/report.ts';
import { DeviceProtocolError, ServiceUnavailableError } from '../errors.ts';
import type { DriverImage, ScanOptions } from './driver.ts';

export interface PictureRequest {
  readonly lights: readonly ScanLight[];
  readonly signal: AbortSignal;
}

export interface PictureSource {
  /** What it can take. */
  readonly lights: readonly ScanLight[];
  /** Waits for a document. Throws errors of `drivers/errors.ts`, and the signal's reason. */
  take(request: PictureRequest): Promise<readonly DriverImage[]>;
}

export interface PictureFolderOptions {
  /** What errors name. */
  readonly device: string;
  readonly folder: string;
  /** A set is whole when there is one of each. */
  readonly lights: readonly ScanLight[];
  readonly pollMs?: number;
}

const POLL_MS = 200;
const MAX_PICTURE_BYTES = 16 * 1024 * 1024;
const MAX_NAMES = 1_000;
const ENDINGS = /^(bmp|jp2|jpeg|jpg|png)$/;

export function pictureFolder({ device, folder, lights, pollMs = POLL_MS }: PictureFolderOptions): PictureSource {
  return {
    lights,
    async take({ lights: wanted, signal }) {
      let before = '';
      for (;;) {
        signal.throwIfAborted();
        const files = await findSet(folder, device, wanted);
        const sizes = files.map(({ name, size }) => `${name} ${size}`).join();
        // Written out: of the same size at two looks.
        if (files.length === wanted.length && sizes === before) return await takeAll(files, folder, device);
        before = sizes;
        await delay(pollMs, undefined, { signal }).catch(() => undefined);
      }
    },
  };
}

interface FoundFile {
  readonly name: string;
  readonly light: ScanLight;
  readonly size: number;
}

async function findSet(folder: string, device: string, wanted: readonly ScanLight[]): Promise<readonly FoundFile[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new ServiceUnavailableError(
      `looking into the folder of pictures: it cannot be read (${code})`,
      { device },
      { cause: error },
    );
  });
  const found: FoundFile[] = [];
  for (const name of names.slice(0, MAX_NAMES)) {
    const [stem = '', ending = '', ...more] = name.split('.');
    const light = wanted.find((each) => each.toLowerCase() === stem.toLowerCase());
    if (light === undefined || more.length > 0 || !ENDINGS.test(ending.toLowerCase())) continue;
    const status = await lstat(join(folder, name)).catch(() => undefined);
    if (status?.isFile() && status.size > 0 && !found.some((other) => other.light === light))
      found.push({ name, light, size: status.size });
  }
  return found;
}

async function takeAll(files: readonly FoundFile[], folder: string, device: string): Promise<readonly DriverImage[]> {
  const images: DriverImage[] = [];
  let tooLarge = false;
  for (const { name, light, size } of files) {
    const path = join(folder, name);
    if (size > MAX_PICTURE_BYTES) tooLarge = true;
    else images.push({ id: `page-0-${light}`, kind: 'page', page: 0, light, bytes: new Uint8Array(await readFile(path)) });
    await rm(path, { force: true });
  }
  if (tooLarge)
    throw new DeviceProtocolError(`taking pictures from the folder: one is larger than ${MAX_PICTURE_BYTES} bytes`, { device });
  return images;
}

/** Of the lights that are asked for, those that there are. Throws DeviceProtocolError when there is nowhere to take them from. */
export async function takePictures(
  { lights, signal, onProgress }: ScanOptions,
  source: PictureSource | undefined,
  device: string,
): Promise<readonly DriverImage[]> {
  if (!source)
    throw new DeviceProtocolError('looking for pictures of the document: the caller gave none, and no folder is configured', {
      ...{ device, driverCode: 'pictures_missing' },
    });
  onProgress({ stage: 'waiting' });
  const wanted = lights ? source.lights.filter((light) => lights.includes(light)) : source.lights;
  const pictures = await source.take({ lights: wanted, signal });
  for (const { light } of pictures) onProgress({ stage: 'capturing', light });
  return pictures;
}
