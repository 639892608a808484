/** The errors of verdicts about identity documents. Part of `errors.ts`. */
import type { ErrorDefinition } from './errors.ts';

/** Sorted by code. */
export const VERDICT_ERRORS = {
  passport_reading_unknown: {
    httpStatus: 404,
    retry: 'after_user_action',
    en: {
      happened: 'there is no such reading of a passport, or it was forgotten.',
      action: 'Read the document again with passport.read.',
    },
    sv: {
      happened: 'det finns ingen sådan läsning av ett pass, eller så har den glömts.',
      action: 'Läs handlingen igen med passport.read.',
    },
  },
  points_invalid: {
    httpStatus: 422,
    retry: 'after_user_action',
    en: {
      happened: 'no upright face has its eyes and chin at these places.',
      action: 'Mark the pupils and the tip of the chin again; left and right are as one looks at the picture.',
    },
    sv: {
      happened: 'inget upprätt ansikte har ögon och haka på dessa ställen.',
      action: 'Markera pupillerna och hakspetsen på nytt; vänster och höger är så som man ser bilden.',
    },
  },
  rule_set_unknown: {
    httpStatus: 404,
    retry: 'no',
    en: { happened: 'the policy has no such rules; it has {known}.', action: 'Choose one of them.' },
    sv: { happened: 'policyn har inga sådana regler; den har {known}.', action: 'Välj någon av dem.' },
  },
  verdict_unknown: {
    httpStatus: 404,
    retry: 'no',
    en: {
      happened: 'there is no such verdict, or it was forgotten.',
      action: 'Have the document judged again with document.verify.',
    },
    sv: {
      happened: 'det finns inget sådant utlåtande, eller så har det glömts.',
      action: 'Låt pröva handlingen igen med document.verify.',
    },
  },
} as const satisfies Record<string, ErrorDefinition>;
