/** The errors of signatures, and of content that is streamed in to be signed: a part of ERRORS. */
import type { ErrorDefinition } from './errors.ts';

/** Sorted by code. */
export const SIGNING_ERRORS = {
  algorithm_not_allowed: {
    httpStatus: 422,
    retry: 'no',
    en: {
      happened: '{algorithm} is too weak, or not known, to be signed with or trusted.',
      action: 'Use SHA-256 or longer, with RSA of 2048 bits or more, or P-256, P-384 or P-521.',
    },
    sv: {
      happened: '{algorithm} är för svag, eller okänd, för att signera med eller lita på.',
      action: 'Använd SHA-256 eller längre, med RSA på minst 2048 bitar, eller P-256, P-384 eller P-521.',
    },
  },
  cms_invalid: {
    httpStatus: 422,
    retry: 'no',
    en: {
      happened: 'what was given is not a CMS signature that kortd reads: {problem}.',
      action: 'Give one SignedData (RFC 5652) in DER.',
    },
    sv: {
      happened: 'det som angavs är inte en CMS-signatur som kortd läser: {problem}.',
      action: 'Ange en SignedData (RFC 5652) i DER.',
    },
  },
  content_not_found: {
    httpStatus: 404,
    retry: 'no',
    en: {
      happened: 'no content of this caller has this id, or no longer, or its bytes were not kept.',
      action: 'Upload it again; with keep=true when the bytes themselves are needed.',
    },
    sv: {
      happened: 'anroparen har inget innehåll med detta id, eller inte längre, eller så behölls inte dess byte.',
      action: 'Ladda upp det igen; med keep=true om själva innehållet behövs.',
    },
  },
  contents_full: {
    httpStatus: 507,
    retry: 'now',
    en: {
      happened: 'there is no room for more content ({limit}).',
      action: 'Wait until what was uploaded before has been used or has expired, or upload without keep.',
    },
    sv: {
      happened: 'det finns inte plats för mer innehåll ({limit}).',
      action: 'Vänta tills det som laddats upp tidigare har använts eller löpt ut, eller ladda upp utan keep.',
    },
  },
  pin_each_time: {
    httpStatus: 422,
    retry: 'after_user_action',
    en: {
      happened: 'the key wants its PIN for each signature, and this reader takes PINs on its keypad.',
      action: 'Put the card into a reader without a keypad, or sign the documents one by one.',
    },
    sv: {
      happened: 'nyckeln kräver sin PIN-kod för varje underskrift, och läsaren tar emot den på sin knappsats.',
      action: 'Sätt kortet i en läsare utan knappsats, eller signera dokumenten ett i taget.',
    },
  },
  public_key_unknown: {
    httpStatus: 409,
    retry: 'after_user_action',
    en: {
      happened: 'the card does not tell the public key, so its signatures cannot be verified.',
      action: 'Write the certificate of the key to the card, or sign the documents one by one.',
    },
    sv: {
      happened: 'kortet visar inte den publika nyckeln, så dess underskrifter kan inte kontrolleras.',
      action: 'Skriv nyckelns certifikat till kortet, eller signera dokumenten ett i taget.',
    },
  },
  signature_invalid: {
    httpStatus: 422,
    retry: 'no',
    en: {
      happened: 'a signature that is there already does not hold: {problem}.',
      action: 'Do not trust what was given. signature.verify tells more.',
    },
    sv: {
      happened: 'en signatur som redan finns håller inte: {problem}.',
      action: 'Lita inte på det som angavs. signature.verify berättar mer.',
    },
  },
  time_stamp_failed: {
    httpStatus: 502,
    retry: 'now',
    en: {
      happened: 'the time-stamp server gave no time stamp that can be used: {problem}.',
      action: 'Try again, or sign without a time stamp. If it goes on, ask whoever runs the server.',
    },
    sv: {
      happened: 'tidsstämplingstjänsten gav ingen användbar tidsstämpel: {problem}.',
      action: 'Försök igen, eller signera utan tidsstämpel. Om det fortsätter, fråga den som driver tjänsten.',
    },
  },
  time_stamp_unavailable: {
    httpStatus: 422,
    retry: 'no',
    en: {
      happened: 'no time-stamp server is configured.',
      action: 'Sign without a time stamp, or have the administrator name a server by policy (timeStamp.url).',
    },
    sv: {
      happened: 'ingen tidsstämplingstjänst är inställd.',
      action: 'Signera utan tidsstämpel, eller låt administratören ange en tjänst genom policy (timeStamp.url).',
    },
  },
} as const satisfies Record<string, ErrorDefinition>;
