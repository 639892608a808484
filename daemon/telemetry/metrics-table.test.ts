import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { METRICS, metricsTable, readmeWithTable } from './metrics-table.ts';

const readme = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8');

describe('the table of metrics', () => {
  it('in the README is that of the definitions', () => {
    expect(readmeWithTable(readme)).toBe(readme);
    expect(readme).toContain(metricsTable());
    expect(readmeWithTable(readme.replace('kortd_readers', 'kortd_terminals'))).toBe(readme);
  });

  it('has each name once', () => {
    const names = METRICS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  it('has labels with closed sets alone, none of them empty or with a value twice', () => {
    for (const { name, labels } of METRICS)
      for (const [label, values] of Object.entries(labels)) {
        expect(values.length, `${name} ${label}`).toBeGreaterThan(0);
        expect(new Set(values).size, `${name} ${label}`).toBe(values.length);
      }
  });
});
