/**
 * Security features (result 20): each element of each type is a check, with its light, its diagnose and its pictures. What the service sums up of a type is told only
 * where it is worse than its elements.
 */
import type { ScanCheck, ScanLight } from '../../../api-spec/scan/report.ts';
import type { Verdict } from '../../../api-spec/scan/verdict.ts';
import type { PictureList } from '../picture-list.ts';
import { bytesOf, defined, integerOf, objectOf, objectsOf, shareOf, under, type JsonObject } from '../vendor-json.ts';
import { lightOf, verdictOf } from './constants.ts';
import { diagnosisOf } from './diagnoses.ts';

/** authenticity/e-result-type.yml; the light is that in which each is looked at, where an element does not say. Sorted by type. */
const TYPES = [
  { type: 1, name: 'uv-luminescence', light: 'uv' },
  { type: 2, name: 'ir-b900', light: 'ir' },
  { type: 4, name: 'image-pattern' },
  { type: 8, name: 'axial-protection', light: 'axial' },
  { type: 16, name: 'uv-fibres', light: 'uv' },
  { type: 32, name: 'ir-visibility', light: 'ir' },
  { type: 64, name: 'security-text', light: 'uv' },
  { type: 128, name: 'ipi' },
  { type: 512, name: 'photo-embedding' },
  { type: 1_024, name: 'ovi' },
  { type: 4_096, name: 'holograms' },
  { type: 8_192, name: 'photo-area' },
  { type: 32_768, name: 'portrait-comparison' },
  { type: 65_536, name: 'barcode-format' },
  { type: 131_072, name: 'kinegram' },
  { type: 262_144, name: 'letter-screen' },
  { type: 524_288, name: 'hologram-detection' },
  { type: 1_048_576, name: 'fingerprint' },
  { type: 2_097_152, name: 'document-liveness' },
  { type: 4_194_304, name: 'extended-ocr' },
  { type: 8_388_608, name: 'extended-mrz' },
  { type: 16_777_216, name: 'encrypted-ipi' },
] as const satisfies readonly { readonly type: number; readonly name: string; readonly light?: ScanLight }[];

/** Generic check routines (ICAO Doc 9303-2, appendix C) of those types and diagnoses of which it is certain. */
const ROUTINES: Readonly<Record<string, [string, string, string]>> = {
  '1/50': ['UV', 'BR', 'MR'],
  '1/52': ['UV', 'BR', 'PH'],
  '1/53': ['UV', 'BR', 'FU'],
  '1/54': ['UV', 'BR', 'FU'],
  2: ['IR', 'AB', 'MR'],
  16: ['UV', 'LU', 'FI'],
};

/** Of one kind; a passport has some dozens in all. */
const MAX_ELEMENTS = 40;
const MAX_TYPES = 32;
/** From good to bad. */
const ORDER: readonly Verdict[] = ['passed', 'notSupported', 'notPerformed', 'aborted', 'undetermined', 'failed'];

export function readAuthenticity(containers: readonly JsonObject[], pictures: PictureList): readonly ScanCheck[] {
  return containers.flatMap((container) =>
    objectsOf(under(container, 'AuthenticityCheckList', 'List'), MAX_TYPES).flatMap((result) => [
      ...readType(result, integerOf(container['page_idx']) ?? 0, pictures),
    ]),
  );
}

function* readType(result: JsonObject, page: number, pictures: PictureList): Generator<ScanCheck> {
  const type = integerOf(result['Type']);
  const known = TYPES.find((row) => row.type === type);
  const id = `optical.${known?.name ?? `regula-${type ?? 'unknown'}`}`;
  const elements = objectsOf(result['List'], MAX_ELEMENTS);
  const checks = elements.map((element, index) =>
    readElement(element, {
      id: `${id}.${index + 1}`,
      type,
      page,
      pictures,
      light: known && 'light' in known ? known.light : undefined,
    }),
  );
  yield* checks;
  const summary = verdictOf(result['Result']);
  const worst = Math.max(-1, ...checks.map(({ verdict }) => ORDER.indexOf(verdict)));
  // Nought over elements that could not be judged says no more than they do.
  const isOnlyTechnical = summary === 'failed' && ORDER[worst] === 'undetermined';
  if (ORDER.indexOf(summary) > worst && !isOnlyTechnical) yield { id, group: 'optical', verdict: summary, by: 'service' };
}

interface ElementPlace {
  readonly id: string;
  readonly type: number | undefined;
  readonly page: number;
  readonly light: ScanLight | undefined;
  readonly pictures: PictureList;
}

function readElement(element: JsonObject, { id, type, page, light, pictures }: ElementPlace): ScanCheck {
  const diagnose = integerOf(element['ElementDiagnose']);
  const diagnosis = diagnosisOf(diagnose);
  const told = verdictOf(element['ElementResult']);
  const lightIndex = element['LightIndex'];
  const seenIn = lightIndex === undefined ? light : lightOf(lightIndex);
  const picture = (kind: 'detail' | 'reference', field: string): string | undefined =>
    pictures.add({
      ...{ id: `${kind}.${id.slice('optical.'.length)}`, kind, page, light: seenIn ?? 'unknown' },
      bytes: bytesOf(under(element, field, 'image')),
    });
  const routine = ROUTINES[`${type}/${diagnose}`] ?? ROUTINES[`${type}`];
  return {
    id,
    group: type === 32_768 ? 'combined' : 'optical',
    verdict: told === 'failed' && diagnosis?.isTechnical ? 'undetermined' : told,
    by: 'service',
    ...defined({
      tr03135: routine,
      light: seenIn,
      score: shareOf(element['PercentValue'], 100),
      critical: element['CriticalFlag'] === 0 ? false : undefined,
      code: diagnosis?.code,
      message: told === 'passed' ? undefined : diagnosis?.message,
      image: picture('detail', 'Image'),
      reference: picture('reference', 'EtalonImage'),
      rect: rectangleOf(element['ElementRect'] ?? element['Area'] ?? element['FieldRect']),
    }),
  };
}

/** common.yml, RectangleCoordinates. */
export function rectangleOf(value: unknown): [number, number, number, number] | undefined {
  const rectangle = objectOf(value);
  const [left, top, right, bottom] = ['left', 'top', 'right', 'bottom'].map((side) => integerOf(rectangle?.[side]));
  if (left === undefined || top === undefined || right === undefined || bottom === undefined) return undefined;
  const sides: [number, number, number, number] = [left, top, right, bottom];
  return sides.every((side) => side >= 0 && side <= 100_000) ? sides : undefined;
}
