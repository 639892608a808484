/** Security features as the simulated service judges them: for each type its elements, with result, diagnose and picture (rt-authenticity.yml, authenticity/*.yml). */
import { formatBase64 } from '../../bytes.ts';
import { takePictures } from '../page-pictures.ts';
import type { PageDefect, PrintedDocument } from '../printed-document.ts';
import type { ServiceFaultKind } from '../service-faults.ts';
import { NEGATIVE, NEVER_HEARD_OF, NOT_DONE, POSITIVE, rectangle, worst } from './results.ts';

export interface AuthenticityResult {
  readonly Type: number;
  readonly Result: number;
  readonly Count: number;
  readonly List: readonly object[];
}

interface Element {
  readonly type: number;
  readonly light: number;
  /** e-security-feature-type.yml. */
  readonly elementType: number;
  /** What fails it, and how that is diagnosed (e-check-diagnose.yml). */
  readonly failsBy: PageDefect;
  readonly diagnose: number;
  /** Has the captured picture and the one that it is compared with. */
  readonly hasPictures?: true;
  /** e-critical.yml: 0 may be absent in a genuine document. */
  readonly critical?: 0;
}

const PASS = 1;
const UNCERTAIN = 5;
const NEEDED_PICTURE_MISSING = 7;
const [WHITE, IR, UV, AXIAL] = [6, 24, 128, 3072];

const ELEMENTS: readonly Element[] = [
  { type: 1, light: UV, elementType: 0, failsBy: 'bright paper', diagnose: 53 },
  { type: 1, light: UV, elementType: 3, failsBy: 'bright paper', diagnose: 50 },
  { type: 2, light: IR, elementType: 3, failsBy: 'no carbon ink', diagnose: 23 },
  { type: 4, light: WHITE, elementType: 10, failsBy: 'cancelled', diagnose: 122, hasPictures: true },
  { type: 8, light: AXIAL, elementType: 1, failsBy: 'damaged laminate', diagnose: 60 },
  { type: 16, light: UV, elementType: 0, failsBy: 'no fibres', diagnose: 30, critical: 0 },
  { type: 32, light: IR, elementType: 12, failsBy: 'replaced photo', diagnose: 44, hasPictures: true },
  { type: 512, light: WHITE, elementType: 2, failsBy: 'replaced photo', diagnose: 110 },
  { type: 2_097_152, light: WHITE, elementType: 1, failsBy: 'copy', diagnose: 240 },
];

export function authenticityOf(
  document: PrintedDocument,
  lights: ReadonlySet<number>,
  fault: ServiceFaultKind | undefined,
): readonly AuthenticityResult[] {
  const types = [...new Set(ELEMENTS.map(({ type }) => type))];
  return types.map((type) => {
    const judged = ELEMENTS.filter((element) => element.type === type).map((element) => judge(element, document, lights));
    const List = judged.map(({ element, result, diagnose }) => ({
      ...{ Type: element.type, ElementType: element.elementType, ElementDiagnose: diagnose },
      ElementResult: fault === 'unknown verdict' ? NEVER_HEARD_OF : result,
      ...{ ElementRect: rectangle(40, 80, 380, 470), Visibility: 1, CriticalFlag: element.critical ?? 1, PercentValue: 90 },
      ...(element.hasPictures && result !== NOT_DONE ? picturesOf(document, element.light) : {}),
    }));
    return { Type: type, Result: worst(judged.map(({ result }) => result)), Count: List.length, List };
  });
}

function judge(
  element: Element,
  { defects }: PrintedDocument,
  lights: ReadonlySet<number>,
): { readonly element: Element; readonly result: number; readonly diagnose: number } {
  if (!lights.has(element.light)) return { element, result: NOT_DONE, diagnose: NEEDED_PICTURE_MISSING };
  if (defects.has(element.failsBy)) return { element, result: NEGATIVE, diagnose: element.diagnose };
  if (defects.has('uncertain')) return { element, result: NEGATIVE, diagnose: UNCERTAIN };
  return { element, result: POSITIVE, diagnose: PASS };
}

/** As it was taken, and as it should look. */
function picturesOf({ persona, defects }: PrintedDocument, light: number): object {
  const name = light === IR ? 'ir' : 'white';
  const draw = (withDefects: readonly PageDefect[]): string => {
    const [picture] = takePictures({ persona, defects: withDefects }, [name]);
    return formatBase64(picture?.png ?? new Uint8Array());
  };
  return {
    LightIndex: light,
    Image: { image: draw([...defects]), format: '.png' },
    EtalonImage: { image: draw([]), format: '.png' },
  };
}
