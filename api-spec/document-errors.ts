/** The errors of travel documents: one that does not open, a zone that is none, a chip that is a copy. Part of `errors.ts`. */
import type { ErrorDefinition } from './errors.ts';

/** Sorted by code. */
export const DOCUMENT_ERRORS = {
  chip_not_genuine: {
    httpStatus: 422,
    retry: 'no',
    en: {
      happened: 'the chip does not have the key that the document names: it may be a copy.',
      action: 'Treat the document as one that may be false: follow the routine of the office for it.',
    },
    sv: {
      happened: 'chippet har inte nyckeln som handlingen anger: det kan vara en kopia.',
      action: 'Hantera handlingen som möjligen falsk: följ kontorets rutin för det.',
    },
  },
  document_access_refused: {
    httpStatus: 403,
    retry: 'after_user_action',
    en: {
      happened:
        'the document does not open with what was given: its machine-readable zone or card access number is another, or it has none.',
      action: 'Compare every character with what is printed, and that it is this document that lies on the reader.',
    },
    sv: {
      happened:
        'handlingen öppnas inte med det som angavs: dess maskinläsbara zon eller kortnummer (CAN) är ett annat, eller saknas.',
      action: 'Jämför varje tecken med det som är tryckt, och att det är rätt handling som ligger på läsaren.',
    },
  },
  mrz_invalid: {
    httpStatus: 422,
    retry: 'after_user_action',
    en: {
      happened: 'that is no machine-readable zone ({problem}).',
      action: 'Read or type the two or three lines at the bottom of the document again.',
    },
    sv: {
      happened: 'det är ingen maskinläsbar zon ({problem}).',
      action: 'Läs eller skriv in de två eller tre raderna längst ned på handlingen på nytt.',
    },
  },
} as const satisfies Record<string, ErrorDefinition>;
