/**
 * What a driver gave, made into what kortd stands for: the report as far as it fits, pictures that are pictures, a machine-readable zone that kortd read itself.
 * Whatever was lost on the way makes the scan `partial`, so that a driver that talks nonsense passes nothing.
 */
import { createHash } from 'node:crypto';
import { IMAGE_KINDS, SCAN_LIGHTS, ScanReport, type ScanCheck } from '../../api-spec/scan/report.ts';
import type { Scan, ScanImage } from '../../api-spec/scan/scan.ts';
import { describeImage } from '../images/describe.ts';
import { DeviceProtocolError } from '../errors.ts';
import type { DriverImage, DriverScan } from './driver.ts';
import { summarise } from './summary.ts';
import { take } from './take.ts';
import { readZone } from './zone.ts';

export const MAX_IMAGES = 32;
/** A page of a passport at 600 dots an inch, as a PNG in colour, is less. */
export const IMAGE_BYTES = 12_582_912;
/** Of one scan. */
export const IMAGES_BYTES = 33_554_432;
/** A vendor's answer, as it came. */
const RAW_BYTES = 16_777_216;
/** A report of a scanner with all it can say has some 60,000. */
const REPORT_CHARACTERS = 262_144;
const MAX_SIDE = 20_000;
const MAX_WARNINGS = 32;
const IMAGE_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export interface AcceptedImage {
  readonly image: ScanImage;
  readonly bytes: Uint8Array;
}

/** All of a scan that does not depend on who asked for it, and when. */
export interface AcceptedScan {
  readonly parts: Omit<Scan, 'endedAt' | 'id' | 'images' | 'origin' | 'schema' | 'startedAt'> & {
    readonly origin: Pick<Scan['origin'], 'device' | 'driverVersion' | 'service'>;
  };
  readonly images: readonly AcceptedImage[];
  readonly raw?: NonNullable<DriverScan['raw']>;
}

/** Throws DeviceProtocolError for a report that is too long to be one, and nothing else, whatever it is given. */
export function acceptScan(given: unknown): AcceptedScan {
  const { report: givenReport, images: givenImages, raw: givenRaw } = fieldsOf(given);
  const { value, problems, isWhole } = take(ScanReport, givenReport ?? {});
  const report = (value ?? {}) as ScanReport;
  const { images, problems: imageProblems } = acceptImages(givenImages ?? []);
  const warnings = [...problems, ...imageProblems].slice(0, MAX_WARNINGS);
  const said = report.outcome ?? 'partial';
  const isLossless = isWhole && imageProblems.length === 0;
  const outcome = said === 'complete' && !isLossless ? 'partial' : said;
  if (JSON.stringify(report).length > REPORT_CHARACTERS)
    throw new DeviceProtocolError(`reading a report: more than ${REPORT_CHARACTERS} characters`);
  const mrz = report.mrz && report.mrz.lines.length > 0 ? readZone(report.mrz) : undefined;
  const checks = withKnownImages(report.checks ?? [], new Set(images.map(({ image }) => image.id)));
  const { document, holder, fields = [], chip, comparisons = [], defects = [], vendor, device, driverVersion, service } = report;
  return {
    parts: {
      origin: { ...present({ device, driverVersion, service }) },
      outcome,
      ...present({ document, holder, mrz, chip, vendor }),
      fields,
      checks,
      comparisons,
      defects,
      verdict: summarise({ outcome, mrz, checks, chip, comparisons, document }),
      warnings,
    },
    images,
    ...present({ raw: acceptRaw(givenRaw) }),
  };
}

/** Kept as it came, when it is not too long. */
function acceptRaw(given: unknown): DriverScan['raw'] {
  const { mediaType, bytes } = (typeof given === 'object' && given !== null ? given : {}) as Readonly<Record<string, unknown>>;
  if (typeof mediaType !== 'string' || !(bytes instanceof Uint8Array) || bytes.length > RAW_BYTES) return undefined;
  return { mediaType: mediaType.slice(0, 100), bytes };
}

function fieldsOf(given: unknown): Readonly<Partial<Record<'images' | 'raw' | 'report', unknown>>> {
  return typeof given === 'object' && given !== null ? given : {};
}

/** Without those that are undefined. */
function present<T extends object>(fields: T): { [N in keyof T]?: Exclude<T[N], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [N in keyof T]?: Exclude<T[N], undefined>;
  };
}

/** A check that shows a picture which was not taken shows none. */
function withKnownImages(checks: readonly ScanCheck[], known: ReadonlySet<string>): ScanCheck[] {
  return checks.map(({ image, reference, ...check }) => ({
    ...check,
    ...(image !== undefined && known.has(image) ? { image } : {}),
    ...(reference !== undefined && known.has(reference) ? { reference } : {}),
  }));
}

/** Those that are pictures. */
export function acceptImages(given: unknown): {
  readonly images: readonly AcceptedImage[];
  readonly problems: readonly string[];
} {
  if (!Array.isArray(given)) return { images: [], problems: ['images: no list'] };
  const problems: string[] = given.length > MAX_IMAGES ? [`images: cut to ${MAX_IMAGES}`] : [];
  const images = new Map<string, AcceptedImage>();
  let totalBytes = 0;
  for (const [index, candidate] of given.slice(0, MAX_IMAGES).entries()) {
    try {
      const accepted = acceptImage(candidate, IMAGES_BYTES - totalBytes);
      if (images.has(accepted.image.id)) throw new Error('another has its id');
      images.set(accepted.image.id, accepted);
      totalBytes += accepted.bytes.length;
    } catch (error) {
      problems.push(`images.${index}: ${error instanceof Error ? error.message : 'no picture'}`.slice(0, 200));
    }
  }
  return { images: [...images.values()], problems };
}

/** Throws Error with what is wrong, in one line. */
function acceptImage(given: unknown, roomBytes: number): AcceptedImage {
  const { id, kind, page, light, dpi, bytes } = (typeof given === 'object' && given !== null ? given : {}) as Readonly<
    Partial<Record<keyof DriverImage, unknown>>
  >;
  if (typeof id !== 'string' || !IMAGE_ID.test(id)) throw new Error('it has no id');
  if (!(bytes instanceof Uint8Array) || bytes.length === 0) throw new Error('it is empty');
  if (bytes.length > Math.min(IMAGE_BYTES, roomBytes)) throw new Error('it is too large');
  const { mediaType, width, height } = describeImage(bytes);
  if (width > MAX_SIDE || height > MAX_SIDE) throw new Error('it has too many pixels');
  const image: ScanImage = {
    id,
    kind: IMAGE_KINDS.find((known) => known === kind) ?? 'detail',
    page: typeof page === 'number' && Number.isInteger(page) && page >= 0 && page <= 99 ? page : 0,
    light: SCAN_LIGHTS.find((known) => known === light) ?? 'unknown',
    ...(typeof dpi === 'number' && dpi >= 1 && dpi <= 10_000 ? { dpi } : {}),
    mediaType,
    width,
    height,
    size: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  };
  return { image, bytes };
}
