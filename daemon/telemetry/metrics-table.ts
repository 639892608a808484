/** The table of metrics in README.md, made of the definitions. `node daemon/telemetry/metrics-table.ts` writes it; a test compares. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FIGURES } from './figures.ts';
import { MEASURED, type LabelSets } from './measurements.ts';

const README = join(import.meta.dirname, 'README.md');
const PLACE = /<!-- metrics -->[\s\S]*<!-- \/metrics -->/;

export interface MetricDefinition {
  readonly name: string;
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: LabelSets;
}

/** Everything that a scrape can have, by name. */
export const METRICS: readonly MetricDefinition[] = [...MEASURED, ...FIGURES].sort((one, other) =>
  one.name < other.name ? -1 : 1,
);

/** As prettier would have it: padded to the widest. */
export function metricsTable(): string {
  const rows = METRICS.map(({ name, kind, help, labels }) => [`\`${name}\``, kind, describeLabels(labels), help]);
  const all = [['metric', 'kind', 'labels', 'what it says'], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [head = [], ...body] = all;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n');
}

/** The README as it must be. */
export function readmeWithTable(readme: string): string {
  return readme.replace(PLACE, () => `<!-- metrics -->\n\n${metricsTable()}\n\n<!-- /metrics -->`);
}

function describeLabels(labels: LabelSets): string {
  return Object.entries(labels)
    .map(([label, values]) => `\`${label}\`: ${SETS[label] ?? values.join(', ')}`)
    .join('; ');
}

/** Sets that are long, or those of this machine. */
const SETS: Readonly<Record<string, string>> = {
  code: 'codes of errors',
  method: 'methods of the API, unknown',
  node: 'version of Node',
  operation: 'operations of cards',
  platform: 'system and processor',
  version: 'version of kortd',
};

if (import.meta.main) writeFileSync(README, readmeWithTable(readFileSync(README, 'utf8')));
