/** What the parts of one PC/SC source share. */
import type { ReaderContexts } from './reader-contexts.ts';
import type { FeatureCache } from './reader-features.ts';
import type { WinScard } from './winscard.ts';

export interface PcscLayer {
  readonly winscard: WinScard;
  readonly contexts: ReaderContexts;
  readonly features: FeatureCache;
  readonly clock: PcscClock;
  /** wLangId of the prompts on a reader's display. */
  readonly keypadLanguageId: number;
}

export interface PcscClock {
  /** Milliseconds from any fixed moment, never going back. */
  now(): number;
  /** Resolves after `durationMs`; rejects when `signal` fires. */
  pause(durationMs: number, signal: AbortSignal): Promise<void>;
}
