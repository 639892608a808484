/**
 * Numbers of Regula's Document Reader Web Service, as its public API description has them: github.com/regulaforensics/DocumentReader-web-openapi, version 8.1.0,
 * the file that each is from named beside it.
 */
import type { ScanLight } from '../../../api-spec/scan/report.ts';
import type { Verdict } from '../../../api-spec/scan/verdict.ts';

/** common.yml, CheckResult. Nought is the bad one. */
const VERDICTS: ReadonlyMap<unknown, Verdict> = new Map<unknown, Verdict>([
  [0, 'failed'],
  [1, 'passed'],
  [2, 'notPerformed'],
]);

/** What is absent was not looked at; what nobody has written down, nobody can judge. */
export function verdictOf(checkResult: unknown): Verdict {
  if (checkResult === undefined) return 'notPerformed';
  return VERDICTS.get(checkResult) ?? 'undetermined';
}

/** common.yml, Light. */
const LIGHTS: ReadonlyMap<unknown, ScanLight> = new Map<unknown, ScanLight>([
  [2, 'whiteTop'],
  [4, 'whiteSide'],
  [6, 'white'],
  [24, 'ir'],
  [128, 'uv'],
  [3072, 'axial'],
]);

export function lightOf(light: unknown): ScanLight {
  return LIGHTS.get(light) ?? 'unknown';
}

/** Undefined for a light that the service has no number for. */
export function lightNumber(light: ScanLight): number | undefined {
  for (const [number, name] of LIGHTS) if (name === light) return Number(number);
  return undefined;
}

/** rt.yml, Result, and its description for 7, 73 and 105. */
export const RESULT = {
  documentImage: 1,
  mrzText: 3,
  visualGraphics: 6,
  mrzQuality: 7,
  documentType: 9,
  lexicalAnalysis: 15,
  visualText: 17,
  authenticity: 20,
  imageQuality: 30,
  status: 33,
  text: 36,
  images: 37,
  tr03135: 73,
  rfidText: 102,
  rfidGraphics: 103,
  rfidBinary: 104,
  rfidOriginal: 105,
} as const;

/** What is asked for. */
export const WANTED_RESULTS: readonly number[] = Object.values(RESULT);

/** e-text-field-type.yml: those that have a name in a scan. */
export const TEXT_FIELDS: ReadonlyMap<number, string> = new Map([
  [0, 'documentCode'],
  [1, 'issuingState'],
  [2, 'number'],
  [3, 'expiry'],
  [4, 'issueDate'],
  [5, 'birthDate'],
  [6, 'birthPlace'],
  [7, 'personalNumber'],
  [8, 'surname'],
  [9, 'givenNames'],
  [12, 'sex'],
  [13, 'height'],
  [17, 'address'],
  [24, 'authority'],
  [25, 'fullName'],
  [26, 'nationality'],
  [36, 'optional'],
  [39, 'issuePlace'],
  [51, 'mrz'],
  [159, 'can'],
]);
export const MRZ_STRINGS = 51;

/** e-graphic-field-type.yml. */
export const PORTRAIT = 201;
export const SIGNATURE = 204;
export const PAGES: ReadonlySet<number> = new Set([207, 208]);

/** p-process.yml, ProcessingStatus. */
export const PROCESSING_FINISHED = 1;

/** rt-doc-type-old.yml, DocumentFormat: turned forms have numbers of their own. */
export const SIZES: ReadonlyMap<number, 'ID-1' | 'ID-2' | 'ID-3'> = new Map([
  [0, 'ID-1'],
  [1, 'ID-2'],
  [2, 'ID-3'],
  [5, 'ID-3'],
  [10, 'ID-1'],
  [11, 'ID-1'],
  [12, 'ID-1'],
  [13, 'ID-2'],
  [14, 'ID-3'],
]);
