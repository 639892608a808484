/**
 * A service in the style of 365id: the token routes are the public ones (README of github.com/365id-AB/idverification-web), everything behind /integration/ is invented,
 * because its description is given to customers alone. A transaction comes to its end when a document lies in the scanner.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { formatBase64 } from '../../bytes.ts';
import { findFeatures, sumOf, type Feature, type Finding } from '../features.ts';
import { PICTURE_LIGHTS, takePictures, type PictureLight } from '../page-pictures.ts';
import { printDocument, type PrintedDocument } from '../printed-document.ts';
import type { ServiceFaultKind } from '../service-faults.ts';
import {
  serveVendor,
  type ServedCall,
  type SimulatedVendorService,
  type VendorReply,
  type VendorServerOptions,
} from '../vendor-server.ts';

/** Who may ask. Both are public: trust nothing that they protect. */
export const BENCH_CLIENT_ID = 'bench';
export const BENCH_CLIENT_SECRET = 'bench-secret-of-365id';

const TOKEN_SECONDS = 300;
const TRANSACTIONS = '/integration/v1/transactions';
const CODES: Readonly<Record<Feature['feature'], string>> = {
  ...{ paper: 'paperUv', ink: 'mrzInk', fibres: 'fibres', laminate: 'laminate', photo: 'photo', cancellation: 'cancellation' },
  ...{ copy: 'copy', name: 'nameMatch', 'check digits': 'checkDigits', expiry: 'expiry' },
};
const OUTCOMES: Readonly<Record<Finding, string>> = { good: 'Ok', bad: 'Fail', unsure: 'Unsure', 'not done': 'NotRun' };
const ASSESSMENTS: Readonly<Record<Finding, string>> = {
  ...{ good: 'Approved', bad: 'Rejected', unsure: 'ManualReview', 'not done': 'ManualReview' },
};
const LIGHT_NAMES: Readonly<Record<PictureLight, string>> = {
  white: 'visible',
  ir: 'infrared',
  uv: 'ultraviolet',
  axial: 'coaxial',
};
const NO_PICTURE = Buffer.from('no picture').toString('base64');

interface Transaction {
  /** Times that it was asked for. */
  asked: number;
}

export async function serve365id(options: VendorServerOptions = {}): Promise<SimulatedVendorService> {
  const access = new Set<string>();
  const refresh = new Set<string>();
  const transactions = new Map<string, Transaction>();
  const grant = (): VendorReply => {
    const tokens = { access_token: randomBytes(24).toString('base64url'), refresh_token: randomBytes(24).toString('base64url') };
    access.add(tokens.access_token);
    refresh.add(tokens.refresh_token);
    return { body: { ...tokens, token_type: 'Bearer', expires_in: TOKEN_SECONDS, scope: 'bench' } };
  };
  const guarded =
    (answer: (call: ServedCall) => VendorReply) =>
    (call: ServedCall): VendorReply => {
      const token = /^Bearer (.+)$/.exec(call.request.headers.authorization ?? '')?.[1] ?? '';
      if (call.fault === 'token expired') access.delete(token);
      return access.has(token) ? answer(call) : refused('invalid_token', 401);
    };
  return serveVendor(
    (service) => ({
      'POST /api/v1/access_token': ({ request }) => {
        const { client_id, client_secret } = fieldsOf(request.body);
        return client_id === BENCH_CLIENT_ID && client_secret === BENCH_CLIENT_SECRET ? grant() : refused('invalid_client', 400);
      },
      'POST /api/v1/refresh_token': ({ request }) => {
        const token = fieldsOf(request.body)['refresh_token'];
        return typeof token === 'string' && refresh.delete(token) ? grant() : refused('invalid_grant', 400);
      },
      [`POST ${TRANSACTIONS}` as const]: guarded(() => {
        const transactionId = randomUUID();
        transactions.set(transactionId, { asked: 0 });
        return { status: 201, body: { transactionId } };
      }),
      [`GET ${TRANSACTIONS}/:id` as const]: guarded(({ request, fault, now }) => {
        const { id = '' } = fieldsOf(request.params);
        const transaction = transactions.get(String(id));
        if (!transaction) return refused('not_found', 404);
        transaction.asked++;
        const isDone = service.document !== undefined && transaction.asked > 1 && fault !== 'unfinished';
        if (!service.document || !isDone) return { body: { transactionId: id, status: 'InProgress' } };
        return { body: { transactionId: id, status: 'Completed', ...resultOf(printDocument(service.document), fault, now) } };
      }),
    }),
    options,
  );
}

function refused(error: string, status: number): VendorReply {
  return { status, body: { error, error_description: 'Refused by the simulated service.' } };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function resultOf(document: PrintedDocument, fault: ServiceFaultKind | undefined, now: Date): object {
  const { persona, defects, holder, format, documentNumber, expiryDate, state, printedSurname, mrz, portrait } = document;
  const features = findFeatures(document, new Set(PICTURE_LIGHTS), now);
  const told = (word: string): string => (fault === 'unknown verdict' ? 'Perhaps' : word);
  const content = (bytes: Uint8Array): string => (fault === 'bad picture' ? NO_PICTURE : formatBase64(bytes));
  const pages = takePictures({ persona, defects: [...defects] });
  return {
    assessment: told(ASSESSMENTS[sumOf(features)]),
    document: { type: format === 'TD3' ? 'passport' : 'nationalId', country: state, number: documentNumber, expiryDate },
    person: {
      ...{ lastName: printedSurname, firstNames: holder.givenNames, birthDate: holder.birthDate, sex: holder.sex },
      ...(holder.personalNumber === undefined ? {} : { personalNumber: holder.personalNumber }),
    },
    mrz,
    checks: features.map(({ feature, light, finding }) => ({
      ...{ code: CODES[feature], outcome: told(OUTCOMES[finding]) },
      ...(light === undefined ? {} : { light: LIGHT_NAMES[light] }),
    })),
    images: [
      ...pages.map(({ light, png }) => ({ type: 'front', light: LIGHT_NAMES[light], content: content(png) })),
      { type: 'face', light: 'visible', content: content(portrait) },
    ],
  };
}
