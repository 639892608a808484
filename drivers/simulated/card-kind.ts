/** A kind of card that the simulated desk does not have itself: whoever loads a scenario brings it. */
import type { TSchema } from 'typebox';
import type { SimulatedCard } from './card.ts';

export interface ForeignCardKind {
  /** What `options` of such a card must look like in a scenario file. */
  readonly schema: TSchema;
  /** `options` has been checked; its files are relative to `folder`, that of the scenario file. Throws SimulationFileError that names a field within them. */
  readonly create: (options: object, card: { readonly folder: string; readonly name: string }) => SimulatedCard;
}
