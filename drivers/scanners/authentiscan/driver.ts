/**
 * An AuthentiScan-style service as a scanner: it is sent pictures of the document, and answers what it thinks of them. That there is a web interface, and what it looks
 * at, is public (Keesing's pages); the interface itself is not, so all of it is configuration. Nothing here was tried against the service.
 */
import type { DriverScan, ScanOptions, ScannerDriver } from '../driver.ts';
import { pictureFolder, takePictures, type PictureSource } from '../picture-source.ts';
import { createServiceDriver } from '../service-driver.ts';
import { VendorClient } from '../vendor-http.ts';
import { readMapped } from '../vendor-mapping.ts';
import { readConfigured, serviceOptions } from '../vendor-options.ts';
import { asker, requireSuccess, runTransaction, type Ask } from '../vendor-transaction.ts';
import type { AuthentiscanOptions } from './options.ts';

const DEFAULT_LIGHTS = ['white', 'ir', 'uv'] as const;
const HEALTH = 'asking the service how it is';

/** Throws DeviceError for an address or a file that cannot be used. */
export function openAuthentiscanDriver(name: string, options: AuthentiscanOptions): ScannerDriver {
  const { credential, pictureFolder: folder, lights = DEFAULT_LIGHTS, healthRoute } = options;
  const { file, header = 'authorization', prefix = 'Bearer ' } = credential;
  const ask = asker(new VendorClient(serviceOptions(name, options)), () => ({
    [header]: prefix + readConfigured(file, { device: name, isSecret: true }),
  }));
  const source = folder === undefined ? undefined : pictureFolder({ device: name, folder, lights });
  return createServiceDriver({
    ...{ name, kind: 'authentiscan', model: 'AuthentiScan' },
    abilities: {
      mrz: options.answer.mrz !== undefined,
      lights: source?.lights ?? [],
      chip: false,
      takesImages: true,
      verdicts: true,
    },
    scan: async (scan) => runScan(scan, { name, options, ask, source }),
    ask: async (signal) => {
      if (healthRoute !== undefined)
        requireSuccess(await ask({ method: 'GET', path: healthRoute, attempt: HEALTH, signal }), name, HEALTH);
      return {};
    },
  });
}

interface Authentiscan {
  readonly name: string;
  readonly options: AuthentiscanOptions;
  readonly ask: Ask;
  readonly source: PictureSource | undefined;
}

async function runScan(scan: ScanOptions, { name, options, ask, source }: Authentiscan): Promise<DriverScan> {
  const { signal, onProgress } = scan;
  const images = scan.images.length > 0 ? scan.images : await takePictures(scan, source, name);
  onProgress({ stage: 'verifying' });
  const onWaiting = (): void => onProgress({ stage: 'verifying' });
  const answer = await runTransaction(options.transaction, { device: name, ask, images, signal, onWaiting });
  const read = readMapped(answer.value, options.answer, { format: 'authentiscan', given: images });
  return { ...read, raw: { mediaType: 'application/json', bytes: answer.bytes } };
}
