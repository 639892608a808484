/**
 * What the checks of a document are called, in words: the machine's by what they compare, and the operator's. A check of one field or source is called
 * as all of its kind are: `mrz.digits.mrz.birthDate` is one of `mrz.digits`.
 */
import type { In, Language } from '../../language.ts';

const NAMES: In<Readonly<Record<string, string>>> = {
  en: {
    'combined.age': 'Age of the holder',
    'combined.chip.mrz': 'Chip and machine-readable zone',
    'combined.country': 'Country of the document',
    'combined.expiry': 'Validity of the document',
    'combined.lists': 'Lists of stolen and void documents',
    'combined.portrait': 'Portraits compared',
    'combined.typed': 'What was typed, compared',
    'electronic.access': 'Access to the chip',
    'electronic.activeAuthentication': 'The chip is no copy (active authentication)',
    'electronic.chipAuthentication': 'The chip is no copy (chip authentication)',
    'electronic.genuine': 'The chip is genuine',
    'electronic.paceMapping': 'The chip is no copy (PACE)',
    'electronic.passive': 'The chip’s content is as it was signed',
    'electronic.read': 'Reading the chip',
    'manual.aids': 'Aids were used',
    'manual.condition': 'Not altered, not damaged, not expired',
    'manual.issuer': 'The issuer’s service',
    'manual.person': 'Picture and age are of who stands there',
    'manual.police': 'The police’s service',
    'manual.prado': 'Compared with the public register (PRADO)',
    'manual.securityFeatures': 'Security features looked at',
    'manual.takenOut': 'Taken out of its case',
    'manual.uv': 'Looked at under an ultraviolet lamp',
    'mrz.digits': 'Check digits of the machine-readable zone',
    'mrz.read': 'Machine-readable zone',
    'mrz.repair': 'Corrections in the machine-readable zone',
    'optical.uv': 'Ultraviolet, by the scanner',
  },
  sv: {
    'combined.age': 'Innehavarens ålder',
    'combined.chip.mrz': 'Chip och maskinläsbar zon',
    'combined.country': 'Handlingens land',
    'combined.expiry': 'Handlingens giltighet',
    'combined.lists': 'Listor över stulna och ogiltiga handlingar',
    'combined.portrait': 'Porträtten jämförda',
    'combined.typed': 'Det som skrevs in, jämfört',
    'electronic.access': 'Åtkomst till chipet',
    'electronic.activeAuthentication': 'Chipet är ingen kopia (aktiv autentisering)',
    'electronic.chipAuthentication': 'Chipet är ingen kopia (chipautentisering)',
    'electronic.genuine': 'Chipet är äkta',
    'electronic.paceMapping': 'Chipet är ingen kopia (PACE)',
    'electronic.passive': 'Chipets innehåll är som det signerades',
    'electronic.read': 'Läsning av chipet',
    'manual.aids': 'Hjälpmedel användes',
    'manual.condition': 'Inte ändrad, inte skadad, inte utgången',
    'manual.issuer': 'Utfärdarens tjänst',
    'manual.person': 'Bild och ålder stämmer med den som står där',
    'manual.police': 'Polisens tjänst',
    'manual.prado': 'Jämförd med det offentliga registret (PRADO)',
    'manual.securityFeatures': 'Säkerhetsdetaljer granskade',
    'manual.takenOut': 'Tagen ur sitt fodral',
    'manual.uv': 'Granskad under ultraviolett lampa',
    'mrz.digits': 'Den maskinläsbara zonens kontrollsiffror',
    'mrz.read': 'Maskinläsbar zon',
    'mrz.repair': 'Rättelser i den maskinläsbara zonen',
    'optical.uv': 'Ultraviolett, av skannern',
  },
};

/** Undefined for what has no name here. */
export function documentCheckName(id: string, language: Language): string | undefined {
  const parts = id.split('.');
  for (let length = parts.length; length > 1; length--) {
    const name = NAMES[language][parts.slice(0, length).join('.')];
    if (name !== undefined) return name;
  }
  return undefined;
}
