/** Several lanes of signatures at once (signing-lane.ts): one on the thread that serves the pipe, the others each on a thread of its own, kept for the next list. */
import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { ModuleFaultError, ReturnedError } from './faults.ts';
import type { LaneOutcome, LaneTask } from './lane-thread.ts';
import { countSigned, signNext, type Lane, type LaneFunctions, type SharedList } from './signing-lane.ts';

/** Between two looks at the pipe; each tells how far all lanes are. */
const SIGNATURES_A_TURN = 16;

/** The lane of this thread. Throws ReturnedError, ModuleFaultError. */
export async function signHere(
  functions: LaneFunctions,
  lane: Lane,
  list: SharedList,
  onDone: (done: number) => void,
): Promise<void> {
  for (let own = 1; signNext(functions, lane, list); own++) {
    if (own % SIGNATURES_A_TURN !== 0) continue;
    onDone(countSigned(list));
    await turn();
  }
}

export class LaneThreads {
  readonly #idle: Worker[] = [];

  /** A thread for each. They reject with ReturnedError, ModuleFaultError. */
  start(tasks: readonly LaneTask[]): readonly Promise<void>[] {
    return tasks.map((task) => this.#run(task));
  }

  async #run(task: LaneTask): Promise<void> {
    const worker = this.#idle.pop() ?? new Worker(laneFile());
    worker.ref();
    const outcome = await new Promise<LaneOutcome>((resolve, reject) => {
      const end = (settle: () => void): void => {
        worker.off('message', onMessage).off('error', onError);
        settle();
      };
      const onMessage = (answer: LaneOutcome): void => end(() => resolve(answer));
      const onError = (error: Error): void => end(() => reject(error));
      worker.on('message', onMessage).on('error', onError);
      worker.postMessage(task);
    });
    worker.unref();
    this.#idle.push(worker);
    if (outcome.kind === 'returned') throw new ReturnedError(outcome.call, outcome.value);
    if (outcome.kind === 'fault') throw new ModuleFaultError(outcome.problem);
  }
}

/** Beside this file, as it is or built. */
function laneFile(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? './lane-thread.ts' : './pkcs11-lane.js', import.meta.url);
}
