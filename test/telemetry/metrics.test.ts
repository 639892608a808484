/** /metrics after a day's work of a card office: what it says, that promtool has nothing against it, and that nothing in it is of a person. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { METRICS } from '../../daemon/telemetry/metrics-table.ts';
import {
  errorOf,
  eventually,
  openBench,
  resultOf,
  RpcSocket,
  watchedPivCard,
  PIN,
  WRONG_PIN,
  type Bench,
} from '../api/support.ts';
import { layDown, readWhole } from '../documents/desk.ts';
import { PINS, downloadReserveCard, openOffice, orderReserveCard, type Office } from '../issuance/office.ts';
import { METRICS_ON, promtool, samplesOf, scrape, valueOf } from './scrape.ts';

const PAGE = 'https://portal.personal.example';
const MONITORING = join(import.meta.dirname, '..', '..', 'installer', 'monitoring');
const DASHBOARD = join(MONITORING, 'grafana-dashboard.json');
const ALERTS = join(MONITORING, 'kortd-alerts.yaml');

/** Who was at the desk, what is on it, and what was handed in: none of it may be told. */
const PERSONAL = [
  /Lindqvist|Ceder|Öberg|Bj[oö]rn|Cecilia|Anna\b/i,
  /\b(?:19|20)?\d{6}[-+]?\d{4}\b(?!\d)/,
  /SE\d{9,}-\w+/,
  /OFFICE-|Office |Bench \d/,
  /975200000/,
  /portal\.personal/,
  /BENCHPAD1|BENCH-SCANNER/,
];

async function dayOfWork(office: Office): Promise<void> {
  const { api, bench } = office;
  const ordered = await orderReserveCard(office);
  const { ceremony } = await downloadReserveCard(office, ordered);
  resultOf(await api.call('issuance.sign', { ceremony, step: 'receipt', language: 'sv', pin: PINS.underskrift }));
  await orderReserveCard(office);
  for (const method of ['reader.list', 'card.list', 'system.health', 'pad.list', 'scanner.list', 'audit.verify'] as const)
    resultOf(await api.call(method));
  resultOf(await api.call('card.read', { card: { role: 'operator' } }));
  resultOf(await api.call('scanner.scan'));
  errorOf(await api.call('card.read', { card: { role: 'Anna Lindqvist' } }));
  errorOf(await api.call('pin.verify', { card: { role: 'operator' }, pin: '999999' }));
  errorOf(await api.call('card.read', { card: 'Anna Lindqvist' }));
  errorOf(await api.call('Anna Lindqvist' as 'card.read', {}));
  await readByPage(bench);
}

/** A page, whose origin and whose person stay with it. */
async function readByPage(bench: Bench): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${bench.port}/v1/access/request`, {
    method: 'POST',
    headers: { origin: PAGE, 'content-type': 'application/json' },
    body: JSON.stringify({ scopes: ['card.read'] }),
  });
  const { token } = (await answer.json()) as { readonly token: string };
  await using page = await RpcSocket.open(bench.port, token, { origin: PAGE });
  resultOf(await page.call('card.list'));
  errorOf(await page.call('system.reload'));
}

/** Names in an expression: those that are followed by no parenthesis, and are no label. */
function metricsIn(expression: string): readonly string[] {
  return [...new Set(expression.match(/\b(?:kortd|process)_[a-z0-9_]+/g) ?? [])];
}

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
  readonly panels?: readonly Panel[];
}

function expressionsOf(panels: readonly Panel[]): readonly string[] {
  return panels.flatMap(({ targets = [], panels: inner = [] }) => [...targets.map(({ expr }) => expr), ...expressionsOf(inner)]);
}

const families = (text: string): ReadonlySet<string> =>
  new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name));
const familyOf = (name: string): string => name.replace(/_(?:bucket|count|sum)$/, '');

describe('the metrics of a card office', () => {
  it('say what was done, have labels of closed sets alone, tell of no person, and serve dashboard and alerts', async () => {
    await using office = await openOffice({
      telemetry: METRICS_ON,
      policy: { origins: [{ origin: PAGE, scopes: ['card.read'] }] },
    });
    await dayOfWork(office);
    expect(PERSONAL.some((personal) => personal.test('kortd_readers{reader="Office operator 00 00"}'))).toBe(true);
    const text = await scrape(office.bench);

    const said = (name: string, labels: Readonly<Record<string, string>> = {}): number => valueOf(text, name, labels) ?? 0;
    expect(said('kortd_call_duration_seconds_count', { method: 'issuance.enrol', caller: 'program' })).toBe(1);
    expect(said('kortd_call_duration_seconds_count', { method: 'card.list', caller: 'page' })).toBe(1);
    expect(said('kortd_call_errors_total', { method: 'unknown', code: 'method_not_found' })).toBe(1);
    expect(said('kortd_call_errors_total', { method: 'pin.verify', code: 'pin_rejected' })).toBe(1);
    expect(said('kortd_card_operation_errors_total', { operation: 'verify_pin', code: 'pin_rejected' })).toBe(1);
    expect(said('kortd_card_operation_duration_seconds_count', { operation: 'generate_key', card: 'eid' })).toBeGreaterThan(0);
    expect(said('kortd_card_operation_duration_seconds_count', { operation: 'sign', card: 'eid' })).toBeGreaterThan(2);
    expect(said('kortd_apdu_exchanges_total', { card: 'eid' })).toBeGreaterThan(100);
    expect(said('kortd_apdu_sent_bytes_total', { card: 'eid' })).toBeGreaterThan(5 * 100);
    expect(said('kortd_apdu_received_bytes_total', { card: 'eid' })).toBeGreaterThan(2 * 100);
    expect(said('kortd_readers', { status: 'present' })).toBe(3);
    expect(said('kortd_readers', { status: 'empty' })).toBe(1);
    expect(said('kortd_cards', { status: 'ready' })).toBe(3);
    expect(said('kortd_card_jobs', { state: 'finished' })).toBe(1);
    expect(said('kortd_card_jobs', { state: 'none' })).toBe(1);
    expect(said('kortd_scanners', { status: 'ready' })).toBe(1);
    expect(said('kortd_pads', { status: 'ready' })).toBe(1);
    expect(said('kortd_prompt_places', { place: 'agent' })).toBe(1);
    expect(said('kortd_audit_writable')).toBe(1);
    expect(said('kortd_audit_records_total')).toBeGreaterThan(3);
    expect(said('kortd_recovery_duration_seconds_count', { what: 'card' })).toBe(3);
    expect(said('kortd_wait_duration_seconds_count', { for: 'turn' })).toBeGreaterThan(5);
    expect(said('kortd_clients')).toBeGreaterThan(0);

    const definitions = new Map(METRICS.map((definition) => [definition.name, definition]));
    expect([...families(text)].sort()).toEqual([...definitions.keys()].sort());
    for (const { name, labels, value } of samplesOf(text)) {
      const known = definitions.get(familyOf(name)) ?? definitions.get(name);
      expect(Number.isFinite(value), name).toBe(true);
      for (const [label, its] of Object.entries(labels)) {
        if (label === 'le') expect(its, name).toMatch(/^(?:\+Inf|[\d.]+)$/);
        else expect(known?.labels[label], `${name} ${label}`).toContain(its);
      }
    }
    const withoutNumbers = text.replaceAll(/ \S+$/gm, '');
    expect(PERSONAL.filter((personal) => personal.test(withoutNumbers))).toEqual([]);
    expect(promtool(['check', 'metrics'], text)).toEqual({ status: 0, said: '' });

    const { panels } = JSON.parse(readFileSync(DASHBOARD, 'utf8')) as { readonly panels: readonly Panel[] };
    const asked = [...expressionsOf(panels), readFileSync(ALERTS, 'utf8')];
    const scraped = families(text);
    expect(asked.flatMap(metricsIn).filter((name) => !scraped.has(familyOf(name)) && !scraped.has(name))).toEqual([]);
  });

  it('has figures of the passport that lies there, and of a card that is leased', async () => {
    await using bench = await openBench({ telemetry: METRICS_ON });
    const desk = await layDown(bench);
    await readWhole(desk);
    const text = await scrape(bench);
    expect(valueOf(text, 'kortd_card_operation_duration_seconds_count', { operation: 'open_document', card: 'emrtd' })).toBe(1);
    expect(
      valueOf(text, 'kortd_card_operation_duration_seconds_count', { operation: 'read_file', card: 'emrtd' }),
    ).toBeGreaterThan(3);
  });

  it('tell how long everything took to come back after the service behind the readers was away', async () => {
    await using bench = await openBench({ telemetry: METRICS_ON });
    await bench.insert(watchedPivCard());
    bench.source.stopService();
    await eventually('the service being away', () => bench.daemon.desk.health.every(({ available }) => !available));
    const away = await scrape(bench);
    expect(valueOf(away, 'kortd_reader_source_available', { source: 'simulated' })).toBe(0);
    expect(valueOf(away, 'kortd_readers', { status: 'unavailable' })).toBe(1);
    bench.source.startService();
    await eventually(
      'the card being known again',
      () => bench.daemon.desk.cards.some(({ status }) => status === 'ready'),
      20_000,
    );
    const back = await scrape(bench);
    for (const what of ['service', 'reader'])
      expect(valueOf(back, 'kortd_recovery_duration_seconds_count', { what }), what).toBe(1);
    expect(valueOf(back, 'kortd_recovery_duration_seconds_count', { what: 'card' })).toBe(2);
    expect(valueOf(back, 'kortd_reader_source_recoveries_total', { source: 'simulated' })).toBe(1);
    expect(valueOf(back, 'kortd_reader_source_available', { source: 'simulated' })).toBe(1);
  });

  it('count a wrong PIN as the error that it is, and the calls that wait', async () => {
    await using bench = await openBench({ telemetry: METRICS_ON });
    const card = await bench.insert(watchedPivCard());
    const api = await bench.socket();
    errorOf(await api.call('pin.verify', { card, pin: WRONG_PIN }));
    resultOf(await api.call('pin.verify', { card, pin: PIN }));
    const text = await scrape(bench);
    expect(valueOf(text, 'kortd_card_operation_duration_seconds_count', { operation: 'verify_pin', card: 'piv' })).toBe(2);
    expect(valueOf(text, 'kortd_card_operation_errors_total', { operation: 'verify_pin', code: 'pin_rejected' })).toBe(1);
  });
});
