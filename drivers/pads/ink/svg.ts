/** Ink as SVG 1.1: one path for each run of pieces of about the same width. Sizes in millimetres; there is no time in it. */
import { boxOf, smooth, type InkPiece, type InkPoint, type Stroke } from './strokes.ts';

/** Widths differ by what can be seen. */
const WIDTH_STEP_MM = 0.05;

export function inkSvg(strokes: readonly Stroke[]): string {
  const { left, top, width, height } = boxOf(strokes);
  const box = [left, top, width, height].map(number).join(' ');
  const paths = strokes.flatMap((stroke) => pathsOf(smooth(stroke)));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${number(width)}mm" height="${number(height)}mm" viewBox="${box}">`,
    '<g fill="none" stroke="#000" stroke-linecap="round" stroke-linejoin="round">',
    ...paths,
    '</g></svg>',
    '',
  ].join('\n');
}

function pathsOf(pieces: readonly InkPiece[]): readonly string[] {
  const runs: { width: number; data: string }[] = [];
  for (const { from, controls, to, widthMm } of pieces) {
    const width = Math.round(widthMm / WIDTH_STEP_MM);
    const curve = `C${[...controls, to].map(point).join(' ')}`;
    const run = runs.at(-1);
    if (run?.width === width) run.data += curve;
    else runs.push({ width, data: `M${point(from)}${curve}` });
  }
  return runs.map(({ width, data }) => `<path stroke-width="${number(width * WIDTH_STEP_MM)}" d="${data}"/>`);
}

function point({ x, y }: InkPoint): string {
  return `${number(x)} ${number(y)}`;
}

/** A hundredth of a millimetre is what pads tell apart. */
function number(value: number): string {
  return String(Math.round(value * 100) / 100);
}
