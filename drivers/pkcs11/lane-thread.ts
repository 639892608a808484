/** The thread of a further lane (signing-lane.ts), in the process of the module: it calls the functions that were loaded there, by their addresses. */
import { parentPort } from 'node:worker_threads';
import { bindFunction, numbersHere, prepareThread } from './cryptoki.ts';
import { ModuleFaultError, ReturnedError } from './faults.ts';
import { signNext, type Lane, type SharedList } from './signing-lane.ts';

export interface LaneTask {
  readonly list: SharedList;
  readonly lane: Lane;
  /** Of C_SignInit and C_Sign. */
  readonly addresses: { readonly signInit: bigint; readonly sign: bigint };
}

export type LaneOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'returned'; readonly call: string; readonly value: number }
  | { readonly kind: 'fault'; readonly problem: string };

prepareThread();
parentPort?.on('message', ({ list, lane, addresses }: LaneTask) => {
  parentPort?.postMessage(run(list, lane, addresses));
});

function run(list: SharedList, lane: Lane, addresses: LaneTask['addresses']): LaneOutcome {
  try {
    const functions = {
      signInit: bindFunction('C_SignInit', addresses.signInit),
      sign: bindFunction('C_Sign', addresses.sign),
      numbers: numbersHere(),
    };
    while (signNext(functions, lane, list));
    return { kind: 'done' };
  } catch (error) {
    if (error instanceof ReturnedError) return { kind: 'returned', call: error.call, value: error.value };
    if (error instanceof ModuleFaultError) return { kind: 'fault', problem: error.message };
    throw error;
  }
}
