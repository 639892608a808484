/** Every database of the data folder, with what it means to lose it. */
import { ACCESS_DATABASE, ACCESS_FILE } from '../access/grants.ts';
import { AUDIT_FILE } from '../audit/audit-log.ts';
import { AUDIT_DATABASE } from '../audit/store.ts';
import { CARD_CACHE_DATABASE, CARD_CACHE_FILE } from '../desk/card-cache.ts';
import { ROLES_DATABASE, ROLES_FILE } from '../desk/role-store.ts';
import { ISSUANCE_JOURNAL_FILE, JOURNAL_DATABASE } from '../issuance/journal.ts';
import { WRONG_PINS_DATABASE, WRONG_PINS_FILE } from '../pin/wrong-pins.ts';
import type { PrivateDatabaseOptions } from '../private-database.ts';

export interface KnownDatabase {
  /** In the data folder. */
  readonly file: string;
  readonly options: PrivateDatabaseOptions;
  /** What is so without it, for the administrator. */
  readonly loss: { readonly en: string; readonly sv: string };
  /** Nothing depends on it: a damaged one is thrown away. */
  readonly isCache?: true;
}

/** Sorted by file. */
export const KNOWN_DATABASES: readonly KnownDatabase[] = [
  {
    file: ACCESS_FILE,
    options: ACCESS_DATABASE,
    loss: {
      en: 'Web origins that people had consented to ask for consent again.',
      sv: 'Webbplatser som personer hade samtyckt till frågar efter samtycke på nytt.',
    },
  },
  {
    file: AUDIT_FILE,
    options: AUDIT_DATABASE,
    loss: {
      en: 'A new chain of records begins, whose first record names the break. Verify and export the old one as far as it goes: kortd audit verify.',
      sv: 'En ny kedja av poster börjar, och dess första post anger brottet. Verifiera och exportera den gamla så långt det går: kortd audit verify.',
    },
  },
  {
    file: CARD_CACHE_FILE,
    options: CARD_CACHE_DATABASE,
    isCache: true,
    loss: { en: 'Each card is read anew once.', sv: 'Varje kort läses om en gång.' },
  },
  {
    file: ISSUANCE_JOURNAL_FILE,
    options: JOURNAL_DATABASE,
    loss: {
      en: 'Ceremonies that were open are not known any more: what they did to cards has to be found out by hand. No ceremony is begun until this is acknowledged.',
      sv: 'Ceremonier som pågick är inte längre kända: vad de gjorde med korten får utredas för hand. Ingen ceremoni påbörjas förrän detta har kvitterats.',
    },
  },
  {
    file: ROLES_FILE,
    options: ROLES_DATABASE,
    loss: {
      en: 'Readers that were bound to roles by hand are bound to none: kortd role assign.',
      sv: 'Läsare som för hand var knutna till roller är inte det längre: kortd role assign.',
    },
  },
  {
    file: WRONG_PINS_FILE,
    options: WRONG_PINS_DATABASE,
    loss: {
      en: 'Wrong PINs that web origins sent today are not counted any more.',
      sv: 'Felaktiga PIN-koder som webbplatser skickat i dag räknas inte längre.',
    },
  },
];
