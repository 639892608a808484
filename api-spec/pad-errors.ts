/** The errors of signature pads: a part of ERRORS. */
import type { ErrorDefinition } from './errors.ts';

/** Sorted by code. */
export const PAD_ERRORS = {
  pad_biometric_unprotected: {
    httpStatus: 409,
    retry: 'after_user_action',
    en: {
      happened: 'how the pen moved was asked for, and no certificate is configured to which it could be encrypted.',
      action: 'Have the administrator name one in a policy file (pads.biometricRecipients), or ask for the picture alone.',
    },
    sv: {
      happened: 'pennans rörelser begärdes, och inget certifikat är inställt som de kunde krypteras till.',
      action: 'Låt administratören ange ett i en policyfil (pads.biometricRecipients), eller begär bara bilden.',
    },
  },
  pad_busy: {
    httpStatus: 409,
    retry: 'after_user_action',
    en: {
      happened: 'the pad is in use: somebody signs on it, or another program holds it.',
      action: 'Wait until it is free, or close the other program.',
    },
    sv: {
      happened: 'plattan används: någon skriver under på den, eller ett annat program håller den.',
      action: 'Vänta tills den är ledig, eller stäng det andra programmet.',
    },
  },
  pad_cancelled: {
    httpStatus: 409,
    retry: 'after_user_action',
    en: {
      happened: 'the signing was cancelled: on the pad, or by a program (details: by).',
      action: 'Ask again only when the person wants to sign.',
    },
    sv: {
      happened: 'underskriften avbröts: på plattan, eller av ett program (details: by).',
      action: 'Fråga igen bara när personen vill skriva under.',
    },
  },
  pad_failed: {
    httpStatus: 502,
    retry: 'after_user_action',
    en: {
      happened: 'the pad did not answer as it should.',
      action: 'Unplug the pad, plug it in again, and have the person sign once more.',
    },
    sv: {
      happened: 'plattan svarade inte som den skulle.',
      action: 'Dra ut plattan, sätt i den igen och låt personen skriva under en gång till.',
    },
  },
  pad_limit_reached: {
    httpStatus: 409,
    retry: 'after_user_action',
    en: {
      happened: 'more was written than one signature may have: {limit} samples.',
      action: 'Have the person sign again, with a name and no more.',
    },
    sv: {
      happened: 'mer skrevs än en underskrift får ha: {limit} mätpunkter.',
      action: 'Låt personen skriva under igen, med ett namn och inget mer.',
    },
  },
  pad_removed: {
    httpStatus: 410,
    retry: 'after_user_action',
    en: {
      happened: 'the pad was unplugged. Nothing was signed.',
      action: 'Plug the pad in, and have the person sign again.',
    },
    sv: {
      happened: 'plattan drogs ut. Ingenting skrevs under.',
      action: 'Anslut plattan och låt personen skriva under igen.',
    },
  },
  pad_screen_unfit: {
    httpStatus: 422,
    retry: 'no',
    en: {
      happened: 'what should be shown does not fit the screen of the pad, or is no picture.',
      action: 'Show less text, or a PNG or JPEG picture of up to 16 megapixels.',
    },
    sv: {
      happened: 'det som skulle visas får inte plats på plattans skärm, eller är ingen bild.',
      action: 'Visa mindre text, eller en PNG- eller JPEG-bild på högst 16 megapixlar.',
    },
  },
} as const satisfies Record<string, ErrorDefinition>;
