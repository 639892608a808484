/** Figures for Prometheus. Off unless a port is given. */
import Type from 'typebox';
import { notes } from '../option.ts';

export const MetricsSection = Type.Object(
  {
    port: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 65_535,
        ...notes({
          en: 'Port on 127.0.0.1 and [::1] where Prometheus reads `/metrics`. 0 takes any free one.',
          sv: 'Port på 127.0.0.1 och [::1] där Prometheus läser `/metrics`. 0 tar en ledig.',
          reload: 'live',
          flag: '--metrics <PORT>',
          otherwise: { en: 'no figures', sv: 'inga mätvärden' },
        }),
      }),
    ),
    tokenFile: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 4_096,
        ...notes({
          en: 'File with the token that whoever reads must have (Authorization: Bearer).',
          sv: 'Fil med det token som den som läser måste ha (Authorization: Bearer).',
          reload: 'live',
          isPath: true,
          otherwise: { en: 'every program of this computer may read', sv: 'varje program på datorn får läsa' },
        }),
      }),
    ),
  },
  { additionalProperties: false },
);
