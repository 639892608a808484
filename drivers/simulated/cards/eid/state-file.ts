import { openCardFile } from '../../card-file.ts';
import { parseChecked } from '../../schema.ts';
import { createEidCard, type EidCardOptions, type SimulatedEidCard } from './card.ts';
import { eidCardStateSchema } from './schema.ts';
import type { EidCardState } from './state.ts';

/** The card kept in `path`, or one of `options`, kept there from now on; see openCardFile. */
export async function openEidCardFile(
  path: string,
  options: Omit<EidCardOptions, 'state' | 'save'> = {},
): Promise<SimulatedEidCard> {
  return await openCardFile<EidCardState, SimulatedEidCard>(path, {
    parse: (text) => parseChecked(eidCardStateSchema, text),
    create: (state, save) => createEidCard({ ...options, ...(state ? { state } : {}), save }),
  });
}
