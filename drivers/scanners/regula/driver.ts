/**
 * Regula's Document Reader Web Service as a scanner: it judges pictures that the caller gives, or that come from a folder or a camera of the desk. The service runs on
 * the customer's own machine under the customer's licence; how Regula's scanners take pictures is not part of it. Confirmed is what the public API description
 * says (constants.ts names it); no service of theirs was at hand.
 */
import { DeviceProtocolError } from '../../errors.ts';
import {
  LicenceError,
  type DriverImage,
  type DriverScan,
  type ScanOptions,
  type ScannerDriver,
  type ScannerHealth,
} from '../driver.ts';
import { pictureFolder, takePictures, type PictureSource } from '../picture-source.ts';
import { createServiceDriver } from '../service-driver.ts';
import { serviceOptions } from '../vendor-options.ts';
import { VendorClient, type VendorAnswer } from '../vendor-http.ts';
import { textOf, under } from '../vendor-json.ts';
import type { RegulaOptions } from './options.ts';
import { WANTED_RESULTS, lightNumber } from './constants.ts';
import { rawOf, readAnswer } from './report.ts';

const DEFAULT_LIGHTS = ['white', 'ir', 'uv', 'axial'] as const;
const MAX_GIVEN = 16;

/** Throws DeviceError for an address or a file that cannot be used. */
export function openRegulaDriver(name: string, options: RegulaOptions): ScannerDriver {
  const { pictureFolder: folder, lights = DEFAULT_LIGHTS } = options;
  const client = new VendorClient(serviceOptions(name, options));
  const source = folder === undefined ? undefined : pictureFolder({ device: name, folder, lights });
  return createServiceDriver({
    ...{ name, kind: 'regula', model: 'Regula Document Reader' },
    abilities: { mrz: true, lights: source?.lights ?? [], chip: false, takesImages: true, verdicts: true },
    scan: async (scan) => runScan(scan, { name, client, source, options }),
    ask: async (signal) => askHealth(client, name, signal),
  });
}

interface Regula {
  readonly name: string;
  readonly client: VendorClient;
  readonly source: PictureSource | undefined;
  readonly options: RegulaOptions;
}

async function runScan(scan: ScanOptions, { name: device, client, source, options }: Regula): Promise<DriverScan> {
  const { signal, onProgress } = scan;
  const given = scan.images.length > 0 ? scan.images : await takePictures(scan, source, device);
  onProgress({ stage: 'verifying' });
  const answer = await client.ask({
    method: 'POST',
    path: 'api/process',
    attempt: 'having the document looked at',
    body: requestOf(given.slice(0, MAX_GIVEN), options.scenario ?? 'FullAuth'),
    // It keeps nothing of a call, and judges the same pictures again.
    isIdempotent: true,
    signal,
  });
  requireSuccess(answer, device, 'having the document looked at');
  const read = readAnswer(answer.value, given);
  if (!read)
    throw new DeviceProtocolError('having the document looked at: the answer is none of this service', {
      ...{ device, driverCode: 'answer_invalid' },
    });
  return { ...read, raw: rawOf(answer.bytes) };
}

/** p-process.yml, ProcessRequest and ProcessParams. Dates come as kortd writes them, and the service leaves personal data out of its log. */
function requestOf(images: readonly DriverImage[], scenario: string): object {
  return {
    processParam: {
      scenario,
      resultTypeOutput: WANTED_RESULTS,
      dateFormat: 'yyyy-MM-dd',
      depersonalizeLog: true,
      log: false,
      bsiTr03135: { generateResult: true },
    },
    List: images.map(({ bytes, light, page }) => ({
      ImageData: { image: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64') },
      light: lightNumber(light) ?? 0,
      page_idx: page,
    })),
  };
}

/** p-healthcheck.yml; services from before it have p-ping.yml alone. */
async function askHealth(
  client: VendorClient,
  device: string,
  signal: AbortSignal,
): Promise<Pick<ScannerHealth, 'licenceValidUntil' | 'version'>> {
  const attempt = 'asking the service how it is';
  const asked = await client.ask({ method: 'GET', path: 'api/healthz', attempt, signal });
  const answer = asked.status === 404 ? await client.ask({ method: 'GET', path: 'api/ping', attempt, signal }) : asked;
  requireSuccess(answer, device, attempt);
  const version = textOf(under(answer.value, 'version'), 64);
  const until = textOf(under(answer.value, 'licenseValidUntil') ?? under(answer.value, 'valid-until'), 40);
  return { ...(version === undefined ? {} : { version }), ...(until === undefined ? {} : { licenceValidUntil: until }) };
}

/** p-process.yml: 403 is a licence that is not valid, 400 a request that is not understood. */
function requireSuccess({ status }: VendorAnswer, device: string, attempt: string): void {
  if (status >= 200 && status < 300) return;
  if (status === 403)
    throw new LicenceError(`${attempt}: the service has no valid licence`, { device, driverCode: 'licence_refused' });
  throw new DeviceProtocolError(`${attempt}: the service answered ${status}`, { device, driverCode: `status_${status}` });
}
