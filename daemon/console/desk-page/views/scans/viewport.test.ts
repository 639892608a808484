import { describe, expect, it } from 'vitest';
import { BUDGET_PIXELS, keptSize } from './picture-budget.ts';
import { WHOLE, ZOOMS, afterKey, moved, onCanvas, seenPart, zoomed, type Viewport } from './viewport.ts';

const PICTURE = { width: 400, height: 200 };

describe('zooming', () => {
  it('goes in steps, in and out, and ends at both ends', () => {
    let view: Viewport = WHOLE;
    for (const zoom of ZOOMS.slice(1)) expect((view = zoomed(view, 1)).zoom).toBe(zoom);
    expect(zoomed(view, 1).zoom).toBe(8);
    for (let step = 0; step < 10; step++) view = zoomed(view, -1);
    expect(view).toEqual(WHOLE);
  });

  it('never shows what lies beyond an edge', () => {
    const far = moved({ zoom: 2, x: 0.5, y: 0.5 }, [9, -9]);
    expect(seenPart(far, PICTURE)).toEqual({ left: 200, top: 0, right: 400, bottom: 100 });
    expect(seenPart(zoomed({ ...far, zoom: 1.5 }, -1), PICTURE)).toEqual({ left: 0, top: 0, right: 400, bottom: 200 });
  });

  it('shows the same place of pictures of any size', () => {
    const view: Viewport = { zoom: 4, x: 0.25, y: 0.5 };
    const [small, large] = [seenPart(view, PICTURE), seenPart(view, { width: 4_000, height: 2_000 })];
    expect(large).toEqual({ left: small.left * 10, top: small.top * 10, right: small.right * 10, bottom: small.bottom * 10 });
  });

  it('obeys the keyboard, and moves only what is zoomed', () => {
    expect(afterKey(WHOLE, '+')?.zoom).toBe(1.5);
    expect(afterKey(WHOLE, 'ArrowLeft')).toBeUndefined();
    expect(afterKey({ zoom: 2, x: 0.5, y: 0.5 }, 'ArrowLeft')?.x).toBe(0.375);
    expect(afterKey({ zoom: 2, x: 0.3, y: 0.5 }, '0')).toEqual(WHOLE);
    expect(afterKey(WHOLE, 'a')).toBeUndefined();
  });
});

describe('a box on the canvas', () => {
  it('stands where it is in the picture, however far that is zoomed', () => {
    const box = { left: 100, top: 50, right: 200, bottom: 100 };
    const canvas = { width: 800, height: 400 };
    expect(onCanvas(box, seenPart(WHOLE, PICTURE), canvas)).toEqual({ left: 200, top: 100, right: 400, bottom: 200 });
    const zoomedIn = seenPart({ zoom: 2, x: 0.25, y: 0.25 }, PICTURE);
    expect(onCanvas(box, zoomedIn, canvas)).toEqual({ left: 400, top: 200, right: 800, bottom: 400 });
  });
});

describe('the room for pictures', () => {
  it('is never more than there is, whatever a scan has', () => {
    for (const pictures of [1, 4, 32]) {
      const { width, height } = keptSize({ width: 7_000, height: 5_500 }, pictures);
      expect(width * height * pictures).toBeLessThanOrEqual(BUDGET_PIXELS);
      expect(width / height).toBeCloseTo(7_000 / 5_500, 2);
    }
  });

  it('leaves small pictures as they are', () => {
    expect(keptSize({ width: 1_476, height: 1_039 }, 8)).toEqual({ width: 1_476, height: 1_039 });
  });
});
