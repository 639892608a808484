/** Rights that a caller can hold. A method wants one; a method that is given a secret wants `pin.direct` too. */

export interface ScopeDefinition {
  /** For people who decide on it: what the holder may do. */
  readonly summary: string;
  /** The same in Swedish. */
  readonly sv: string;
  /** False: no web origin can ever be given this scope. */
  readonly webOrigins: boolean;
}

/** Sorted by name. */
export const SCOPES = {
  'access.manage': {
    summary: 'Decide which web origins have access',
    sv: 'Bestämma vilka webbplatser som har åtkomst',
    webOrigins: false,
  },
  'access.request': {
    summary: 'Ask for access; every web origin may',
    sv: 'Be om åtkomst; det får alla webbplatser',
    webOrigins: true,
  },
  'audit.read': {
    summary: 'Read, verify and export the audit log',
    sv: 'Läsa, kontrollera och exportera granskningsloggen',
    webOrigins: false,
  },
  'card.manage': {
    summary: 'Make keys, write and delete certificates on a card',
    sv: 'Skapa nycklar på ett kort och skriva och ta bort certifikat',
    webOrigins: true,
  },
  'card.read': { summary: 'See readers, cards and certificates', sv: 'Se läsare, kort och certifikat', webOrigins: true },
  'card.transmit': { summary: 'Send raw commands to a card', sv: 'Skicka råa kommandon till ett kort', webOrigins: false },
  'document.read': {
    summary: 'Read passports and identity cards, with portrait and personal data',
    sv: 'Läsa pass och id-kort, med porträtt och personuppgifter',
    webOrigins: true,
  },
  'document.verify': {
    summary: 'Have identity documents judged and portraits measured',
    sv: 'Låta pröva id-handlingar och mäta porträtt',
    webOrigins: true,
  },
  issuance: {
    summary: 'Take the steps of the card office',
    sv: 'Utföra kortkontorets steg',
    webOrigins: true,
  },
  'issuance.protected': {
    summary: 'Do so for persons with protected personal data',
    sv: 'Göra det för personer med skyddade personuppgifter',
    webOrigins: true,
  },
  login: {
    summary: 'Have a card prove to this very site who its holder is',
    sv: 'Låta ett kort bevisa för just denna webbplats vem innehavaren är',
    webOrigins: true,
  },
  pad: {
    summary: 'Have people sign by hand on a pad, and see the pen write',
    sv: 'Låta människor skriva under på en platta och se pennan skriva',
    webOrigins: true,
  },
  'pin.direct': {
    summary: 'Hand over PINs, PUKs and management keys in a call',
    sv: 'Lämna PIN-, PUK- och administrationskoder i ett anrop',
    webOrigins: false,
  },
  'pin.manage': {
    summary: 'Have a PIN verified, changed or unblocked',
    sv: 'Låta kontrollera, ändra eller låsa upp en PIN-kod',
    webOrigins: true,
  },
  'reader.manage': {
    summary: 'Say which reader is for which role',
    sv: 'Bestämma vilken läsare som har vilken roll',
    webOrigins: false,
  },
  scanner: {
    summary: 'Have identity documents scanned',
    sv: 'Låta läsa in identitetshandlingar',
    webOrigins: true,
  },
  'scanner.review': {
    summary: 'See what pages and programs of the same user scanned, with pictures and what was found',
    sv: 'Se vad sidor och program hos samma användare har läst in, med bilder och vad som hittades',
    webOrigins: false,
  },
  sign: { summary: 'Have a card sign', sv: 'Låta ett kort signera', webOrigins: true },
  simulation: {
    summary: 'Move the cards of a simulated desk',
    sv: 'Flytta korten på ett simulerat bord',
    webOrigins: true,
  },
  system: { summary: 'See the service itself', sv: 'Se själva tjänsten', webOrigins: true },
} as const satisfies Record<string, ScopeDefinition>;

export type Scope = keyof typeof SCOPES;
