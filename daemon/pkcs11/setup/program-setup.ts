/** One program that can be told of kortd: where it is told, whether it was, and both ways of changing that. */
import type { Texts } from './errors.ts';

/** Sorted. */
export type ProgramId = 'chromium' | 'firefox' | 'p11Kit' | 'ssh';

/**
 * `foreign`: somebody else's entry is where kortd's would be. `other_name`: the library is there already under another name, and nothing is to be added.
 * `other_address`: kortd's, for another data folder or another copy of the library. `out_of_reach`: a sandbox, in which no library of this system is seen.
 */
export type PlaceState = 'absent' | 'enabled' | 'foreign' | 'other_address' | 'other_name' | 'out_of_reach';

export interface Place {
  readonly path: string;
  readonly state: PlaceState;
}

export interface Change {
  readonly path: string;
  readonly did: 'disabled' | 'enabled' | 'nothing';
}

export interface Changes {
  readonly changes: readonly Change[];
  /** What the person should know or do besides. */
  readonly notices: readonly Texts[];
}

export interface ProgramSetup {
  readonly id: ProgramId;
  /** As people know it. */
  readonly name: string;
  isInstalled(): boolean;
  places(): readonly Place[];
  /** Does nothing that was done already. Throws SetupError or NssDatabaseError. */
  enable(): Changes | Promise<Changes>;
  /** What is not kortd's stays as it is. Throws as `enable` does. */
  disable(): Changes | Promise<Changes>;
}
