/**
 * A service in the style of Keesing's AuthentiScan: it is sent pictures and answers findings. Nothing of the real interface is public, so everything here is invented,
 * and stands for whatever the customer's papers say: a driver must be told all of it by its configuration.
 */
import { randomUUID } from 'node:crypto';
import { formatBase64 } from '../../bytes.ts';
import { findFeatures, sumOf, type Feature, type Finding } from '../features.ts';
import { readMark, type PictureLight } from '../page-pictures.ts';
import { printDocument, type PrintedDocument } from '../printed-document.ts';
import {
  serveVendor,
  type ServedCall,
  type SimulatedVendorService,
  type VendorReply,
  type VendorServerOptions,
} from '../vendor-server.ts';

/** Public: trust nothing that it protects. */
export const BENCH_API_KEY = 'bench-key-of-authentiscan';

const FEATURES: Readonly<Record<Feature['feature'], string>> = {
  ...{ paper: 'PAPER_UV', ink: 'INK_IR', fibres: 'FIBRES_UV', laminate: 'LAMINATE', photo: 'PHOTO', cancellation: 'CANCELLED' },
  ...{ copy: 'COPY', name: 'NAME', 'check digits': 'CHECK_DIGITS', expiry: 'EXPIRY' },
};
const STATUSES: Readonly<Record<Finding, string>> = { good: 'PASS', bad: 'FAIL', unsure: 'INCONCLUSIVE', 'not done': 'SKIPPED' };
const OUTCOMES: Readonly<Record<Finding, string>> = { good: 'ACCEPT', bad: 'REJECT', unsure: 'REFER', 'not done': 'REFER' };
const SOURCES: Readonly<Record<PictureLight, string>> = { white: 'VIS', ir: 'IR', uv: 'UV', axial: 'COAX' };
const NO_PICTURE = Buffer.from('no picture').toString('base64');

export async function serveAuthentiscan(options: VendorServerOptions = {}): Promise<SimulatedVendorService> {
  const guarded =
    (answer: (call: ServedCall) => VendorReply) =>
    (call: ServedCall): VendorReply =>
      call.request.headers['x-api-key'] === BENCH_API_KEY && call.fault !== 'token expired'
        ? answer(call)
        : { status: 401, body: { error: 'who asks is not known' } };
  return serveVendor(
    () => ({
      'GET /v2/status': guarded(() => ({ body: { status: 'UP' } })),
      'POST /v2/documents': guarded(lookAt),
    }),
    options,
  );
}

interface SentPicture {
  readonly light: PictureLight;
  readonly bytes: Uint8Array;
  readonly document: PrintedDocument;
}

function lookAt({ request, fault, now }: ServedCall): VendorReply {
  const pictures = picturesIn(request.body);
  if (!pictures) return { status: 400, body: { error: 'pictures[].content and .source are needed' } };
  const [first] = pictures;
  const id = randomUUID();
  if (!first || fault === 'unfinished') return { body: { id, outcome: fault === 'unfinished' ? null : 'REFER', findings: [] } };
  const { document } = first;
  const { format, state, holder, printedSurname, documentNumber, expiryDate, mrz, portrait } = document;
  const features = findFeatures(document, new Set(pictures.map(({ light }) => light)), now);
  const told = (word: string): string => (fault === 'unknown verdict' ? 'MAYBE' : word);
  const content = (bytes: Uint8Array): string => (fault === 'bad picture' ? NO_PICTURE : formatBase64(bytes));
  return {
    body: {
      id,
      outcome: told(OUTCOMES[sumOf(features)]),
      template: { kind: format === 'TD3' ? 'PASSPORT' : 'ID_CARD', state },
      data: {
        ...{ surname: printedSurname, given_names: holder.givenNames, birth: holder.birthDate, sex: holder.sex },
        ...{ personal_number: holder.personalNumber ?? null, number: documentNumber, expiry: expiryDate },
      },
      mrz: mrz.join('\n'),
      findings: features.map(({ feature, finding }) => ({
        feature: FEATURES[feature],
        status: told(STATUSES[finding]),
        confidence: 0.93,
      })),
      pictures: [
        ...pictures.map(({ light, bytes }) => ({ kind: 'PAGE', source: SOURCES[light], content: content(bytes) })),
        { kind: 'FACE', source: 'VIS', content: content(portrait) },
      ],
    },
  };
}

/** Those of documents that it knows, in the light that they are said to be taken in. Undefined for a call that is not as it must be. */
function picturesIn(body: unknown): readonly SentPicture[] | undefined {
  if (typeof body !== 'object' || body === null || !('pictures' in body) || !Array.isArray(body.pictures)) return undefined;
  const rows: readonly unknown[] = body.pictures;
  const pictures: SentPicture[] = [];
  for (const row of rows) {
    if (typeof row !== 'object' || row === null || !('content' in row) || !('source' in row)) return undefined;
    if (typeof row.content !== 'string') return undefined;
    const bytes = Buffer.from(row.content, 'base64');
    const mark = readMark(bytes);
    if (mark && SOURCES[mark.light] === row.source)
      pictures.push({ light: mark.light, bytes, document: printDocument(mark.page) });
  }
  return pictures;
}
