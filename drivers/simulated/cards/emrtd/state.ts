import type { EmrtdDescription } from './description.ts';

/** A passport between runs: nothing of it changes but how many tries its card number has left. */
export interface EmrtdState {
  readonly format: 'kortd-simulated-emrtd';
  readonly version: 1;
  readonly description: EmrtdDescription;
  readonly canTriesRemaining: number;
}
