/** Watches who has turns on a card, and how many turns of others each one waited for. */
import type { TurnTaker } from '../../daemon/turns.ts';
import type { Bench } from '../api/support.ts';

export interface WatchedTurns {
  /** Names of takers, in the order of their turns. */
  readonly order: readonly string[];
  /** Turns of others between asking and having one, the longest by the name of whoever waited. */
  readonly longest: ReadonlyMap<string, number>;
}

/** Of the reader's queue, from now on. */
export function watchTurns({ daemon }: Pick<Bench, 'daemon'>, index = 0): WatchedTurns {
  const queue = daemon.desk.readers[index]?.queue;
  if (!queue) throw new RangeError(`there is no reader ${index}`);
  const order: string[] = [];
  const longest = new Map<string, number>();
  const run = queue.run.bind(queue);
  queue.run = async <R>(signal: AbortSignal, work: () => Promise<R>, taker?: TurnTaker): Promise<R> => {
    const asked = order.length;
    const name = taker?.name ?? '';
    const counted = (): Promise<R> => {
      longest.set(name, Math.max(longest.get(name) ?? 0, order.length - asked));
      order.push(name);
      return work();
    };
    return await run(signal, counted, taker);
  };
  return { order, longest };
}
