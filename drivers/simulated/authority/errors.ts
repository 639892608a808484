/** What the test authority refuses, as data: status, and what to tell people, in English and Swedish. In the shape of the daemon's own errors. */

interface Text {
  /** What came back. */
  readonly happened: string;
  /** What the person should do. */
  readonly action: string;
}

interface Refusal {
  readonly httpStatus: number;
  readonly en: Text;
  readonly sv: Text;
}

/** Sorted by code. */
const REFUSALS = {
  certificate_unknown: {
    httpStatus: 404,
    en: { happened: 'no such certificate was issued here.', action: 'Look at GET /issued, or give the certificate itself.' },
    sv: { happened: 'inget sådant certifikat är utfärdat här.', action: 'Se GET /issued, eller ange själva certifikatet.' },
  },
  input_invalid: {
    httpStatus: 400,
    en: { happened: 'the call is not as it must be.', action: 'Correct what is named, and call again.' },
    sv: { happened: 'anropet är inte som det ska vara.', action: 'Rätta det som nämns och anropa igen.' },
  },
  internal_error: {
    httpStatus: 500,
    en: { happened: 'the test authority failed.', action: 'Try again, and look at the log of the program that serves it.' },
    sv: { happened: 'test-utfärdaren gjorde fel.', action: 'Försök igen, och se loggen från programmet som kör den.' },
  },
  key_unsupported: {
    httpStatus: 400,
    en: { happened: 'certificates are not issued for such a key.', action: 'Make a key of RSA-2048 or longer, P-256 or P-384.' },
    sv: {
      happened: 'certifikat utfärdas inte för en sådan nyckel.',
      action: 'Skapa en nyckel: RSA-2048 eller längre, P-256 eller P-384.',
    },
  },
  not_found: {
    httpStatus: 404,
    en: { happened: 'there is nothing at this address.', action: 'Correct the address.' },
    sv: { happened: 'det finns inget på den adressen.', action: 'Rätta adressen.' },
  },
  origin_refused: {
    httpStatus: 403,
    en: { happened: 'a page from elsewhere called.', action: 'Call from this machine, or from a page that it serves.' },
    sv: {
      happened: 'en sida från någon annan plats anropade.',
      action: 'Anropa från den här datorn, eller från en sida på den.',
    },
  },
  profile_unknown: {
    httpStatus: 400,
    en: { happened: 'there is no such certificate profile.', action: 'Choose one that is named.' },
    sv: { happened: 'det finns ingen sådan certifikatprofil.', action: 'Välj en av dem som nämns.' },
  },
  request_invalid: {
    httpStatus: 400,
    en: {
      happened: 'this is no certification request that is issued from.',
      action: 'Make a new request that holds what is named.',
    },
    sv: {
      happened: 'det här är ingen certifikatbegäran att utfärda från.',
      action: 'Gör en ny begäran som innehåller det som nämns.',
    },
  },
  request_signature_invalid: {
    httpStatus: 400,
    en: { happened: 'the signature of the request does not verify with its key.', action: 'Make the request again.' },
    sv: { happened: 'begärans signatur stämmer inte med dess nyckel.', action: 'Gör om begäran.' },
  },
  too_large: {
    httpStatus: 413,
    en: { happened: 'the call is too large.', action: 'Send less at a time.' },
    sv: { happened: 'anropet är för stort.', action: 'Skicka mindre åt gången.' },
  },
  unsupported_media_type: {
    httpStatus: 415,
    en: { happened: 'the content type does not fit the address.', action: 'Send the content type that the documentation names.' },
    sv: { happened: 'innehållstypen passar inte adressen.', action: 'Skicka den innehållstyp som dokumentationen anger.' },
  },
} as const satisfies Readonly<Record<string, Refusal>>;

export type AuthorityErrorCode = keyof typeof REFUSALS;

export class AuthorityError extends Error {
  override readonly name = 'AuthorityError';
  readonly code: AuthorityErrorCode;

  /** `message`: what was tried, then what came back. */
  constructor(code: AuthorityErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  get httpStatus(): number {
    return REFUSALS[this.code].httpStatus;
  }

  /** What is answered over HTTP. */
  toJSON(): { readonly error: { readonly code: string; readonly message: string; readonly en: string; readonly sv: string } } {
    const { en, sv } = REFUSALS[this.code];
    return {
      error: {
        code: this.code,
        message: this.message,
        en: `The test certification authority: ${en.happened} ${en.action}`,
        sv: `Test-utfärdaren: ${sv.happened} ${sv.action}`,
      },
    };
  }
}
