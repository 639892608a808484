/** The kinds of card that a scenario can name. To add one: its file here, and a row. */
import type { TSchema } from 'typebox';
import type { SimulatedCard } from '../card.ts';
import { PERSONA_NAMES, createEidCard, openEidCardFile, type EidCardDescription } from './eid.ts';
import { eidCardDescriptionSchema } from './eid/schema.ts';
import { EMRTD_PERSONA_NAMES, createEmrtdCard, openEmrtdCardFile, type EmrtdDescription } from './emrtd.ts';
import { emrtdDescriptionSchema } from './emrtd/schema.ts';
import { createPivCard, openPivCardFile, type PivCardDescription } from './piv.ts';
import { pivCardDescriptionSchema } from './piv/schema.ts';

export interface CardKind {
  /** People whose cards come with it: what `options.persona` may be. */
  readonly personas?: readonly string[];
  /** What `options` of such a card must look like in a file. */
  readonly schema: TSchema;
  /** `options` has been checked. Throws SimulationFileError that names a field within them. */
  readonly create: (options: object) => SimulatedCard;
  /** As `create`, with the card's state kept in a file. */
  readonly openFile: (path: string, options: object) => Promise<SimulatedCard>;
}

export const CARD_KINDS: ReadonlyMap<string, CardKind> = new Map<string, CardKind>([
  [
    'eid',
    {
      personas: PERSONA_NAMES,
      schema: eidCardDescriptionSchema(PERSONA_NAMES),
      create: (options) => createEidCard(options satisfies EidCardDescription),
      openFile: (path, options) => openEidCardFile(path, options satisfies EidCardDescription),
    },
  ],
  [
    'emrtd',
    {
      personas: EMRTD_PERSONA_NAMES,
      schema: emrtdDescriptionSchema(EMRTD_PERSONA_NAMES),
      create: (options) => createEmrtdCard(options satisfies EmrtdDescription),
      openFile: (path, options) => openEmrtdCardFile(path, options satisfies EmrtdDescription),
    },
  ],
  [
    'piv',
    {
      schema: pivCardDescriptionSchema,
      create: (options) => createPivCard(options satisfies PivCardDescription),
      openFile: (path, options) => openPivCardFile(path, options satisfies PivCardDescription),
    },
  ],
]);
