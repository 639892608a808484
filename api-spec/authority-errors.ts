/** The errors of certification authorities that kortd asks itself: a part of ERRORS. */
import type { ErrorDefinition } from './errors.ts';

/** Sorted by code. */
export const AUTHORITY_ERRORS = {
  authority_answer_invalid: {
    httpStatus: 502,
    retry: 'no',
    en: {
      happened: 'the certification authority gave no answer that can be trusted: {problem}.',
      action: 'Have the administrator look at the address and the trust anchors of the authority, and ask those who run it.',
    },
    sv: {
      happened: 'certifikatutfärdaren gav inget svar som går att lita på: {problem}.',
      action: 'Be administratören kontrollera utfärdarens adress och förtroendeankare, och fråga dem som driver den.',
    },
  },
  authority_misconfigured: {
    httpStatus: 503,
    retry: 'after_user_action',
    en: {
      happened: 'what the policy says of the certification authority cannot be used: {problem}.',
      action: 'Have the administrator correct it. The authority was not asked.',
    },
    sv: {
      happened: 'det som policyn anger för certifikatutfärdaren går inte att använda: {problem}.',
      action: 'Be administratören rätta det. Utfärdaren har inte tillfrågats.',
    },
  },
  authority_refused: {
    httpStatus: 422,
    retry: 'no',
    en: {
      happened: 'the certification authority refused: {problem}.',
      action: 'Clear it up with those who run it, then call again, or cancel the ceremony.',
    },
    sv: {
      happened: 'certifikatutfärdaren nekade: {problem}.',
      action: 'Red ut det med dem som driver den och anropa igen, eller avbryt ärendet.',
    },
  },
  authority_unknown: {
    httpStatus: 404,
    retry: 'no',
    en: {
      happened: 'the policy of this workstation names no certification authority "{authority}".',
      action: 'See with issuance.listAuthorities which there are.',
    },
    sv: {
      happened: 'arbetsplatsens policy anger ingen certifikatutfärdare ”{authority}”.',
      action: 'Se med issuance.listAuthorities vilka som finns.',
    },
  },
  authority_unreachable: {
    httpStatus: 502,
    retry: 'now',
    en: {
      happened: 'the certification authority cannot be reached: {problem}.',
      action: 'Try again. What was issued already is kept, and is not asked for twice.',
    },
    sv: {
      happened: 'certifikatutfärdaren går inte att nå: {problem}.',
      action: 'Försök igen. Det som redan utfärdats finns kvar och begärs inte två gånger.',
    },
  },
  authority_waits: {
    httpStatus: 503,
    retry: 'now',
    en: {
      happened: 'the certification authority is not done yet, and wants to be asked again in {waitMs} ms.',
      action: 'Call again then: it goes on where it was.',
    },
    sv: {
      happened: 'certifikatutfärdaren är inte klar än och vill bli frågad igen om {waitMs} ms.',
      action: 'Anropa igen då: det fortsätter där det var.',
    },
  },
} as const satisfies Record<string, ErrorDefinition>;
