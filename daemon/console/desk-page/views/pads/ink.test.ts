import { describe, expect, it } from 'vitest';
import type { EventData } from '../../../../../api-spec/events.ts';
import { canvasSize, drawInk, widthMmOf, type Pen } from './draw-ink.ts';
import { INK_SAMPLES, Ink } from './ink.ts';

type Samples = EventData<'pad.pen'>['samples'];

const line = (from: number, count: number, writes = 1): Samples =>
  Array.from({ length: count }, (_, index) => [from + index, from + index, 10, index, 0.5, writes]);

class RecordingPen implements Pen {
  fillStyle = '';
  strokeStyle = '';
  lineCap: CanvasLineCap = 'butt';
  lineWidth = 0;
  readonly drawn: (readonly [what: string, ...where: number[]])[] = [];
  beginPath(): void {
    // nothing is drawn by it
  }
  fill(): void {
    this.drawn.push(['dot']);
  }
  arc(x: number, y: number): void {
    this.drawn.push(['arc', x, y]);
  }
  moveTo(x: number, y: number): void {
    this.drawn.push(['from', x, y]);
  }
  lineTo(x: number, y: number): void {
    this.drawn.push(['to', x, y]);
  }
  stroke(): void {
    this.drawn.push(['line', Number(this.lineWidth.toFixed(3))]);
  }
}

describe('ink', () => {
  it('joins what was written without a break, and nothing else', () => {
    const ink = new Ink('one');
    ink.add({ samples: [...line(0, 3), ...line(3, 2, 0), ...line(5, 2)] });
    expect([ink.length, ink.strokes, ink.gaps]).toEqual([7, 2, 0]);
    expect([0, 1, 2, 3, 4, 5, 6].map((index) => ink.joinsAt(index))).toEqual([false, true, true, false, false, false, true]);
  });

  it('goes on behind a gap, and draws nothing across it', () => {
    const ink = new Ink('one');
    ink.add({ samples: line(0, 3) });
    ink.add({ samples: line(50, 2) });
    expect([ink.gaps, ink.strokes, ink.joinsAt(3), ink.joinsAt(4)]).toEqual([1, 2, false, true]);
  });

  it('is gone when the signer begins anew', () => {
    const ink = new Ink('one');
    ink.add({ samples: line(0, 5) });
    ink.add({ samples: line(5, 2), cleared: true });
    expect([ink.length, ink.strokes, ink.isPenDown]).toEqual([2, 1, true]);
  });

  it('never holds more than a capture can have', () => {
    const ink = new Ink('one');
    for (let from = 0; from < INK_SAMPLES + 5_000; from += 5_000) ink.add({ samples: line(from, 5_000) });
    expect(ink.length).toBe(INK_SAMPLES);
    expect(ink.at(INK_SAMPLES - 1)[0]).toBe(INK_SAMPLES - 1);
  });
});

describe('drawing', () => {
  it('draws only what is new, a dot where a stroke begins, and lines in the width of the pressure', () => {
    const ink = new Ink('one');
    const scale = { pixelsPerMm: 2, colour: 'black' };
    ink.add({ samples: line(0, 2) });
    const pen = new RecordingPen();
    const next = drawInk(pen, ink, { from: 0, scale });
    expect(pen.drawn).toEqual([['arc', 0, 20], ['dot'], ['from', 0, 20], ['to', 2, 20], ['line', 1.15]]);
    ink.add({ samples: line(2, 1) });
    const more = new RecordingPen();
    expect(drawInk(more, ink, { from: next, scale })).toBe(3);
    expect(more.drawn).toEqual([
      ['from', 2, 20],
      ['to', 4, 20],
      ['line', 1.15],
    ]);
  });

  it('is wider with more pressure, within bounds', () => {
    expect(widthMmOf(1)).toBeGreaterThan(widthMmOf(0.2));
    expect([widthMmOf(-1), widthMmOf(7)]).toEqual([widthMmOf(0), widthMmOf(1)]);
  });

  it('keeps the shape of the pad on every window', () => {
    const area = { width: 108, height: 64.8 };
    expect(canvasSize(area, { width: 320, maxHeight: 400 })).toEqual({ width: 320, height: 192 });
    expect(canvasSize(area, { width: 2_000, maxHeight: 300 })).toEqual({ width: 500, height: 300 });
    expect(canvasSize({ width: 0, height: 0 }, { width: 100, maxHeight: 100 })).toEqual({ width: 100, height: 50 });
  });
});
