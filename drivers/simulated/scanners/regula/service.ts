/**
 * A service in the shape of Regula's Document Reader Web Service (public description of its API, version 8.1.0; index.yml, p-process.yml, p-healthcheck.yml,
 * p-ping.yml). It knows the documents of the simulated desk by the marks in their pictures, and judges them by the defects that were ordered.
 */
import { randomUUID } from 'node:crypto';
import { takePictures, readMark, type PictureLight } from '../page-pictures.ts';
import { printDocument } from '../printed-document.ts';
import {
  serveVendor,
  type ServedCall,
  type SimulatedVendorService,
  type VendorReply,
  type VendorServerOptions,
} from '../vendor-server.ts';
import { containersOf, type SeenPicture } from './containers.ts';

export interface SimulatedRegula extends SimulatedVendorService {
  /** What a camera over the scanner's glass gives; nothing while it is empty. */
  takePictures(lights: readonly PictureLight[]): readonly { readonly light: PictureLight; readonly bytes: Uint8Array }[];
}

const VERSION = '8.1.297907.1721';
const LICENCE_ID = '00000000-0000-4000-8000-000000000007';
const LICENCE_VALID_UNTIL = '2039-12-31T23:59:59Z';
/** Numbers of light schemes (common.yml, Light), as this service tells the pictures of the desk apart. */
const LIGHT_NUMBERS: Readonly<Record<PictureLight, number>> = { white: 6, ir: 24, uv: 128, axial: 3072 };
/** p-process.yml, ProcessingStatus. */
const FINISHED = 1;
const BY_TIMEOUT = 2;

export async function serveRegula(options: VendorServerOptions = {}): Promise<SimulatedRegula> {
  const service = await serveVendor(
    () => ({
      'GET /api/ping': ({ now }) => ({
        body: {
          ...{ 'app-name': 'Simulated Document Reader', version: VERSION, 'license-id': LICENCE_ID, 'license-serial': 'OL00007' },
          ...{ 'valid-until': LICENCE_VALID_UNTIL, 'server-time': now.toISOString() },
        },
      }),
      'GET /api/healthz': () => ({ body: HEALTH }),
      'GET /api/readyz': () => ({ body: {} }),
      'POST /api/process': process,
    }),
    options,
  );
  const camera = {
    takePictures: (lights: readonly PictureLight[]) =>
      service.document ? takePictures(service.document, lights).map(({ light, png }) => ({ light, bytes: png })) : [],
  };
  return Object.assign(service, camera);
}

const HEALTH = {
  ...{ app: 'Simulated Document Reader', licenseId: LICENCE_ID, licenseType: 'Transactional', licenseSerial: 'OL00007' },
  ...{ licenseValidUntil: LICENCE_VALID_UNTIL, scenarios: ['Mrz', 'FullProcess', 'FullAuth'], version: VERSION },
  documentsDatabase: { id: 'Simulated', version: '1', exportDate: '2026-01-01', description: 'Documents of the simulated desk' },
};

interface ProcessRequest {
  readonly processParam: {
    readonly scenario: string;
    readonly dateFormat?: string;
    readonly resultTypeOutput?: readonly number[];
  };
  readonly List: readonly {
    readonly ImageData: { readonly image: string };
    readonly light: number;
    readonly page_idx?: number;
  }[];
}

function process({ request, fault, now }: ServedCall): VendorReply {
  const asked = parseRequest(request.body);
  if (!asked) return { status: 400, body: { error: 'processParam.scenario and List[].ImageData.image are needed' } };
  const pictures = asked.List.flatMap((row): readonly SeenPicture[] => {
    const bytes = Buffer.from(row.ImageData.image, 'base64');
    const mark = readMark(bytes);
    // Taken under another light than is claimed: what the service makes of that is its own affair; this one sees no document in it.
    return mark && LIGHT_NUMBERS[mark.light] === row.light ? [{ mark, light: row.light, bytes }] : [];
  });
  const [first] = pictures;
  const document = first ? printDocument(first.mark.page) : undefined;
  const containers = containersOf({ document, pictures, fault, now, dateFormat: asked.processParam.dateFormat ?? 'M/d/yyyy' });
  const wanted = asked.processParam.resultTypeOutput;
  const List = containers.filter(
    ({ result_type }) => wanted === undefined || wanted.length === 0 || wanted.includes(result_type),
  );
  return {
    body: {
      ChipPage: document ? 1 : 0,
      ContainerList: { Count: List.length, List },
      CoreLibResultCode: 0,
      ProcessingFinished: fault === 'unfinished' ? BY_TIMEOUT : FINISHED,
      TransactionInfo: { ComputerName: 'simulated', DateTime: now.toISOString(), TransactionID: randomUUID(), Version: VERSION },
      elapsedTime: 12,
      morePagesAvailable: 0,
    },
  };
}

function parseRequest(body: unknown): ProcessRequest | undefined {
  if (typeof body !== 'object' || body === null || !('processParam' in body) || !('List' in body)) return undefined;
  const { processParam, List } = body;
  const hasScenario = typeof processParam === 'object' && processParam !== null && 'scenario' in processParam;
  if (!hasScenario || !Array.isArray(List) || !List.every(isPicture)) return undefined;
  return body as ProcessRequest;
}

function isPicture(row: unknown): boolean {
  if (typeof row !== 'object' || row === null || !('ImageData' in row)) return false;
  const { ImageData } = row;
  return typeof ImageData === 'object' && ImageData !== null && 'image' in ImageData && typeof ImageData.image === 'string';
}
