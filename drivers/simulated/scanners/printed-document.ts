/**
 * The page of an identity document as a scanner sees it: the people of the simulated passports, with the same zone, number and picture as their chips have. What is
 * wrong with the page is ordered.
 */
import { SimulationFileError } from '../errors.ts';
import { writeMrz } from '../cards/emrtd/mrz.ts';
import { EMRTD_PERSONA_NAMES, describeEmrtdPersona } from '../cards/emrtd/personas.ts';
import { portraitImage } from '../cards/emrtd/portraits.ts';
import type { EmrtdHolder } from '../cards/emrtd/description.ts';

/** Utopia, as ICAO calls the state of its specimens (9303-3, section 5). */
const STATE = 'UTO';

/** What is wrong with a page. */
export const PAGE_DEFECTS = [
  /** The paper shines under UV light. */
  'bright paper',
  /** A stamp says that the document is cancelled. */
  'cancelled',
  /** A picture of a screen, or a copy. */
  'copy',
  /** The laminate has been opened. */
  'damaged laminate',
  /** The zone vanishes under infrared light: it is not printed with carbon ink. */
  'no carbon ink',
  /** There are no fibres under UV light. */
  'no fibres',
  /** What is printed in words is somebody else's name. */
  'other name',
  /** The picture is glued over another one. */
  'replaced photo',
  /** The pictures are too poor to judge security features by. */
  'uncertain',
  /** The last check digit of the zone. */
  'wrong check digit',
] as const;
export type PageDefect = (typeof PAGE_DEFECTS)[number];

export interface PageOrder {
  /** One of those that come with the simulated passports. */
  readonly persona: string;
  readonly defects?: readonly PageDefect[];
}

export interface PrintedDocument {
  readonly persona: string;
  readonly format: 'TD1' | 'TD3';
  readonly state: string;
  readonly documentNumber: string;
  /** YYYY-MM-DD. */
  readonly issueDate: string;
  readonly expiryDate: string;
  readonly holder: EmrtdHolder;
  /** As it is printed in words; another than the holder's where that is ordered. */
  readonly printedSurname: string;
  readonly mrz: readonly string[];
  /** JPEG. */
  readonly portrait: Uint8Array;
  readonly defects: ReadonlySet<PageDefect>;
}

export const PAGE_PERSONAS: readonly string[] = EMRTD_PERSONA_NAMES;

/** Throws SimulationFileError for a persona or a defect that there is not. */
export function printDocument({ persona, defects = [] }: PageOrder): PrintedDocument {
  for (const [index, defect] of defects.entries())
    if (!PAGE_DEFECTS.includes(defect))
      throw new SimulationFileError(`defects[${index}]: there is no ${defect as string}`, { field: `defects[${index}]` });
  const { holder, format = 'TD3', documentNumber, issueDate, expiryDate } = describeEmrtdPersona({ persona });
  if (!holder || documentNumber === undefined || issueDate === undefined || expiryDate === undefined)
    throw new SimulationFileError('persona: a document is somebody’s', { field: 'persona' });
  const optionalData = holder.personalNumber ?? '';
  const mrz = writeMrz({ format, issuer: STATE, nationality: STATE, documentNumber, expiryDate, optionalData, holder }).lines;
  const ordered = new Set(defects);
  return {
    ...{ persona, format, state: STATE, documentNumber, issueDate, expiryDate, holder, defects: ordered },
    printedSurname: ordered.has('other name') ? 'Sandberg' : holder.surname,
    mrz: ordered.has('wrong check digit') ? withWrongComposite(mrz) : mrz,
    portrait: portraitImage('JPEG', 0).bytes,
  };
}

/** The composite is the last character of the second line in TD3 and TD1 alike (9303-4, section 4.2.2; 9303-5, section 4.2.2). */
function withWrongComposite([first = '', second = '', ...rest]: readonly string[]): readonly string[] {
  const wrong = String((Number(second.slice(-1)) + 1) % 10);
  return [first, second.slice(0, -1) + wrong, ...rest];
}
