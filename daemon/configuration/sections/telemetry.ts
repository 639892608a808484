/** Figures for Prometheus and traces for OpenTelemetry: off unless set. */
import Type from 'typebox';
import { notes } from '../option.ts';

export const TelemetrySection = Type.Object(
  {
    metricsPort: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 65_535,
        ...notes({
          en: 'Serves figures for Prometheus at `/metrics` on this loopback port; `--metrics` alone takes 27153.',
          sv: 'Visar mätvärden för Prometheus på `/metrics` på denna port på datorn; enbart `--metrics` tar 27153.',
          reload: 'restart',
          flag: '--metrics [PORT]',
          otherwise: { en: 'off', sv: 'av' },
        }),
      }),
    ),
    tracesUrl: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 2_048,
        ...notes({
          en: 'Sends traces to this collector: OTLP over HTTP, as `http://127.0.0.1:4318/v1/traces`.',
          sv: 'Skickar spår till denna mottagare: OTLP över HTTP, som `http://127.0.0.1:4318/v1/traces`.',
          reload: 'restart',
          flag: '--traces <URL>',
          otherwise: { en: 'off', sv: 'av' },
        }),
      }),
    ),
  },
  { additionalProperties: false },
);
