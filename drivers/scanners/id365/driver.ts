/**
 * A 365id-style service as a scanner: its own client scans, kortd fetches what came of it with a token. Confirmed are the token routes and the names of document types;
 * where results are and what they look like is given to customers alone, so all of that is configuration, words of verdicts included.
 */
import type { ScanLight } from '../../../api-spec/scan/report.ts';
import type { DriverScan, ScanOptions, ScannerDriver } from '../driver.ts';
import { createServiceDriver } from '../service-driver.ts';
import { VendorClient } from '../vendor-http.ts';
import { readMapped, type AnswerMapping } from '../vendor-mapping.ts';
import { readConfigured, serviceOptions } from '../vendor-options.ts';
import { runTransaction } from '../vendor-transaction.ts';
import type { Id365Options } from './options.ts';
import { AccessTokens } from './tokens.ts';

/** README of idverification-web, "Retrieve a token". */
const TOKEN_ROUTE = 'api/v1/access_token';
const REFRESH_ROUTE = 'api/v1/refresh_token';

/** Throws DeviceError for an address or a file that cannot be used. */
export function openId365Driver(name: string, options: Id365Options): ScannerDriver {
  const client = new VendorClient(serviceOptions(name, options));
  const results =
    options.resultUrl === undefined ? client : new VendorClient(serviceOptions(name, { ...options, url: options.resultUrl }));
  const tokens = new AccessTokens({
    ...{ device: name, client, clientId: options.clientId },
    clientSecret: () => readConfigured(options.clientSecretFile, { device: name, isSecret: true }),
    tokenRoute: options.tokenRoute ?? TOKEN_ROUTE,
    refreshRoute: options.refreshRoute ?? REFRESH_ROUTE,
  });
  return createServiceDriver({
    ...{ name, kind: 'id365', model: '365id' },
    abilities: {
      mrz: options.answer.mrz !== undefined,
      lights: lightsOf(options.answer),
      chip: false,
      takesImages: false,
      verdicts: true,
    },
    scan: async (scan) => runScan(scan, { name, options, tokens, results }),
    // The token routes are all that is known to be there: one that is given tells that service, id and secret are good.
    ask: async (signal) => {
      await tokens.renew(signal);
      return {};
    },
  });
}

interface Id365 {
  readonly name: string;
  readonly options: Id365Options;
  readonly tokens: AccessTokens;
  readonly results: VendorClient;
}

async function runScan({ signal, onProgress }: ScanOptions, { name, options, tokens, results }: Id365): Promise<DriverScan> {
  await tokens.renew(signal);
  const answer = await runTransaction(options.transaction, {
    ...{ device: name, images: [], signal },
    ask: async (request) => tokens.ask(request, results),
    onWaiting: () => onProgress({ stage: 'waiting' }),
  });
  onProgress({ stage: 'verifying' });
  const read = readMapped(answer.value, withKnownTypes(options.answer), { format: '365id', given: [] });
  return { ...read, raw: { mediaType: 'application/json', bytes: answer.bytes } };
}

function lightsOf({ images }: AnswerMapping): readonly ScanLight[] {
  const told = new Set(Object.values(images?.lights ?? {}));
  return (['white', 'ir', 'uv', 'axial'] as const).filter((light) => told.has(light));
}

/** Names that the configuration has go before those of the kit. */
function withKnownTypes(mapping: AnswerMapping): AnswerMapping {
  return { ...mapping, documentTypes: { ...DOCUMENT_TYPES, ...mapping.documentTypes } };
}

/** DocumentType in github.com/365id-AB/idverification-ios, as its interface writes them. Sorted by name. */
const DOCUMENT_TYPES: NonNullable<AnswerMapping['documentTypes']> = {
  associatedDrivingLicense: { type: 'drivingLicence', subtype: 'associated' },
  associatedId: { type: 'identityCard', subtype: 'associated' },
  authorisationDocument: { type: 'other', subtype: 'authorisation' },
  digitalId: { type: 'other', subtype: 'digital' },
  diplomaticId: { type: 'identityCard', subtype: 'diplomatic' },
  diplomaticPassport: { type: 'passport', subtype: 'diplomatic' },
  drivingLicense: { type: 'drivingLicence', subtype: 'ordinary' },
  emergencyPassport: { type: 'passport', subtype: 'emergency' },
  militaryId: { type: 'identityCard', subtype: 'military' },
  nationalId: { type: 'identityCard', subtype: 'ordinary' },
  officialId: { type: 'identityCard', subtype: 'official' },
  passport: { type: 'passport', subtype: 'ordinary' },
  personalId: { type: 'identityCard', subtype: 'personal' },
  provisionalDrivingLicense: { type: 'drivingLicence', subtype: 'provisional' },
  residencePermit: { type: 'residencePermit', subtype: 'ordinary' },
  servicePassport: { type: 'passport', subtype: 'service' },
  temporaryResidencePermit: { type: 'residencePermit', subtype: 'temporary' },
  temporaryTravelDocument: { type: 'travelDocument', subtype: 'temporary' },
  travelDocument: { type: 'travelDocument', subtype: 'ordinary' },
};
