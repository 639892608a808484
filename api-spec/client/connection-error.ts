/**
 * Why there is no connection, for programs as a reason and for people as a text in English and Swedish. A browser tells a page the same
 * "failed" for all of these: `connect` finds out which it was.
 */
import type { ErrorCode, WireError } from '../errors.ts';
import type { LoopbackPermission } from './loopback-permission.ts';

interface ReasonText {
  readonly en: string;
  readonly sv: string;
}

/** Sorted by name. */
export const CONNECTION_REASONS = {
  closed: {
    en: 'The connection to kortd was closed. Connect again.',
    sv: 'Anslutningen till kortd stängdes. Anslut igen.',
  },
  'insecure-page': {
    en: 'The browser lets only https pages reach programs on this computer. Open this page by its https address.',
    sv: 'Webbläsaren låter bara https-sidor nå program på den här datorn. Öppna sidan med dess https-adress.',
  },
  'not-delegated': {
    en: 'This page, or the page that shows it in a frame, does not allow access to programs on this computer. The web site must be corrected: a frame needs allow="loopback-network", and no Permissions-Policy may forbid it.',
    sv: 'Sidan, eller sidan som visar den i en ram, tillåter inte åtkomst till program på den här datorn. Webbplatsen måste rättas: en ram behöver allow="loopback-network", och ingen Permissions-Policy får förbjuda det.',
  },
  'not-granted': {
    en: 'kortd answered, but did not give this web site access. Ask the administrator of this computer whether it may have it.',
    sv: 'kortd svarade, men gav inte webbplatsen åtkomst. Fråga datorns administratör om den får ha det.',
  },
  'not-running': {
    en: 'kortd does not answer on this computer. Start or install kortd, and try again. If it runs, try another browser: some keep web pages from it.',
    sv: 'kortd svarar inte på den här datorn. Starta eller installera kortd och försök igen. Om det är igång, prova en annan webbläsare: vissa hindrar webbsidor från att nå det.',
  },
  'permission-denied': {
    en: 'The browser blocks this web site from programs on this computer. Open the settings of the site at the address bar, allow access to apps on this device, and try again. If the setting is locked, ask the administrator.',
    sv: 'Webbläsaren hindrar webbplatsen från att nå program på den här datorn. Öppna webbplatsens inställningar vid adressfältet, tillåt åtkomst till appar på enheten och försök igen. Om inställningen är låst, fråga administratören.',
  },
  'permission-not-given': {
    en: 'The browser asks whether this web site may reach apps on this device, and was not told yes. Try again and choose Allow. If it did not ask, check that kortd is running.',
    sv: 'Webbläsaren frågar om webbplatsen får nå appar på enheten och har inte fått ja. Försök igen och välj Tillåt. Om den inte frågade, kontrollera att kortd är igång.',
  },
  revoked: {
    en: 'The access of this web site was taken back in kortd. Connect again to ask for it anew.',
    sv: 'Webbplatsens åtkomst togs tillbaka i kortd. Anslut igen för att begära den på nytt.',
  },
  timeout: {
    en: 'It took too long. Try again; if kortd asks whether to give access, answer there.',
    sv: 'Det tog för lång tid. Försök igen; om kortd frågar om åtkomst ska ges, svara där.',
  },
  'version-unsupported': {
    en: 'kortd and this program do not speak a common version. Update the older of the two: kortd on this computer, or this program (a web page: load it again).',
    sv: 'kortd och det här programmet talar ingen gemensam version. Uppdatera det äldre av dem: kortd på datorn, eller programmet (en webbsida: läs in den igen).',
  },
} as const satisfies Record<string, ReasonText>;

export type ConnectionReason = keyof typeof CONNECTION_REASONS;

export interface ConnectionErrorOptions {
  /** What kortd answered, when it did. */
  readonly error?: WireError | undefined;
  /** What the browser says of reaching this computer; undefined where the question was not asked. */
  readonly permission?: LoopbackPermission | undefined;
  readonly cause?: unknown;
}

/** The connection could not be opened, or went away: whether a call under way was carried out is not known. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  readonly reason: ConnectionReason;
  readonly error: WireError | undefined;
  readonly permission: LoopbackPermission | undefined;

  constructor(reason: ConnectionReason, message: string, options: ConnectionErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.reason = reason;
    this.error = options.error;
    this.permission = options.permission;
  }

  /** The API's code, when kortd answered with an error. */
  get code(): ErrorCode | undefined {
    return this.error?.code;
  }

  /** For a person: what happened and what to do. */
  get en(): string {
    return this.#refusal?.en ?? CONNECTION_REASONS[this.reason].en;
  }

  /** The same in Swedish. */
  get sv(): string {
    return this.#refusal?.sv ?? CONNECTION_REASONS[this.reason].sv;
  }

  /** What kortd says of a refusal is nearer than the reason's own text. */
  get #refusal(): WireError | undefined {
    return this.reason === 'not-granted' ? this.error : undefined;
  }
}
