/** The log on standard error. */
import Type from 'typebox';
import { notes } from '../option.ts';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;

export const LogSection = Type.Object(
  {
    level: Type.Enum(LOG_LEVELS, {
      default: 'info',
      ...notes({
        en: 'What is logged: this level and those after it.',
        sv: 'Vad som loggas: denna nivå och de efter den.',
        reload: 'live',
        flag: '--log-level <LEVEL>',
      }),
    }),
  },
  { additionalProperties: false },
);
