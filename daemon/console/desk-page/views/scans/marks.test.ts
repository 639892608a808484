import { describe, expect, it } from 'vitest';
import { EXAMPLE_SCAN } from '../../../../../api-spec/generate/example-scan.ts';
import type { Scan, ScanImage } from '../../../../../api-spec/scan/scan.ts';
import { findingsOf, placeLabels, worstOf, type Mark } from './marks.ts';

type Check = Scan['checks'][number];

const image = (id: string, light: ScanImage['light'], kind: ScanImage['kind'] = 'page'): ScanImage => ({
  ...{ id, kind, page: 0, light, mediaType: 'image/png', width: 200, height: 100, size: 1, sha256: '0'.repeat(64) },
});
const check = (id: string, rest: Partial<Check> = {}): Check => ({ id, group: 'optical', verdict: 'passed', ...rest });
const WHITE = image('white', 'white');
const UV = image('uv', 'uv');

function scanWith(...checks: readonly Check[]): Scan {
  return { ...EXAMPLE_SCAN, images: [WHITE, UV, image('eye', 'uv', 'detail')], checks: [...checks] };
}

describe('where checks looked', () => {
  it('is the picture that they name, else the page in their light, else the page in visible light where they name a place', () => {
    const scan = scanWith(
      check('a', { image: 'eye', light: 'uv' }),
      check('b', { light: 'uv' }),
      check('c', { rect: [0, 0, 10, 10] }),
      check('d'),
    );
    const ids = (one: ScanImage): readonly string[] => findingsOf(scan, one).findings.map((finding) => finding.check.id);
    expect([WHITE, UV, image('eye', 'uv', 'detail')].map(ids)).toEqual([['c'], ['b'], ['a']]);
  });

  it('is cut to the picture, and told but not drawn where it lies outside', () => {
    const scan = scanWith(
      check('in', { light: 'uv', rect: [40, 80, 380, 470] }),
      check('out', { light: 'uv', rect: [420, 120, 900, 150] }),
      check('empty', { light: 'uv', rect: [50, 50, 50, 60] }),
      check('all', { light: 'uv' }),
    );
    const { findings, marks } = findingsOf(scan, UV);
    expect(findings.map(({ place }) => place)).toEqual(['marked', 'outside', 'outside', 'whole']);
    expect(marks).toEqual([{ box: { left: 40, top: 80, right: 200, bottom: 100 }, numbers: [1], verdict: 'passed' }]);
  });

  it('is one box for one place, with the worst of its verdicts', () => {
    const rect = [10, 10, 50, 50];
    const scan = scanWith(
      check('one', { light: 'uv', rect }),
      check('two', { light: 'uv', rect, verdict: 'failed' }),
      check('three', { light: 'uv', rect, verdict: 'undetermined' }),
    );
    expect(findingsOf(scan, UV).marks).toMatchObject([{ numbers: [1, 2, 3], verdict: 'failed' }]);
    expect([worstOf([]), worstOf(['passed', 'undetermined'])]).toEqual(['notPerformed', 'undetermined']);
  });
});

describe('labels', () => {
  const area = { width: 300, height: 200 };
  const size = { width: 40, height: 20 };
  const mark = (number: number): Mark => ({
    box: { left: 0, top: 0, right: 1, bottom: 1 },
    numbers: [number],
    verdict: 'passed',
  });
  const place = (...corners: readonly (readonly [number, number])[]) =>
    placeLabels(
      corners.map(([left, top], index) => [mark(index + 1), { left, top, right: left + 50, bottom: top + 50 }]),
      () => size,
      area,
    );

  it('stand above their box, or in it where there is no room above', () => {
    expect(place([100, 100], [200, 5])).toMatchObject([
      { left: 100, top: 80 },
      { left: 200, top: 5 },
    ]);
  });

  it('never leave the picture', () => {
    for (const { left, top, right, bottom } of place([290, 195], [-30, -40])) {
      expect([left >= 0, top >= 0, right <= area.width, bottom <= area.height]).toEqual([true, true, true, true]);
    }
  });

  it('never cover each other while there is room', () => {
    const labels = place(...Array.from({ length: 20 }, () => [100, 50] as const));
    for (const [index, one] of labels.entries())
      for (const other of labels.slice(index + 1))
        expect(one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom).toBe(false);
  });
});
