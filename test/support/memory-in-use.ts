/** What this process still holds, without what only waits to be collected: a bound on it does not hang on when the collector last ran. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes of heap, of buffers and of what native parts hold for objects (`external`, which has the buffers in it). */
export function memoryInUse(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
