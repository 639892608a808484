/** Traces by OpenTelemetry. Off unless a collector is given. */
import Type from 'typebox';
import { notes } from '../option.ts';

export const TracesSection = Type.Object(
  {
    tokenFile: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 4_096,
        ...notes({
          en: 'File with the token that the collector wants (Authorization: Bearer).',
          sv: 'Fil med det token som mottagaren vill ha (Authorization: Bearer).',
          reload: 'live',
          isPath: true,
          otherwise: { en: 'none is sent', sv: 'inget skickas' },
        }),
      }),
    ),
    url: Type.Optional(
      Type.String({
        pattern: '^https?://[^\\s@]+$',
        maxLength: 2_048,
        ...notes({
          en: 'Where a collector takes traces, OTLP over HTTP, as `http://127.0.0.1:4318/v1/traces`. Over a network https alone.',
          sv: 'Dit spår skickas, OTLP över HTTP, som `http://127.0.0.1:4318/v1/traces`. Över ett nät bara https.',
          reload: 'live',
          flag: '--traces <URL>',
          allowed: {
            en: 'an address that begins with http:// or https://',
            sv: 'en adress som börjar med http:// eller https://',
          },
          otherwise: { en: 'no traces', sv: 'inga spår' },
        }),
      }),
    ),
  },
  { additionalProperties: false },
);
