/** The errors of scanners of identity documents. Part of `errors.ts`. */
import type { ErrorDefinition } from './errors.ts';

/** Sorted by code. */
export const SCANNER_ERRORS = {
  scan_cancelled: {
    httpStatus: 409,
    retry: 'after_user_action',
    en: { happened: 'the scan was cancelled.', action: 'Start it again when the document is at hand.' },
    sv: { happened: 'inläsningen avbröts.', action: 'Starta den igen när handlingen finns till hands.' },
  },
  scan_not_found: {
    httpStatus: 404,
    retry: 'after_user_action',
    en: { happened: 'the caller has no scan of this id, or no longer.', action: 'Scan the document again.' },
    sv: { happened: 'anroparen har ingen inläsning med detta id, eller inte längre.', action: 'Läs in handlingen igen.' },
  },
  scanner_busy: {
    httpStatus: 409,
    retry: 'now',
    en: { happened: 'another program holds the scanner.', action: 'Close the other program, and try again.' },
    sv: { happened: 'ett annat program håller skannern.', action: 'Stäng det andra programmet och försök igen.' },
  },
  scanner_failed: {
    httpStatus: 502,
    retry: 'now',
    en: {
      happened: 'the scanner or its driver answered something that cannot be used.',
      action: 'Put the document in again. If it happens again, unplug the scanner and plug it in.',
    },
    sv: {
      happened: 'skannern eller dess drivrutin svarade något som inte går att använda.',
      action: 'Lägg i handlingen igen. Om felet återkommer, dra ut skannern och anslut den igen.',
    },
  },
  scanner_gone: {
    httpStatus: 503,
    retry: 'after_user_action',
    en: { happened: 'the scanner is not connected.', action: 'Check its cable. It is found again by itself.' },
    sv: { happened: 'skannern är inte ansluten.', action: 'Kontrollera sladden. Skannern hittas igen av sig själv.' },
  },
  scanner_not_found: {
    httpStatus: 404,
    retry: 'no',
    en: { happened: 'there is no such scanner.', action: 'Choose one that scanner.list names.' },
    sv: { happened: 'det finns ingen sådan skanner.', action: 'Välj en som scanner.list anger.' },
  },
  scanner_timed_out: {
    httpStatus: 504,
    retry: 'after_user_action',
    en: {
      happened: 'no document was read within {timeoutMs} ms.',
      action: 'Put the document in as the scanner shows, and try again.',
    },
    sv: {
      happened: 'ingen handling lästes inom {timeoutMs} ms.',
      action: 'Lägg i handlingen så som skannern visar och försök igen.',
    },
  },
  scanner_unavailable: {
    httpStatus: 503,
    retry: 'now',
    en: {
      happened: 'the program or service behind the scanner does not answer.',
      action: 'Try again in a moment. If it goes on, start that program anew.',
    },
    sv: {
      happened: 'programmet eller tjänsten bakom skannern svarar inte.',
      action: 'Försök igen om en stund. Om det fortsätter, starta om programmet.',
    },
  },
  scanner_unlicensed: {
    httpStatus: 403,
    retry: 'no',
    en: {
      happened: 'the scanner has no valid licence.',
      action: 'Have the administrator renew the licence with the vendor of the scanner.',
    },
    sv: {
      happened: 'skannern har ingen giltig licens.',
      action: 'Låt administratören förnya licensen hos skannerns leverantör.',
    },
  },
} as const satisfies Record<string, ErrorDefinition>;

/** What a scan can end in. */
export const SCAN_ERRORS = [
  'content_not_found',
  'picture_invalid',
  'scan_cancelled',
  'scanner_busy',
  'scanner_failed',
  'scanner_gone',
  'scanner_not_found',
  'scanner_timed_out',
  'scanner_unavailable',
  'scanner_unlicensed',
] as const;
