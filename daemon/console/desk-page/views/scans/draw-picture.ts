/** A picture on a canvas, as far as it is seen, with the boxes of its checks: a sign and a number at each, so that none is told by its colour alone. */
import type { Verdict } from '../../../../../api-spec/scan/verdict.ts';
import { placeLabels, type Box, type Label, type Mark } from './marks.ts';
import { VERDICT_SIGNS } from './scan-model.ts';
import { onCanvas, seenPart, type Viewport } from './viewport.ts';

/** CSS pixels. */
const LINE = 2.5;
const FONT = 13;
const PADDING = 4;

/** Of a verdict: line and ground of the label, and what is written on it. */
export interface MarkColours {
  readonly ground: string;
  readonly text: string;
}

export interface PictureDrawing {
  readonly picture: CanvasImageSource;
  /** Of the picture as it was decoded, and as the checks know it. */
  readonly size: { readonly decoded: Size; readonly own: Size };
  readonly view: Viewport;
  readonly marks: readonly Mark[];
  /** Canvas pixels of one CSS pixel. */
  readonly density: number;
  readonly colourOf: (verdict: Verdict) => MarkColours;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

export function drawPicture(context: CanvasRenderingContext2D, drawing: PictureDrawing): void {
  const { picture, size, view } = drawing;
  const canvas = context.canvas;
  const seen = seenPart(view, size.decoded);
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = 'high';
  context.drawImage(
    ...([picture, seen.left, seen.top, seen.right - seen.left, seen.bottom - seen.top] as const),
    ...([0, 0, canvas.width, canvas.height] as const),
  );
  drawMarks(context, drawing);
}

function drawMarks(context: CanvasRenderingContext2D, { size, view, marks, density, colourOf }: PictureDrawing): void {
  const canvas = context.canvas;
  const seen = seenPart(view, size.own);
  const boxes = marks
    .map((mark) => [mark, onCanvas(mark.box, seen, canvas)] as const)
    .filter(([, box]) => box.right > 0 && box.bottom > 0 && box.left < canvas.width && box.top < canvas.height);
  context.font = `600 ${FONT * density}px system-ui, 'DejaVu Sans', sans-serif`;
  context.textBaseline = 'middle';
  for (const [{ verdict }, box] of boxes)
    strokeBox(context, box, { density, colours: colourOf(verdict), isGood: verdict === 'passed' });
  const labels = placeLabels(boxes, (mark) => labelSize(context, mark, density), canvas);
  for (const label of labels) drawLabel(context, label, { density, colours: colourOf(label.mark.verdict) });
}

export function labelText({ verdict, numbers }: Mark): string {
  return `${VERDICT_SIGNS[verdict]} ${numbers.join(', ')}`;
}

function labelSize(context: CanvasRenderingContext2D, mark: Mark, density: number): Size {
  const { width } = context.measureText(labelText(mark));
  return { width: Math.ceil(width + 2 * PADDING * density), height: Math.ceil((FONT + 2 * PADDING) * density) };
}

interface Look {
  readonly density: number;
  readonly colours: MarkColours;
}

/** What is not good has a broken line. */
function strokeBox(
  context: CanvasRenderingContext2D,
  box: Box,
  { density, colours, isGood }: Look & { readonly isGood: boolean },
): void {
  const [left, top, width, height] = [box.left, box.top, box.right - box.left, box.bottom - box.top];
  // On any picture, light or dark, one of the two is seen.
  for (const [colour, line] of [
    [colours.text, LINE + 2],
    [colours.ground, LINE],
  ] as const) {
    context.setLineDash(isGood || colour === colours.text ? [] : [8 * density, 5 * density]);
    context.strokeStyle = colour;
    context.lineWidth = line * density;
    context.strokeRect(left, top, width, height);
  }
  context.setLineDash([]);
}

function drawLabel(context: CanvasRenderingContext2D, label: Label, { density, colours }: Look): void {
  context.fillStyle = colours.ground;
  context.fillRect(label.left, label.top, label.right - label.left, label.bottom - label.top);
  context.fillStyle = colours.text;
  context.fillText(labelText(label.mark), label.left + PADDING * density, (label.top + label.bottom) / 2);
}
