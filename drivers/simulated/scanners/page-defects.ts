/** What can be wrong with the page of a document: what people and lamps see, not its chip. */

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
