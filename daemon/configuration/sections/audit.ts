/** The audit log. */
import Type from 'typebox';
import { notes } from '../option.ts';

export const AuditSection = Type.Object(
  {
    retentionDays: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 36_500,
        ...notes({
          en: 'How many days records of the audit log are kept. A policy file that says it wins.',
          sv: 'Hur många dagar granskningsloggens poster sparas. En policyfil som anger det har företräde.',
          reload: 'live',
          otherwise: { en: 'for ever', sv: 'för alltid' },
        }),
      }),
    ),
  },
  { additionalProperties: false },
);
