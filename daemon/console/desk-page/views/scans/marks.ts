/**
 * Where a check looked, on the picture it looked at: boxes in the picture's own pixels, cut to the picture, one for all checks of the same place, and
 * where their numbers stand so that none covers another. A device may name a place that is not in the picture: that is told, and not drawn.
 */
import type { Scan, ScanImage } from '../../../../../api-spec/scan/scan.ts';
import type { Verdict } from '../../../../../api-spec/scan/verdict.ts';

type Check = Scan['checks'][number];

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** What a picture has to do with a check. */
export interface Finding {
  /** From 1, as it stands in the box and in the list. */
  readonly number: number;
  readonly check: Check;
  /** `whole`: no place was named. `outside`: one that is not in the picture. */
  readonly place: 'marked' | 'outside' | 'whole';
}

export interface Mark {
  readonly box: Box;
  readonly numbers: readonly number[];
  /** The worst of its checks. */
  readonly verdict: Verdict;
}

export interface PictureFindings {
  readonly findings: readonly Finding[];
  readonly marks: readonly Mark[];
}

/** The worse come first. */
const SEVERITY: readonly Verdict[] = ['failed', 'aborted', 'undetermined', 'notPerformed', 'notSupported', 'passed'];

export function worstOf(verdicts: readonly Verdict[]): Verdict {
  return SEVERITY.find((verdict) => verdicts.includes(verdict)) ?? 'notPerformed';
}

export function findingsOf(scan: Pick<Scan, 'checks' | 'images'>, image: ScanImage): PictureFindings {
  const checks = scan.checks.filter((check) => imageOf(scan.images, check)?.id === image.id);
  const marks = new Map<string, { readonly box: Box; readonly findings: Finding[] }>();
  const findings = checks.map((check, index): Finding => {
    const [box, number] = [boxOf(check, image), index + 1];
    if (!box) return { number, check, place: check.rect ? 'outside' : 'whole' };
    const finding: Finding = { number, check, place: 'marked' };
    const key = Object.values(box).join();
    const mark = marks.get(key) ?? { box, findings: [] };
    marks.set(key, mark);
    mark.findings.push(finding);
    return finding;
  });
  return {
    findings,
    marks: [...marks.values()].map(({ box, findings: here }) => ({
      box,
      numbers: here.map(({ number }) => number),
      verdict: worstOf(here.map(({ check }) => check.verdict)),
    })),
  };
}

/** The one that the check names; else the page in its light. A check that names neither, nor a place, looked at no picture in particular. */
function imageOf(images: readonly ScanImage[], { image, light, rect }: Check): ScanImage | undefined {
  if (image !== undefined) return images.find(({ id }) => id === image);
  const wanted = light ?? (rect ? 'white' : undefined);
  const pages = images.filter(({ kind }) => kind === 'page');
  return wanted === undefined ? undefined : pages.find((page) => page.light === wanted);
}

/** Undefined where none was named, and where nothing of it is in the picture. */
function boxOf({ rect }: Check, { width, height }: ScanImage): Box | undefined {
  if (!rect) return undefined;
  const [left = 0, top = 0, right = 0, bottom = 0] = rect;
  const box = { left, top, right: Math.min(right, width), bottom: Math.min(bottom, height) };
  return box.right > box.left && box.bottom > box.top ? box : undefined;
}

export interface Label extends Box {
  readonly mark: Mark;
}

/**
 * Labels at the upper left corner of their boxes, above them where there is room; each is moved down, and then to the right, until it covers no
 * earlier one. All in the units of `boxes`; `sizeOf` gives a label's own size.
 */
export function placeLabels(
  boxes: readonly (readonly [Mark, Box])[],
  sizeOf: (mark: Mark) => { readonly width: number; readonly height: number },
  area: { readonly width: number; readonly height: number },
): readonly Label[] {
  const placed: Label[] = [];
  for (const [mark, box] of boxes) {
    const size = sizeOf(mark);
    const left = Math.max(0, Math.min(box.left, area.width - size.width));
    const above = box.top - size.height;
    const top = Math.max(0, Math.min(above >= 0 ? above : box.top, area.height - size.height));
    placed.push({ mark, ...freePlace({ left, top, ...size }, { placed, area }) });
  }
  return placed;
}

interface Wanted {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

function freePlace(
  { left, top, width, height }: Wanted,
  { placed, area }: { readonly placed: readonly Label[]; readonly area: { readonly width: number; readonly height: number } },
): Box {
  const at = (x: number, y: number): Box => ({ left: x, top: y, right: x + width, bottom: y + height });
  for (let x = left; x + width <= area.width; x += width)
    for (let y = top; y + height <= area.height; y += height)
      if (!placed.some((other) => overlaps(other, at(x, y)))) return at(x, y);
  return at(left, top);
}

function overlaps(one: Box, other: Box): boolean {
  return one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;
}
