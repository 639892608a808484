/** What is told to whom, as the administrator wants it. Nothing unless it is said. */
import type { Settings } from '../configuration/schema.ts';

export interface MetricsSettings {
  /** On 127.0.0.1 and [::1]; 0: any free one. */
  readonly port: number;
  /** File with the token that whoever reads must have. Without it every program of this machine may read. */
  readonly tokenFile?: string;
}

export interface TraceSettings {
  /** Where a collector takes traces, OTLP over HTTP. */
  readonly url: string;
  /** File with the token that the collector wants. */
  readonly tokenFile?: string;
}

export interface TelemetrySettings {
  readonly metrics?: MetricsSettings;
  readonly traces?: TraceSettings;
}

/** A token alone switches nothing on. */
export function telemetryOf({ metrics, traces }: Settings): TelemetrySettings {
  const { port } = metrics;
  const { url } = traces;
  return {
    ...(port === undefined ? {} : { metrics: { ...metrics, port } }),
    ...(url === undefined ? {} : { traces: { ...traces, url } }),
  };
}
