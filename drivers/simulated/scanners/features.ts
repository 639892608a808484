/** What a service of another kind than Regula's finds out about a page: the same features and defects, each with the light in which it is seen. Words for it are each service's own. */
import type { PictureLight } from './page-pictures.ts';
import type { PageDefect, PrintedDocument } from './printed-document.ts';

export type Finding = 'bad' | 'good' | 'not done' | 'unsure';

export interface Feature {
  readonly feature:
    'cancellation' | 'check digits' | 'copy' | 'expiry' | 'fibres' | 'ink' | 'laminate' | 'name' | 'paper' | 'photo';
  /** Undefined: it is not a matter of light. */
  readonly light?: PictureLight;
  readonly finding: Finding;
}

const SEEN: readonly (readonly [Feature['feature'], PageDefect, PictureLight])[] = [
  ['paper', 'bright paper', 'uv'],
  ['ink', 'no carbon ink', 'ir'],
  ['fibres', 'no fibres', 'uv'],
  ['laminate', 'damaged laminate', 'axial'],
  ['photo', 'replaced photo', 'white'],
  ['cancellation', 'cancelled', 'white'],
  ['copy', 'copy', 'white'],
];

export function findFeatures(document: PrintedDocument, lights: ReadonlySet<PictureLight>, now: Date): readonly Feature[] {
  const { defects, expiryDate } = document;
  const judge = (isBad: boolean): Finding => (isBad ? 'bad' : 'good');
  return [
    ...SEEN.map(([feature, defect, light]): Feature => {
      if (!lights.has(light)) return { feature, light, finding: 'not done' };
      if (defects.has(defect)) return { feature, light, finding: 'bad' };
      return { feature, light, finding: defects.has('uncertain') ? 'unsure' : 'good' };
    }),
    { feature: 'name', finding: judge(defects.has('other name')) },
    { feature: 'check digits', finding: judge(defects.has('wrong check digit')) },
    { feature: 'expiry', finding: judge(expiryDate < now.toISOString().slice(0, 10)) },
  ];
}

/** A document may do without fibres: then somebody has to look. */
export function sumOf(features: readonly Feature[]): Finding {
  if (features.some(({ feature, finding }) => finding === 'bad' && feature !== 'fibres')) return 'bad';
  return features.some(({ finding }) => finding !== 'good') ? 'unsure' : 'good';
}
