/**
 * An answer of the service as a report: what is there is taken over, what is absent was not looked at, and what nobody has written down is undetermined. The zone is
 * handed on as it was read: its check digits are counted elsewhere, and what the service thinks of them is a check like others.
 */
import type { ScanCheck, ScanReport } from '../../../api-spec/scan/report.ts';
import type { Verdict } from '../../../api-spec/scan/verdict.ts';
import type { DriverImage, DriverScan } from '../driver.ts';
import { PictureList } from '../picture-list.ts';
import { dayOf, defined, integerOf, objectOf, objectsOf, shareOf, textOf, under, type JsonObject } from '../vendor-json.ts';
import { readAuthenticity } from './authenticity.ts';
import { PROCESSING_FINISHED, RESULT, SIZES, verdictOf } from './constants.ts';
import { readPictures } from './pictures.ts';
import { readText, type Field } from './text.ts';

const MAX_CONTAINERS = 256;
const MAX_CHECKS = 256;

/** Undefined for what is no answer of this service at all. */
export function readAnswer(
  answer: unknown,
  given: readonly DriverImage[],
): { readonly report: ScanReport; readonly images: readonly DriverImage[] } | undefined {
  const list: unknown = under(answer, 'ContainerList', 'List');
  const containers = objectsOf(list, MAX_CONTAINERS);
  if (!Array.isArray(list) || (containers.length === 0 && list.length > 0)) return undefined;
  const containersOf = (resultType: number): readonly JsonObject[] =>
    containers.filter((container) => container['result_type'] === resultType);
  const pictures = new PictureList();
  readPictures(containersOf, given, pictures);
  const status = objectOf(containersOf(RESULT.status)[0]?.['Status']);
  const { fields, mrzLines } = readText(containersOf);
  const features = readAuthenticity(containersOf(RESULT.authenticity), pictures);
  const checks = [
    ...features,
    ...qualityChecks(containersOf(RESULT.imageQuality)),
    ...zoneChecks(containersOf(RESULT.mrzQuality)),
    ...statusChecks(status, features),
  ];
  const isWhole = checks.length <= MAX_CHECKS && containers.length < MAX_CONTAINERS;
  const report: ScanReport = {
    outcome: isWhole && isFinished(answer) ? 'complete' : 'partial',
    ...defined({ service: serviceOf(answer), document: documentOf(containersOf, status, fields), holder: holderOf(fields) }),
    ...(mrzLines.length === 0 ? {} : { mrz: { lines: [...mrzLines], source: 'optical' as const } }),
    fields: [...fields],
    ...defined({ chip: chipOf(status, containersOf) }),
    checks: checks.slice(0, MAX_CHECKS),
    comparisons: [...comparisonsOf(fields)],
    vendor: { format: 'regula-process-8', ...defined({ verdict: textOf(status?.['overallStatus'], 128) }) },
  };
  return { report, images: pictures.pictures };
}

/** As it came: kept apart. The TR-03135 log (result 73) stays in it, unread: its form is not public. */
export function rawOf(bytes: Uint8Array): NonNullable<DriverScan['raw']> {
  return { mediaType: 'application/json', bytes };
}

/** p-process.yml, ProcessResponse. Pages that are wanted and did not come are missing. */
function isFinished(answer: unknown): boolean {
  return (
    under(answer, 'ProcessingFinished') === PROCESSING_FINISHED &&
    (under(answer, 'CoreLibResultCode') ?? 0) === 0 &&
    (under(answer, 'morePagesAvailable') ?? 0) === 0
  );
}

function serviceOf(answer: unknown): ScanReport['service'] {
  return {
    name: 'Regula Document Reader',
    ...defined({
      version: textOf(under(answer, 'TransactionInfo', 'Version'), 64),
      transaction: textOf(under(answer, 'TransactionInfo', 'TransactionID'), 64),
    }),
  };
}

/** rt-status.yml. Each is there even when the service says nothing: then it was not performed, and the scan cannot pass. */
function statusChecks(status: JsonObject | undefined, features: readonly ScanCheck[]): readonly ScanCheck[] {
  const optical = objectOf(status?.['detailsOptical']);
  const check = (id: string, group: ScanCheck['group'], verdict: Verdict): ScanCheck => ({ id, group, verdict, by: 'service' });
  const security = securityOf(verdictOf(optical?.['security']), features);
  const parts = [
    check('optical.document-type', 'optical', verdictOf(optical?.['docType'])),
    check('optical.security', 'optical', security),
    check('combined.text', 'combined', verdictOf(optical?.['text'])),
    check('mrz.vendor', 'mrz', verdictOf(optical?.['mrz'])),
  ];
  const others = [
    check('combined.portrait', 'combined', verdictOf(status?.['portrait'])),
    check('service.stop-list', 'service', verdictOf(status?.['stopList'])),
  ].filter(({ verdict }) => verdict !== 'notPerformed');
  const expiry = verdictOf(optical?.['expiry']);
  const overall = sumOf(verdictOf(status?.['overallStatus']), [expiry, ...[...parts, ...others].map(({ verdict }) => verdict)]);
  return [...parts, ...others, check('service.overall', 'service', overall)];
}

/** A sum of features is bad when one that must be there is; when none of them is, but one could not be judged or may be absent, nobody can tell. */
function securityOf(told: Verdict, features: readonly ScanCheck[]): Verdict {
  const bad = features.filter(({ verdict }) => verdict === 'failed' || verdict === 'undetermined');
  if (told !== 'failed' || bad.length === 0) return told;
  return bad.some(({ verdict, critical }) => verdict === 'failed' && critical !== false) ? 'failed' : 'undetermined';
}

/** The service counts as bad what could not be judged; here that does not become a failure by being summed. */
function sumOf(told: Verdict, parts: readonly Verdict[]): Verdict {
  return told === 'failed' && !parts.includes('failed') && parts.includes('undetermined') ? 'undetermined' : told;
}

/** rt-image-quality.yml. */
const QUALITY_NAMES: readonly (string | undefined)[] = [
  ...['glare', 'focus', 'resolution', 'colour', 'perspective', 'bounds', undefined, 'portrait'],
  ...['handwriting', 'brightness', 'occlusion'],
];
const MAX_QUALITY = 32;

/** A poor picture does not make a document false. */
function qualityChecks(containers: readonly JsonObject[]): readonly ScanCheck[] {
  return containers
    .flatMap((container) => objectsOf(under(container, 'ImageQualityCheckList', 'List'), MAX_QUALITY))
    .slice(0, MAX_QUALITY)
    .map((row) => {
      const type = integerOf(row['type']);
      const name = (type === undefined ? undefined : QUALITY_NAMES[type]) ?? `regula-${type ?? 'unknown'}`;
      return { id: `quality.${name}`, group: 'quality', verdict: verdictOf(row['result']), critical: false, by: 'service' };
    });
}

/** rt-mrz-test-quality.yml: how the zone is printed. Its check digits are not taken from here. */
const ZONE_TESTS = [
  ['CONTRAST_PRINT', 'contrast'],
  ['MRZ_FORMAT', 'format'],
  ['PRINT_POSITION', 'position'],
  ['STAIN_MRZ', 'stains'],
  ['SYMBOLS_PARAM', 'symbols'],
] as const;

function zoneChecks(containers: readonly JsonObject[]): readonly ScanCheck[] {
  const quality = objectOf(containers[0]?.['MRZTestQuality']);
  if (!quality) return [];
  return ZONE_TESTS.map(([field, name]) => ({
    ...{
      id: `quality.mrz-${name}`,
      group: 'quality' as const,
      verdict: verdictOf(quality[field]),
      critical: false,
      by: 'service',
    },
  }));
}

const PASSPORTS = new Set([11, 13, 14, 27, 28]);
const IDENTITY_CARDS = new Set([12, 20, 23, 16]);
const SUBTYPES: ReadonlyMap<number, string> = new Map([
  [11, 'ordinary'],
  [13, 'diplomatic'],
  [14, 'service'],
  [27, 'emergency'],
]);

/** rt-doc-type-old.yml and e-document-type.yml: those types of which it is certain, others are "other". */
function documentOf(
  containersOf: (resultType: number) => readonly JsonObject[],
  status: JsonObject | undefined,
  fields: readonly Field[],
): ScanReport['document'] {
  const candidate = objectOf(containersOf(RESULT.documentType)[0]?.['OneCandidate']);
  const details = objectOf(candidate?.['FDSIDList']);
  const type = integerOf(details?.['dType']);
  const year = Number(textOf(details?.['dYear'], 4));
  const expiry = verdictOf(under(status, 'detailsOptical', 'expiry'));
  const chip = integerOf(candidate?.['RFID_Presence']);
  const model = {
    state: textOf(details?.['ICAOCode'], 3),
    year: Number.isInteger(year) && year >= 1900 && year <= 2200 ? year : undefined,
    name: textOf(candidate?.['DocumentName'], 200),
    vendorId: textOf(candidate?.['ID'], 64),
    probability: shareOf(candidate?.['P'], 1),
  };
  return {
    type: typeOf(candidate, type),
    ...defined({
      subtype: type === undefined ? undefined : SUBTYPES.get(type),
      size: SIZES.get(integerOf(details?.['dFormat']) ?? -1),
      model: candidate ? defined(model) : undefined,
      issuingState: valueOf(fields, 'issuingState'),
      nationality: valueOf(fields, 'nationality'),
      number: valueOf(fields, 'number'),
      expiry: dayOf(valueOf(fields, 'expiry')),
      expired: expiry === 'failed' ? true : expiry === 'passed' ? false : undefined,
      chipExpected: chip === undefined ? undefined : chip !== 0,
    }),
  };
}

type DocumentType = NonNullable<NonNullable<ScanReport['document']>['type']>;

function typeOf(candidate: JsonObject | undefined, type: number | undefined): DocumentType {
  if (!candidate || type === undefined || type === 0) return 'unknown';
  if (PASSPORTS.has(type)) return 'passport';
  if (IDENTITY_CARDS.has(type)) return 'identityCard';
  if (type === 17) return 'travelDocument';
  if (type === 29 || type === 30) return 'visa';
  return type === 24 ? 'residencePermit' : 'other';
}

function holderOf(fields: readonly Field[]): ScanReport['holder'] {
  const told = valueOf(fields, 'sex');
  const sex: 'F' | 'M' | undefined = told === 'F' || told === 'M' ? told : undefined;
  const holder = defined({
    surname: valueOf(fields, 'surname', 200),
    givenNames: valueOf(fields, 'givenNames', 200),
    birthDate: dayOf(valueOf(fields, 'birthDate')),
    sex,
    personalNumber: valueOf(fields, 'personalNumber'),
  });
  return Object.keys(holder).length === 0 ? undefined : holder;
}

function valueOf(fields: readonly Field[], name: string, maxLength = 64): string | undefined {
  return fields.find((field) => field.name === name)?.value?.slice(0, maxLength);
}

/** From good to bad. */
const ORDER: readonly Verdict[] = ['passed', 'notPerformed', 'undetermined', 'failed'];

/** Of each pair of sources the worst of all fields. */
function comparisonsOf(fields: readonly Field[]): NonNullable<ScanReport['comparisons']> {
  const worst = new Map<string, Verdict>();
  for (const { a, b, verdict } of fields.flatMap(({ comparisons = [] }) => comparisons)) {
    const pair = `${a} ${b}`;
    const before = worst.get(pair);
    if (before === undefined || ORDER.indexOf(verdict) > ORDER.indexOf(before)) worst.set(pair, verdict);
  }
  return [...worst].map(([pair, verdict]) => {
    const [a = '', b = ''] = pair.split(' ');
    return { a, b, verdict };
  });
}

const CHIP_RESULTS = [RESULT.rfidText, RESULT.rfidGraphics, RESULT.rfidBinary, RESULT.rfidOriginal] as const;

/** rt-status.yml, detailsRFID; rt-rfid-binary-data.yml, RFID_Session_Data_Status. Undefined when no chip was read by the service. */
function chipOf(status: JsonObject | undefined, containersOf: (resultType: number) => readonly JsonObject[]): ScanReport['chip'] {
  const session = under(containersOf(RESULT.rfidBinary)[0], 'TDocBinaryInfo', 'RFID_BINARY_DATA', 'RFID_Session_Data_Status');
  const details = objectOf(status?.['detailsRFID']) ?? objectOf(session);
  const wasRead = CHIP_RESULTS.some((resultType) => containersOf(resultType).length > 0);
  const verdict = verdictOf(details?.['overallStatus'] ?? status?.['rfid']);
  if (!wasRead && verdict === 'notPerformed') return undefined;
  const [bac, pace] = [verdictOf(details?.['BAC']), verdictOf(details?.['PACE'])];
  return {
    present: 'passed',
    verdict,
    access: { method: pace === 'passed' ? 'PACE' : bac === 'passed' ? 'BAC' : 'unknown', bac, pace },
    passive: { verdict: verdictOf(details?.['PA']) },
    active: verdictOf(details?.['AA']),
    chipAuthentication: verdictOf(details?.['CA']),
    terminalAuthentication: verdictOf(details?.['TA']),
  };
}
