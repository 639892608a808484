/** A simulated vendor service with all that a driver needs beside it: its secret in a file, its pictures in a folder, and the options that name them. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BENCH_API_KEY, serveAuthentiscan } from './authentiscan/service.ts';
import { authentiscanBenchOptions, id365BenchOptions } from './bench-options.ts';
import { openCamera } from './camera.ts';
import { BENCH_CLIENT_SECRET, serve365id } from './id365/service.ts';
import { PICTURE_LIGHTS } from './page-pictures.ts';
import { serveRegula } from './regula/service.ts';
import { VENDOR_KINDS, type VendorKind } from './vendor-kinds.ts';
import type { SimulatedVendorService, VendorServerOptions } from './vendor-server.ts';

export { VENDOR_KINDS, type VendorKind };

export interface VendorBenchOptions extends VendorServerOptions {
  /** For the secret and the pictures. */
  readonly folder: string;
}

export interface VendorBench extends AsyncDisposable {
  readonly service: SimulatedVendorService;
  /** Of the driver, as the configuration of scanners has them. */
  readonly options: object;
}

type Open = (options: VendorBenchOptions) => Promise<{
  readonly service: SimulatedVendorService;
  readonly options: (paths: { readonly secretFile: string; readonly pictureFolder: string }) => object;
  readonly secret?: string;
  readonly hasCamera: boolean;
}>;

const OPENERS: Readonly<Record<VendorKind, Open>> = {
  authentiscan: async (own) => {
    const service = await serveAuthentiscan(own);
    return {
      service,
      options: ({ secretFile, pictureFolder }) => ({
        ...authentiscanBenchOptions(service.url, secretFile),
        ...{ pictureFolder, lights: PICTURE_LIGHTS },
      }),
      ...{ secret: BENCH_API_KEY, hasCamera: true },
    };
  },
  id365: async (own) => {
    const service = await serve365id(own);
    return {
      ...{ service, secret: BENCH_CLIENT_SECRET, hasCamera: false },
      options: ({ secretFile }) => id365BenchOptions(service.url, secretFile),
    };
  },
  regula: async (own) => {
    const service = await serveRegula(own);
    return {
      ...{ service, hasCamera: true },
      options: ({ pictureFolder }) => ({ url: service.url, pictureFolder, lights: PICTURE_LIGHTS }),
    };
  },
};

/** Throws SimulationFileError for a document that there is not. */
export async function openVendorBench(kind: VendorKind, options: VendorBenchOptions): Promise<VendorBench> {
  const { folder } = options;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const [secretFile, pictureFolder] = [join(folder, 'secret'), join(folder, 'pictures')];
  await using opened = new AsyncDisposableStack();
  const { service, secret, hasCamera, options: driverOptions } = await OPENERS[kind](options);
  opened.use(service);
  if (secret !== undefined) await writeFile(secretFile, `${secret}\n`, { mode: 0o600 });
  if (hasCamera) opened.use(await openCamera(pictureFolder, service));
  const resources = opened.move();
  return {
    service,
    options: driverOptions({ secretFile, pictureFolder }),
    [Symbol.asyncDispose]: async () => resources.disposeAsync(),
  };
}
