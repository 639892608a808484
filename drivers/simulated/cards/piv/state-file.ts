import { openCardFile } from '../../card-file.ts';
import { parseChecked } from '../../schema.ts';
import { createPivCard, type PivCardOptions, type SimulatedPivCard } from './card.ts';
import { pivCardStateSchema } from './schema.ts';
import type { PivCardState } from './state.ts';

/** The card kept in `path`, or one of `options`, kept there from now on; see openCardFile. */
export async function openPivCardFile(
  path: string,
  options: Omit<PivCardOptions, 'state' | 'save'> = {},
): Promise<SimulatedPivCard> {
  return await openCardFile<PivCardState, SimulatedPivCard>(path, {
    parse: (text) => parseChecked(pivCardStateSchema, text),
    create: (state, save) => createPivCard({ ...options, ...(state ? { state } : {}), save }),
  });
}
