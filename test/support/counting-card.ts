/** A simulated card that counts the commands that reach it. */
import type { SimulatedCard } from '../../drivers/simulated/card.ts';

export interface CountingCard extends SimulatedCard {
  /** Commands since the last call of this. */
  taken(): number;
}

export function countCommands(card: SimulatedCard): CountingCard {
  let count = 0;
  return {
    kind: card.kind,
    atr: card.atr,
    powerUp: () => card.powerUp(),
    reset: () => card.reset(),
    process: (command) => {
      count++;
      return card.process(command);
    },
    taken: () => {
      const taken = count;
      count = 0;
      return taken;
    },
  };
}
