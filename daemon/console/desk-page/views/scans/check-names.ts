/**
 * What checks are called, in words. Their ids come from drivers and from kortd; a number at the end tells checks of one kind apart. What is not known
 * here keeps its id: a maker may name what it likes.
 */
import type { Verdict } from '../../../../../api-spec/scan/verdict.ts';
import type { In, Language } from '../../language.ts';
import { SCAN_TEXTS } from './scan-texts.ts';

const NAMES: In<Readonly<Record<string, string>>> = {
  en: {
    'chip.expected': 'The document has a chip, and it was not read',
    'combined.mrz-viz': 'Machine-readable zone and print say the same',
    'combined.portrait': 'Portraits are of the same person',
    'combined.text': 'All sources say the same',
    'document.expired': 'The document has expired',
    'mrz.checkDigits': 'Check digits of the machine-readable zone',
    'mrz.vendor': 'Machine-readable zone, as the scanner sees it',
    'optical.axial-protection': 'Protective layer in coaxial light',
    'optical.cancelled': 'Not cancelled: no holes or cut corners',
    'optical.document-liveness': 'A real document, no screen or copy',
    'optical.document-type': 'Kind of document is known',
    'optical.image-pattern': 'Printed pattern',
    'optical.ir-b900': 'Ink of the machine-readable zone absorbs infrared',
    'optical.ir-visibility': 'What is to be seen in infrared',
    'optical.photo-embedding': 'Portrait is part of the page',
    'optical.security': 'Security features together',
    'optical.uv-dull': 'Paper does not glow in ultraviolet',
    'optical.uv-fibres': 'Fibres that glow in ultraviolet',
    'optical.uv-luminescence': 'Pattern that glows in ultraviolet',
    'quality.bounds': 'All of the page is there',
    'quality.brightness': 'Brightness',
    'quality.colour': 'Colour',
    'quality.focus': 'Sharpness',
    'quality.glare': 'No glare',
    'quality.perspective': 'Seen from straight above',
    'quality.portrait': 'Portrait',
    'quality.resolution': 'Resolution',
    'scan.nothingProvesGenuine': 'Nothing that was looked at proves that it is genuine',
    'scan.partial': 'Something was not looked at',
    'service.expiry': 'Not expired, as the scanner sees it',
    'service.overall': 'What the scanner’s maker makes of it',
  },
  sv: {
    'chip.expected': 'Handlingen har ett chip, och det lästes inte',
    'combined.mrz-viz': 'Maskinläsbar zon och tryck säger samma sak',
    'combined.portrait': 'Porträtten är av samma person',
    'combined.text': 'Alla källor säger samma sak',
    'document.expired': 'Handlingen har gått ut',
    'mrz.checkDigits': 'Den maskinläsbara zonens kontrollsiffror',
    'mrz.vendor': 'Maskinläsbar zon, som skannern ser den',
    'optical.axial-protection': 'Skyddsskikt i koaxialt ljus',
    'optical.cancelled': 'Inte makulerad: inga hål eller klippta hörn',
    'optical.document-liveness': 'En riktig handling, ingen skärm eller kopia',
    'optical.document-type': 'Handlingens slag är känt',
    'optical.image-pattern': 'Tryckt mönster',
    'optical.ir-b900': 'Den maskinläsbara zonens färg fångar upp infrarött',
    'optical.ir-visibility': 'Det som ska synas i infrarött',
    'optical.photo-embedding': 'Porträttet är en del av sidan',
    'optical.security': 'Säkerhetsdetaljer tillsammans',
    'optical.uv-dull': 'Papperet lyser inte i ultraviolett',
    'optical.uv-fibres': 'Fibrer som lyser i ultraviolett',
    'optical.uv-luminescence': 'Mönster som lyser i ultraviolett',
    'quality.bounds': 'Hela sidan är med',
    'quality.brightness': 'Ljusstyrka',
    'quality.colour': 'Färg',
    'quality.focus': 'Skärpa',
    'quality.glare': 'Inga reflexer',
    'quality.perspective': 'Sedd rakt ovanifrån',
    'quality.portrait': 'Porträtt',
    'quality.resolution': 'Upplösning',
    'scan.nothingProvesGenuine': 'Inget som granskades bevisar att den är äkta',
    'scan.partial': 'Något blev inte granskat',
    'service.expiry': 'Inte utgången, som skannern ser det',
    'service.overall': 'Vad skannerns tillverkare säger om den',
  },
};

const COUNTED = /\.\d+$/;

export function checkName(id: string, language: Language): string {
  const name = NAMES[language][id.replace(COUNTED, '')];
  const number = COUNTED.exec(id)?.[0].slice(1);
  if (name === undefined) return id;
  return number === undefined || number === '1' ? name : `${name} (${number})`;
}

/** As a scan tells why it does not pass: the id of a check, or that and its verdict, `optical.uv-dull: failed`. */
export function reasonText(reason: string, language: Language): string {
  const [id = '', word] = reason.split(': ');
  const verdicts: Readonly<Record<string, string>> = SCAN_TEXTS[language].verdicts satisfies Record<Verdict, string>;
  const verdict = word === undefined ? undefined : verdicts[word];
  return verdict === undefined ? checkName(reason, language) : `${checkName(id, language)}: ${verdict.toLowerCase()}`;
}
