/**
 * The figures as Prometheus reads them: the one module that knows prom-client. Loaded when metrics are switched on. Names, labels and buckets come from the tables in
 * measurements.ts and figures.ts; the registry is this one's own.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { FIGURES, type FigureDefinition, type Sample, type WatchedParts } from './figures.ts';
import { openLoopDelay, type LoopDelay } from './loop-delay.ts';
import { MEASURED, measurementsOf, recoveryMeasurement, type MeasuredDefinition, type Measurement } from './measurements.ts';
import type { Telemetry } from './telemetry.ts';

export interface Metrics extends Disposable {
  readonly contentType: string;
  /** In the text format of Prometheus. */
  text(): Promise<string>;
}

export interface MetricsOptions {
  readonly telemetry: Telemetry;
  readonly parts: WatchedParts;
  /** A figure could not be read: it is left out. */
  readonly onProblem: (name: string, error: unknown) => void;
}

/** Measures from here on. The caller disposes. */
export function openMetrics({ telemetry, parts, onProblem }: MetricsOptions): Metrics {
  const registry = new Registry();
  const take = measure(registry);
  const loop = openLoopDelay();
  for (const definition of FIGURES) show(definition, registry, { parts, loop, onProblem });
  const observing = telemetry.observe({
    ended: (span) => {
      for (const measurement of measurementsOf(span)) take(measurement);
    },
    recovered: (what, durationMs) => take(recoveryMeasurement(what, durationMs)),
  });
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    [Symbol.dispose]() {
      observing[Symbol.dispose]();
      loop[Symbol.dispose]();
      registry.clear();
    },
  };
}

function measure(registry: Registry): (measurement: Measurement) => void {
  const takers = new Map<string, (labels: Readonly<Record<string, string>>, value: number) => void>();
  const definitions: readonly MeasuredDefinition[] = MEASURED;
  for (const { name, kind, help, labels, buckets } of definitions) {
    const common = { name, help, labelNames: Object.keys(labels), registers: [registry] };
    if (kind === 'counter') {
      const counter = new Counter(common);
      takers.set(name, (values, value) => counter.inc(values, value));
    } else {
      const histogram = new Histogram({ ...common, buckets: [...(buckets ?? [])] });
      takers.set(name, (values, value) => histogram.observe(values, value));
    }
  }
  return ({ name, labels, value }) => takers.get(name)?.(labels, value);
}

interface Looking extends Pick<MetricsOptions, 'onProblem' | 'parts'> {
  readonly loop: LoopDelay;
}

/** Looked at when it is asked for. */
function show(definition: FigureDefinition, registry: Registry, looking: Looking): void {
  const { name, kind, help, labels } = definition;
  const common = { name, help, labelNames: Object.keys(labels), registers: [registry] };
  if (kind === 'counter') {
    const counter: Counter = new Counter({
      ...common,
      collect: () => {
        counter.reset();
        for (const sample of look(definition, looking)) counter.inc(sample.labels, sample.value);
      },
    });
    return;
  }
  const gauge: Gauge = new Gauge({
    ...common,
    collect: () => {
      gauge.reset();
      for (const sample of look(definition, looking)) gauge.set(sample.labels, sample.value);
    },
  });
}

/** One part of the daemon that cannot be looked at keeps nobody from the rest. */
function look({ name, read }: FigureDefinition, { parts, loop, onProblem }: Looking): readonly Sample[] {
  try {
    return read(parts, loop);
  } catch (error) {
    onProblem(name, error);
    return [];
  }
}
