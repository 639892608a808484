/** Watches who has turns on a card, and how many turns of others each one waited for. */
import type { TurnTaker } from '../../daemon/turns.ts';
import type { Bench } from '../api/support.ts';

export interface WatchedTurns {
  /** Names of takers, in the order of their turns. */
  readonly order: readonly string[];
  /** Turns of others between asking and having one, the longest by the name of whoever waited. */
  readonly longest: ReadonlyMap<string, number>;
  /** What others did on the card meanwhile, as `done` counts it: the most, in the same way. */
  readonly most: ReadonlyMap<string, number>;
}

/** Of the first reader's queue, from now on. */
export function watchTurns({ daemon }: Pick<Bench, 'daemon'>, done = (): number => 0): WatchedTurns {
  const queue = daemon.desk.readers[0]?.queue;
  if (!queue) throw new RangeError('there is no reader');
  const order: string[] = [];
  const longest = new Map<string, number>();
  const most = new Map<string, number>();
  const run = queue.run.bind(queue);
  queue.run = async <R>(signal: AbortSignal, work: () => Promise<R>, taker?: TurnTaker): Promise<R> => {
    const asked = order.length;
    const doneBefore = done();
    const name = taker?.name ?? '';
    const counted = (): Promise<R> => {
      longest.set(name, Math.max(longest.get(name) ?? 0, order.length - asked));
      most.set(name, Math.max(most.get(name) ?? 0, done() - doneBefore));
      order.push(name);
      return work();
    };
    return await run(signal, counted, taker);
  };
  return { order, longest, most };
}
