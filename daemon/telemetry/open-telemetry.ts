/**
 * Traces by OTLP over HTTP (JSON): the one module that knows OpenTelemetry. Loaded when traces are switched on. A call is a trace; its transactions, card operations
 * and waits are in it, with how many commands went to the card. Spans wait in a bounded queue and are dropped when it is full; no call waits for a collector.
 */
import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span as OtelSpan,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider, type SpanExporter, type SpanProcessor } from '@opentelemetry/sdk-trace';
import { randomUUID } from 'node:crypto';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import { PRODUCT, VERSION } from '../version.ts';
import type { Span, Telemetry, Watched } from './telemetry.ts';

/** Spans that wait for the collector: a minute of a busy desk. */
const QUEUE_SPANS = 2_048;
const BATCH_SPANS = 256;
const BATCH_DELAY_MS = 2_000;
/** For one batch, tries included. */
const EXPORT_MS = 3_000;
/** When the daemon ends, for all that waits. */
const CLOSE_MS = 1_500;
/** A batch of a thousand signatures is no thousand spans. */
const SPANS_OF_A_TRACE = 128;

export interface TraceOptions {
  readonly url: string;
  readonly token: string | undefined;
  /** Spans that reached the collector, or did not: it did not take them, the queue was full, or a trace had too many. */
  readonly onExported: (count: number, outcome: SpanOutcome) => void;
  readonly batchDelayMs?: number;
}

/** What became of a span, sorted by name. */
export const SPAN_OUTCOMES = ['beyond_limit', 'failed', 'queue_full', 'sent'] as const;
export type SpanOutcome = (typeof SPAN_OUTCOMES)[number];

interface Traced {
  readonly span: OtelSpan;
  readonly context: Context;
  /** Of the whole trace. */
  readonly count: { spans: number };
}

/** Tells the collector from here on. The caller disposes; what waits is sent then, for a short while. */
export function openTraces(telemetry: Telemetry, options: TraceOptions): AsyncDisposable {
  // Ours, so that no connection outlives the daemon's wish to tell.
  const agent = new (options.url.startsWith('https:') ? HttpsAgent : HttpAgent)({ keepAlive: true, maxSockets: 2 });
  const provider = openProvider(options, agent);
  const tracer = provider.getTracer(PRODUCT, VERSION);
  const known = new WeakMap<Span, Traced>();
  const observing = telemetry.observe({
    began(span) {
      const parent = span.parent && known.get(span.parent);
      if (span.parent && !parent) return;
      const count = parent?.count ?? { spans: 0 };
      if (++count.spans > SPANS_OF_A_TRACE) {
        options.onExported(1, 'beyond_limit');
        return;
      }
      const { startedAt: startTime, what } = span;
      const kind = what.kind === 'call' ? SpanKind.SERVER : SpanKind.INTERNAL;
      const made = tracer.startSpan(nameOf(what), { startTime, kind }, parent?.context ?? ROOT_CONTEXT);
      known.set(span, { span: made, context: trace.setSpan(ROOT_CONTEXT, made), count });
    },
    ended(span) {
      const traced = known.get(span);
      if (!traced) return;
      traced.span.setAttributes(attributesOf(span));
      if (span.code !== undefined) traced.span.setStatus({ code: SpanStatusCode.ERROR, message: span.code });
      traced.span.end(span.startedAt + span.durationMs);
    },
  });
  return {
    async [Symbol.asyncDispose]() {
      observing[Symbol.dispose]();
      const sent = provider.shutdown().catch(() => undefined); // what could not be sent was counted
      await Promise.race([sent, delay(CLOSE_MS, undefined, { ref: false })]);
      agent.destroy();
    },
  };
}

function openProvider(
  { url, token, onExported, batchDelayMs = BATCH_DELAY_MS }: TraceOptions,
  agent: HttpAgent | HttpsAgent,
): TracerProvider {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const limits = { timeoutMillis: EXPORT_MS, concurrencyLimit: QUEUE_SPANS / BATCH_SPANS };
  const waiting = { spans: 0 };
  const exporter = counting(new OTLPTraceExporter({ url, headers, ...limits, httpAgentOptions: () => agent }), {
    waiting,
    onExported,
  });
  return new TracerProvider({
    resource: resourceFromAttributes({
      'service.name': PRODUCT,
      'service.version': VERSION,
      // New at each start: it names a run, not a machine.
      'service.instance.id': randomUUID(),
    }),
    spanProcessors: [
      bounded(
        new BatchSpanProcessor({
          ...{ exporter, maxQueueSize: QUEUE_SPANS, maxExportBatchSize: BATCH_SPANS },
          ...{ scheduledDelayMillis: batchDelayMs, exportTimeoutMillis: EXPORT_MS },
        }),
        { waiting, onExported },
      ),
    ],
  });
}

interface Counted extends Pick<TraceOptions, 'onExported'> {
  readonly waiting: { spans: number };
}

/** The library drops what its queue has no room for, and tells nobody: so none of these comes to it. */
function bounded(processor: SpanProcessor, { waiting, onExported }: Counted): SpanProcessor {
  return {
    onStart: (span, context) => processor.onStart(span, context),
    onEnd: (span) => {
      if (waiting.spans >= QUEUE_SPANS) {
        onExported(1, 'queue_full');
        return;
      }
      waiting.spans++;
      processor.onEnd(span);
    },
    forceFlush: () => processor.forceFlush(),
    shutdown: () => processor.shutdown(),
  };
}

function counting(exporter: SpanExporter, { waiting, onExported }: Counted): SpanExporter {
  return {
    export: (spans, done) => {
      waiting.spans -= spans.length;
      exporter.export(spans, (result) => {
        onExported(spans.length, result.error === undefined ? 'sent' : 'failed');
        done(result);
      });
    },
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
    shutdown: () => exporter.shutdown(),
  };
}

function nameOf(what: Watched): string {
  if (what.kind === 'call') return what.name;
  if (what.kind === 'transaction') return 'card transaction';
  return what.kind === 'operation' ? `card ${what.name}` : `wait for ${what.name}`;
}

/** Names as in the semantic conventions for RPC where there are any; all values are of closed sets, or numbers. */
function attributesOf({ what, code, exchanges, sentBytes, receivedBytes }: Span): Attributes {
  return {
    ...(what.kind === 'call' ? { 'rpc.system': 'jsonrpc', 'rpc.method': what.name, 'kortd.caller': what.caller } : {}),
    ...(what.kind === 'operation' || what.kind === 'transaction' ? { 'kortd.card': what.card() } : {}),
    ...(what.kind === 'wait'
      ? {}
      : { 'kortd.apdu.count': exchanges, 'kortd.apdu.sent_bytes': sentBytes, 'kortd.apdu.received_bytes': receivedBytes }),
    ...(code === undefined ? {} : { 'error.type': code }),
  };
}
