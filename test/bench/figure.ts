/** One measured figure, beside its peer's and its target. */

export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What it was compared with in the same run. */
  readonly peer?: string;
  readonly peerValue?: number;
  /** value / peerValue */
  readonly ratio?: number;
  /** In words: "at least 50000". */
  readonly target: string;
  readonly ok: boolean;
}

interface Measured {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}

interface Compared {
  readonly peer: string;
  readonly peerValue: number;
}

export function atLeast(limit: number, measured: Measured, peer?: Compared): Figure {
  return { ...measured, ...withRatio(measured, peer), target: `at least ${limit}`, ok: measured.value >= limit };
}

export function atMost(limit: number, measured: Measured, peer?: Compared): Figure {
  return { ...measured, ...withRatio(measured, peer), target: `at most ${limit}`, ok: measured.value <= limit };
}

export function ratioAtLeast(limit: number, measured: Measured, peer: Compared): Figure {
  const figure = { ...measured, ...withRatio(measured, peer) };
  return { ...figure, target: `ratio at least ${limit}`, ok: (figure.ratio ?? 0) >= limit };
}

export function ratioAtMost(limit: number, measured: Measured, peer: Compared): Figure {
  const figure = { ...measured, ...withRatio(measured, peer) };
  return { ...figure, target: `ratio at most ${limit}`, ok: (figure.ratio ?? Infinity) <= limit };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

/** Every figure as a line of JSON, or all of them as one table. */
export function format(figures: readonly Figure[], asJson: boolean): string {
  if (asJson) return figures.map((figure) => JSON.stringify(figure)).join('\n');
  const rows = figures.map((figure) => [
    figure.name,
    `${round(figure.value)} ${figure.unit}`,
    figure.peer === undefined ? '' : `${figure.peer}: ${round(figure.peerValue ?? Number.NaN)}`,
    figure.ratio === undefined ? '' : figure.ratio.toFixed(2),
    figure.target,
    figure.ok ? 'yes' : 'NO',
  ]);
  const table = [['figure', 'value', 'peer in the same run', 'ratio', 'target', 'met'], ...rows];
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
  return table.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')).join('\n');
}

function withRatio(measured: Measured, peer: Compared | undefined): Partial<Figure> {
  return peer ? { ...peer, ratio: Number((measured.value / peer.peerValue).toFixed(3)) } : {};
}

function round(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(3);
}
