/** The kinds of card that a scenario can name. To add one: its file here, and a row. */
import type { TSchema } from 'typebox';
import type { SimulatedCard } from '../card.ts';
import { createPivCard, openPivCardFile, type PivCardDescription } from './piv.ts';
import { pivCardDescriptionSchema } from './piv/schema.ts';

export interface CardKind {
  /** What `options` of such a card must look like in a file. */
  readonly schema: TSchema;
  /** `options` has been checked. Throws SimulationFileError that names a field within them. */
  readonly create: (options: object) => SimulatedCard;
  /** As `create`, with the card's state kept in a file. */
  readonly openFile: (path: string, options: object) => Promise<SimulatedCard>;
}

export const CARD_KINDS: ReadonlyMap<string, CardKind> = new Map([
  [
    'piv',
    {
      schema: pivCardDescriptionSchema,
      create: (options) => createPivCard(options satisfies PivCardDescription),
      openFile: (path, options) => openPivCardFile(path, options satisfies PivCardDescription),
    },
  ],
]);
