/** Words of the readers' view, in English and Swedish. */
import type { Card, Reader } from '../../../../api-spec/schemas.ts';
import type { In } from '../language.ts';

interface ReaderTexts {
  readonly none: string;
  readonly noneHelp: string;
  readonly role: string;
  readonly noRole: string;
  readonly reader: Readonly<Record<Reader['status'], string>>;
  readonly card: Readonly<Record<Card['status'], string>>;
  readonly cardNumber: string;
  readonly lease: (holder: string) => string;
  readonly details: string;
  readonly keypad: string;
  readonly vacant: string;
  readonly roles: Readonly<Record<string, string>>;
}

export const READER_TEXTS: In<ReaderTexts> = {
  en: {
    none: 'No reader is plugged in',
    noneHelp: 'It appears here by itself when it is.',
    role: 'Role',
    noRole: 'No role',
    reader: { empty: 'No card', present: 'Card in it', mute: 'The card does not answer', unavailable: 'Not available' },
    card: {
      identifying: 'Reading the card …',
      ready: 'Ready',
      unknown: 'A card that kortd does not know',
      failed: 'The card could not be read',
    },
    cardNumber: 'Number',
    lease: (holder) => `In use by ${holder}`,
    details: 'Show the card',
    keypad: 'With keypad',
    vacant: 'Roles without a reader',
    roles: { operator: 'Operator', secondOperator: 'Second operator', holder: 'Card holder' },
  },
  sv: {
    none: 'Ingen läsare är ansluten',
    noneHelp: 'Den visas här av sig själv när den är det.',
    role: 'Roll',
    noRole: 'Ingen roll',
    reader: { empty: 'Inget kort', present: 'Kort i läsaren', mute: 'Kortet svarar inte', unavailable: 'Inte tillgänglig' },
    card: {
      identifying: 'Läser kortet …',
      ready: 'Redo',
      unknown: 'Ett kort som kortd inte känner till',
      failed: 'Kortet gick inte att läsa',
    },
    cardNumber: 'Nummer',
    lease: (holder) => `Används av ${holder}`,
    details: 'Visa kortet',
    keypad: 'Med knappsats',
    vacant: 'Roller utan läsare',
    roles: { operator: 'Handläggare', secondOperator: 'Andra handläggare', holder: 'Kortinnehavare' },
  },
};
