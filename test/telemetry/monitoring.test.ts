/** What comes with kortd for Prometheus and Grafana, held against promtool (Debian: prometheus). That each metric exists is in metrics.test.ts. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { METRICS } from '../../daemon/telemetry/metrics-table.ts';
import { promtool } from './scrape.ts';

const FOLDER = join(import.meta.dirname, '..', '..', 'installer', 'monitoring');
const ALERTS = join(FOLDER, 'kortd-alerts.yaml');
const dashboard = readFileSync(join(FOLDER, 'grafana-dashboard.json'), 'utf8');

interface Panel {
  readonly type: string;
  readonly id: number;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly refId: string; readonly expr: string }[];
}

const { panels } = JSON.parse(dashboard) as { readonly panels: readonly Panel[] };
const expressions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

/** One recording rule for each expression; Grafana's own variables have a value. */
function asRules(all: readonly string[]): string {
  const rules = all.map((expr, index) => ({ record: `dashboard:${index}`, expr: expr.replaceAll('$__rate_interval', '5m') }));
  return JSON.stringify({ groups: [{ name: 'dashboard', rules }] }); // YAML has all of JSON
}

function checkRules(text: string): ReturnType<typeof promtool> {
  const folder = mkdtempSync(join(tmpdir(), 'kortd-rules-'));
  try {
    const file = join(folder, 'rules.yaml');
    writeFileSync(file, text);
    return promtool(['check', 'rules', file]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('what comes for Prometheus', () => {
  it('are alert rules that promtool takes', () => {
    const { status, said } = promtool(['check', 'rules', ALERTS]);
    expect([status, said]).toEqual([0, expect.stringMatching(/SUCCESS: 11 rules found/)]);
  });

  it('is a configuration that promtool takes, rules and all', () => {
    const { status, said } = promtool(['check', 'config', join(FOLDER, 'prometheus-scrape.yaml')]);
    expect([status, said]).toEqual([0, expect.stringContaining('valid prometheus config file')]);
  });
});

describe('the dashboard', () => {
  it('has expressions that Prometheus can read', () => {
    expect(expressions.length).toBeGreaterThan(30);
    const { status, said } = checkRules(asRules(expressions));
    expect([status, said]).toEqual([0, expect.stringContaining(`SUCCESS: ${expressions.length} rules found`)]);
    expect(checkRules(asRules(['sum by (('])).status).not.toBe(0);
  });

  it('shows every metric that there is', () => {
    const asked = expressions.join('\n');
    expect(METRICS.filter(({ name }) => !asked.includes(name)).map(({ name }) => name)).toEqual([]);
  });

  it('has panels that do not lie upon each other, each with an id of its own', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const places = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, index) => `${x + (index % w)},${y + Math.floor(index / w)}`),
    );
    expect(new Set(places).size).toBe(places.length);
    expect(Math.max(...panels.map(({ gridPos: { x, w } }) => x + w))).toBe(24);
  });
});
