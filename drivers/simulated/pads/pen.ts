/** A pen over a pad: what is written, in millimetres, whatever the pad makes of it. */

export interface PenPoint {
  readonly xMm: number;
  readonly yMm: number;
  /** 0–1; absent while the pen is only near. */
  readonly pressure?: number;
}

/** Two strokes and a dot, with the pen near between them: what everybody's signature is made of. Always the same. */
export function sampleSignature(options: {
  readonly widthMm: number;
  readonly heightMm: number;
  readonly points?: number;
}): readonly PenPoint[] {
  const { widthMm, heightMm, points = 200 } = options;
  return Array.from({ length: points }, (_, index) => {
    const along = index / points;
    const xMm = widthMm * (0.15 + 0.7 * along);
    const yMm = heightMm * (0.5 + 0.3 * Math.sin(along * 14) * (1 - along / 2));
    return isLifted(along) ? { xMm, yMm } : { xMm, yMm, pressure: 0.35 + 0.3 * Math.abs(Math.sin(along * 20)) };
  });
}

/** Between the first and the second name, and before the dot. */
function isLifted(along: number): boolean {
  return (along > 0.45 && along < 0.52) || (along > 0.9 && along < 0.94);
}
