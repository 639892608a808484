/** Words of the view of one card, in English and Swedish. */
import type { In } from '../language.ts';
import type { CertificateFields } from './card.tsx';

interface CardTexts {
  readonly back: string;
  readonly gone: string;
  readonly holder: string;
  readonly identity: Readonly<
    Record<'name' | 'hsaId' | 'personalIdentityNumber' | 'organisation' | 'assuranceLevel' | 'cardNumber', string>
  >;
  readonly trusted: string;
  readonly unchecked: string;
  readonly untrusted: string;
  readonly unknownHolder: string;
  readonly reader: string;
  readonly kind: string;
  readonly serialNumber: string;
  readonly pins: string;
  readonly noPins: string;
  readonly tries: (left: number, total: number | undefined) => string;
  readonly triesUnknown: string;
  readonly blocked: string;
  readonly lastTry: string;
  readonly factory: string;
  readonly certificates: string;
  readonly noCertificates: string;
  readonly purposes: Readonly<Record<CertificateFields['purpose'], string>>;
  readonly chains: Readonly<Record<CertificateFields['chain']['status'], string>>;
  readonly issuer: string;
  readonly validFrom: string;
  readonly validTo: string;
  readonly unreadable: string;
  readonly expired: string;
  readonly notYet: string;
  readonly validity: string;
  readonly refresh: string;
  readonly readAt: string;
}

export const CARD_TEXTS: In<CardTexts> = {
  en: {
    back: 'All readers',
    gone: 'This card is no longer in a reader. A card that is put in again is shown as a new one.',
    holder: 'Holder',
    identity: {
      name: 'Name',
      hsaId: 'HSA-id',
      personalIdentityNumber: 'Personal identity number',
      organisation: 'Organisation',
      assuranceLevel: 'Level of assurance',
      cardNumber: 'Card number',
    },
    trusted: 'Vouched for by a trusted authority',
    unchecked: 'Not checked: no authority is configured',
    untrusted: 'No trusted authority vouches for it',
    unknownHolder: 'The certificates on the card name nobody.',
    reader: 'Reader',
    kind: 'Kind of card',
    serialNumber: 'Serial number',
    pins: 'PINs',
    noPins: 'The card tells of no PIN.',
    tries: (left, total) =>
      total === undefined ? `${left} ${left === 1 ? 'try' : 'tries'} left` : `${left} of ${total} tries left`,
    triesUnknown: 'The card does not tell how many tries are left',
    blocked: 'Blocked',
    lastTry: 'Last try',
    factory: 'Still the factory value',
    certificates: 'Certificates',
    noCertificates: 'There is no certificate on the card.',
    purposes: { authentication: 'Authentication', signature: 'Signature', authority: 'Authority', other: 'Other use' },
    chains: { trusted: 'Trusted issuer', untrusted: 'Issuer not trusted', unchecked: 'Issuer not checked' },
    issuer: 'Issued by',
    validFrom: 'Valid from',
    validTo: 'Valid to',
    unreadable: 'This certificate cannot be read.',
    expired: 'Expired',
    notYet: 'Not valid yet',
    validity: 'Validity',
    refresh: 'Read the card again',
    readAt: 'As it was at',
  },
  sv: {
    back: 'Alla läsare',
    gone: 'Kortet sitter inte längre i någon läsare. Ett kort som sätts i igen visas som ett nytt.',
    holder: 'Innehavare',
    identity: {
      name: 'Namn',
      hsaId: 'HSA-id',
      personalIdentityNumber: 'Personnummer',
      organisation: 'Organisation',
      assuranceLevel: 'Tillitsnivå',
      cardNumber: 'Kortnummer',
    },
    trusted: 'En betrodd utfärdare går i god för det',
    unchecked: 'Inte kontrollerat: ingen utfärdare är inställd',
    untrusted: 'Ingen betrodd utfärdare går i god för det',
    unknownHolder: 'Certifikaten på kortet nämner ingen.',
    reader: 'Läsare',
    kind: 'Korttyp',
    serialNumber: 'Serienummer',
    pins: 'PIN-koder',
    noPins: 'Kortet anger ingen PIN-kod.',
    tries: (left, total) => (total === undefined ? `${left} försök kvar` : `${left} av ${total} försök kvar`),
    triesUnknown: 'Kortet anger inte hur många försök som är kvar',
    blocked: 'Spärrad',
    lastTry: 'Sista försöket',
    factory: 'Fortfarande fabrikens värde',
    certificates: 'Certifikat',
    noCertificates: 'Det finns inget certifikat på kortet.',
    purposes: { authentication: 'Legitimering', signature: 'Underskrift', authority: 'Utfärdare', other: 'Annan användning' },
    chains: {
      trusted: 'Betrodd utfärdare',
      untrusted: 'Utfärdaren är inte betrodd',
      unchecked: 'Utfärdaren är inte kontrollerad',
    },
    issuer: 'Utfärdat av',
    validFrom: 'Giltigt från',
    validTo: 'Giltigt till',
    unreadable: 'Det här certifikatet går inte att läsa.',
    expired: 'Har gått ut',
    notYet: 'Gäller inte än',
    validity: 'Giltighet',
    refresh: 'Läs kortet igen',
    readAt: 'Som det var',
  },
};
