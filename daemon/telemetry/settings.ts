/** What is told to whom, as the administrator wants it. Nothing unless it is said. */
import Type, { type Static } from 'typebox';

/** After the ports of the API (27150), the console and https. */
export const DEFAULT_METRICS_PORT = 27_153;

export const MetricsSettings = Type.Object(
  {
    port: Type.Integer({
      minimum: 0,
      maximum: 65_535,
      default: DEFAULT_METRICS_PORT,
      description: 'Port on 127.0.0.1 and [::1] where Prometheus reads /metrics; 0 takes any free one.',
    }),
    tokenFile: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 4_096,
        description:
          'File with the token that whoever reads must have (Authorization: Bearer). Without it every program of this machine may read.',
      }),
    ),
  },
  { additionalProperties: false, description: 'Figures for Prometheus.' },
);
export type MetricsSettings = Static<typeof MetricsSettings>;

export const TraceSettings = Type.Object(
  {
    url: Type.String({
      pattern: '^https?://[^\\s@]+$',
      maxLength: 2_048,
      description:
        'Where a collector takes traces, OTLP over HTTP: "http://127.0.0.1:4318/v1/traces". Over a network: https only.',
    }),
    tokenFile: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 4_096,
        description: 'File with the token that the collector wants (Authorization: Bearer).',
      }),
    ),
  },
  { additionalProperties: false, description: 'Traces by OpenTelemetry.' },
);
export type TraceSettings = Static<typeof TraceSettings>;

export const TelemetrySettings = Type.Object(
  { metrics: Type.Optional(MetricsSettings), traces: Type.Optional(TraceSettings) },
  { additionalProperties: false, description: 'What is told of the daemon’s own work. Off unless given.' },
);
export type TelemetrySettings = Static<typeof TelemetrySettings>;
