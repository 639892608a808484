/** Traces as a collector gets them, of calls over the API; and that no collector, slow, gone or full, is waited for. */
import { describe, expect, it } from 'vitest';
import { ERRORS } from '../../api-spec/errors.ts';
import { METHOD_NAMES } from '../../api-spec/methods/index.ts';
import { CARD_KIND_LABELS } from '../../daemon/telemetry/card-kind.ts';
import { CARD_OPERATIONS } from '../../daemon/telemetry/card-operations.ts';
import { openTraces } from '../../daemon/telemetry/open-telemetry.ts';
import { Telemetry } from '../../daemon/telemetry/telemetry.ts';
import { PIN, errorOf, eventually, openBench, resultOf, watchedPivCard, WRONG_PIN } from '../api/support.ts';
import { openCollector, type Collector, type ReceivedSpan } from './collector.ts';

const WAIT_MS = 20_000;
const CALL = { kind: 'call', name: 'card.read', caller: 'program' } as const;

const NAMES: ReadonlySet<string> = new Set([
  ...METHOD_NAMES,
  'unknown',
  'card transaction',
  ...CARD_OPERATIONS.map((operation) => `card ${operation}`),
  ...['card', 'person', 'turn'].map((wait) => `wait for ${wait}`),
]);
const VALUES: Readonly<Record<string, readonly string[]>> = {
  'error.type': Object.keys(ERRORS),
  'kortd.caller': ['page', 'program'],
  'kortd.card': CARD_KIND_LABELS,
  'rpc.method': [...METHOD_NAMES, 'unknown'],
  'rpc.system': ['jsonrpc'],
};

/** Of closed sets, or numbers. */
function strangers({ name, attributes, status }: ReceivedSpan): readonly string[] {
  return [
    ...(NAMES.has(name) ? [] : [name]),
    ...(status?.message === undefined || status.message in ERRORS ? [] : [status.message]),
    ...Object.entries(attributes)
      .filter(([key, value]) => typeof value !== 'number' && !VALUES[key]?.includes(String(value)))
      .map(([key, value]) => `${key}=${value}`),
  ];
}

function named({ spans }: Collector, name: string): ReceivedSpan {
  const found = spans.find((span) => span.name === name);
  if (!found) throw new Error(`the collector got no ${name}, but ${spans.map((span) => span.name).join(', ')}`);
  return found;
}

describe('traces', () => {
  it('lead from a call over its waits and its transaction to the operations of the card, with the APDUs of each', async () => {
    await using collector = await openCollector();
    {
      await using bench = await openBench({ telemetry: { traces: { url: collector.url } } });
      const card = await bench.insert(watchedPivCard());
      const api = await bench.socket();
      resultOf(await api.call('pin.verify', { card, pin: PIN }));
      errorOf(await api.call('pin.verify', { card, pin: WRONG_PIN }));
      errorOf(await api.call('Anna Lindqvist' as 'card.read', { personalNumber: '198002141234' }));
    }
    expect(collector.problems).toEqual([]);
    expect(collector.resources[0]).toMatchObject({ 'service.name': 'kortd', 'service.version': '0.1.0' });

    const call = named(collector, 'pin.verify');
    expect(call).toMatchObject({
      kind: 2,
      parentSpanId: '',
      attributes: { 'rpc.method': 'pin.verify', 'kortd.caller': 'program' },
    });
    const inTrace = collector.spans.filter(({ traceId }) => traceId === call.traceId);
    const [turn, transaction, verify] = ['wait for turn', 'card transaction', 'card verify_pin'].map((name) =>
      inTrace.find((span) => span.name === name),
    );
    expect(turn?.parentSpanId).toBe(call.spanId);
    expect(transaction).toMatchObject({ parentSpanId: call.spanId, attributes: { 'kortd.card': 'piv' } });
    expect(verify).toMatchObject({ parentSpanId: transaction?.spanId, attributes: { 'kortd.card': 'piv' } });
    const count = (span: ReceivedSpan | undefined): number => Number(span?.attributes['kortd.apdu.count']);
    expect(count(verify)).toBeGreaterThan(0);
    expect(count(transaction)).toBeGreaterThanOrEqual(count(verify));
    expect(count(call)).toBe(count(transaction));
    for (const { durationMs } of collector.spans) expect(durationMs).toBeGreaterThanOrEqual(0);

    const failed = collector.spans
      .filter(({ status }) => status?.code === 2)
      .map(({ name, attributes }) => [name, attributes['error.type']]);
    expect(failed).toContainEqual(['pin.verify', 'pin_rejected']);
    expect(failed).toContainEqual(['card verify_pin', 'pin_rejected']);
    expect(failed).toContainEqual(['unknown', 'method_not_found']);
    expect(collector.spans.flatMap(strangers)).toEqual([]);
    expect(JSON.stringify([collector.spans, collector.resources])).not.toMatch(/Lindqvist|19800214|Bench 0/);
  });

  it('are told with the token that the collector wants', async () => {
    await using collector = await openCollector();
    const telemetry = new Telemetry();
    {
      await using stack = new AsyncDisposableStack();
      stack.use(
        openTraces(telemetry, {
          url: collector.url,
          token: 'secret-of-the-collector',
          onExported: () => undefined,
        }),
      );
      await telemetry.watch(CALL, () => Promise.resolve());
    }
    expect(collector.authorizations).toEqual(['Bearer secret-of-the-collector']);
    expect(collector.spans).toHaveLength(1);
  });

  it('of a thousand operations end with the first hundred and twenty-eight', async () => {
    await using collector = await openCollector();
    const telemetry = new Telemetry();
    const outcomes = new Map<string, number>();
    {
      await using stack = new AsyncDisposableStack();
      const onExported = (count: number, outcome: string): void =>
        void outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + count);
      stack.use(openTraces(telemetry, { url: collector.url, token: undefined, onExported }));
      await telemetry.watch(CALL, async () => {
        for (let index = 0; index < 1_000; index++) telemetry.begin({ kind: 'wait', name: 'turn' })();
        await Promise.resolve();
      });
    }
    expect(collector.spans).toHaveLength(128);
    expect(Object.fromEntries(outcomes)).toEqual({ sent: 128, beyond_limit: 873 });
    expect(new Set(collector.spans.map(({ traceId }) => traceId)).size).toBe(1);
  });

  it('are lost, and calls go on, while the collector hangs; what waits is bounded', async () => {
    await using collector = await openCollector({ hangs: true });
    const telemetry = new Telemetry();
    const outcomes: [number, string][] = [];
    const onExported = (count: number, outcome: string): void => void outcomes.push([count, outcome]);
    const CALLS = 20_000;
    {
      await using stack = new AsyncDisposableStack();
      stack.use(openTraces(telemetry, { url: collector.url, token: undefined, onExported }));
      for (let index = 0; index < CALLS; index++) await telemetry.watch(CALL, () => Promise.resolve());
      await eventually('a batch being sent', () => collector.authorizations.length > 0, WAIT_MS);
    }
    const lost = (how: string): number => outcomes.reduce((sum, [count, outcome]) => sum + (outcome === how ? count : 0), 0);
    expect(outcomes.every(([, outcome]) => outcome === 'failed' || outcome === 'queue_full')).toBe(true);
    // Whatever was handed to the collector: far less than there was. The rest is told as well.
    expect(lost('failed')).toBeLessThan(CALLS / 4);
    expect(lost('queue_full')).toBeGreaterThan((CALLS * 3) / 4);
  });

  it('go nowhere over a network without TLS, and the daemon runs all the same', async () => {
    await using bench = await openBench({ telemetry: { traces: { url: 'http://192.0.2.7:4318/v1/traces' } } });
    expect(resultOf(await (await bench.socket()).call('reader.list')).readers).toHaveLength(1);
  });
});
