/** The desk that transcripts are recorded on, and played to again: the same cards in the same readers. */
import { loadScenario } from '../../../drivers/simulated/scenario.ts';
import { openBench, type Bench } from '../../api/support.ts';
import { noteTyped } from '../../evidence/typed.ts';

/** In the order of the readers; the fourth is empty. */
const CARDS = ['operator', 'secondOperatorEid', 'operatorEid'];
/** The right one of all cards, and a wrong one. */
export const PINS = { right: '123456', wrong: '111113' } as const;

export async function openTranscriptDesk(undo: AsyncDisposableStack): Promise<Bench> {
  const scenario = undo.use(await loadScenario('office'));
  const bench = undo.use(await openBench({ readers: [...CARDS.map(() => ({})), {}] }));
  for (const [index, name] of CARDS.entries()) {
    const card = scenario.cards.get(name)?.card;
    if (card) await bench.insert(card, index);
  }
  for (const pin of Object.values(PINS)) noteTyped(pin);
  return bench;
}
