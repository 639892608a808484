import { openCardFile } from '../../card-file.ts';
import { SimulationFileError } from '../../errors.ts';
import { parseChecked } from '../../schema.ts';
import { createEmrtdCard, type EmrtdCardOptions, type SimulatedEmrtdCard } from './card.ts';
import { EMRTD_PERSONA_NAMES } from './personas.ts';
import { emrtdStateSchema } from './schema.ts';
import type { EmrtdState } from './state.ts';

/** The passport kept in `path`, or one of `options`, kept there from now on; see openCardFile. */
export async function openEmrtdCardFile(
  path: string,
  options: Omit<EmrtdCardOptions, 'save' | 'state'> = {},
): Promise<SimulatedEmrtdCard> {
  return await openCardFile<EmrtdState, SimulatedEmrtdCard>(path, {
    parse: parseState,
    create: (state, save) => createEmrtdCard({ ...options, ...(state ? { state } : {}), save }),
  });
}

function parseState(text: string): EmrtdState {
  const state: unknown = parseChecked(emrtdStateSchema(EMRTD_PERSONA_NAMES), text);
  if (!isState(state)) throw new SimulationFileError('it holds no passport');
  return state;
}

/** The schema has looked at everything in it. */
function isState(value: unknown): value is EmrtdState {
  return typeof value === 'object' && value !== null && 'canTriesRemaining' in value;
}
