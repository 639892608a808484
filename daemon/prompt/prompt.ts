/**
 * What a person is asked in a trusted place: for PINs, for consent, whether documents are signed, or whether the last try may be used. The words are those of whoever shows it;
 * this is what they must show.
 */
import type { Scope } from '../../api-spec/scopes.ts';
import type { EnteredPins } from './entered-pins.ts';

export interface Asker {
  readonly kind: 'origin' | 'program';
  readonly name: string;
}

/** What the card takes, in bytes of UTF-8. */
export interface PinLength {
  readonly min: number;
  readonly max: number;
}

export type PinAction = 'verify' | 'change' | 'unblock';

/** What is signed when the person agrees: they see all of it, or how many there are and how the list's checksum begins. */
export interface DocumentList {
  /** In the words of whoever asks, in the order in which they are signed. */
  readonly names: readonly string[];
  /** The beginning of the manifest, which the caller's result and the audit record have whole. */
  readonly checksum: string;
}

/** Who asks, about which card, and what for. */
interface CardPrompt {
  readonly asker: Asker;
  /** What the person knows the card by. */
  readonly card: string;
  /** What kortd was told to do, in its own words. */
  readonly task?: { readonly en: string; readonly sv: string };
  /** In the words of whoever asks; absent when they gave none. */
  readonly purpose?: string;
  /** What the card calls the PIN or PUK, on a card with more than one. */
  readonly pinLabel?: string;
  /** Word for word what is signed. */
  readonly statement?: string;
  /** Of the PIN, or of the PUK for `unblock`; absent when the card does not tell. Not 0: then there is nothing to ask for. */
  readonly triesLeft?: number;
  /** Of a batch. */
  readonly documents?: DocumentList;
}

/** Answered with EnteredPins. The last try, and one that may be it, needs a confirmation before anything can be typed. */
export interface PinPrompt extends CardPrompt {
  readonly kind: 'pin';
  /** `verify` asks for the PIN, `change` for it and a new one, `unblock` for the PUK and a new PIN. */
  readonly action: PinAction;
  readonly pinLength: PinLength;
  /** For `unblock`. */
  readonly pukLength?: PinLength;
}

/** Before a PIN is typed on a reader's keypad, which can say nothing. */
export interface LastTryPrompt extends CardPrompt {
  readonly kind: 'lastTry';
  readonly entry: 'pin' | 'puk';
}

/** Before documents are signed without anything being typed in a trusted place: a PIN on a reader's keypad, or none. */
export interface DocumentsPrompt extends CardPrompt {
  readonly kind: 'documents';
  readonly documents: DocumentList;
  /** A PIN is typed on the reader's keypad next. */
  readonly keypadFollows: boolean;
}

export interface ConsentPrompt {
  readonly kind: 'consent';
  readonly asker: Asker;
  readonly scopes: readonly Scope[];
  /** In the words of whoever asks. */
  readonly reason?: string;
  /** Stands on the page too, so that the person knows which request is meant. */
  readonly code: string;
}

export type Prompt = PinPrompt | LastTryPrompt | DocumentsPrompt | ConsentPrompt;

export type PromptPlace = 'agent' | 'console';

export interface AskOptions {
  /** The dialog dies with its caller. */
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/** A place where a person can answer: the agent in their session, or the console page. */
export interface PromptStation {
  readonly place: PromptPlace;
  /** Whose place it is: the user id of the operating system. */
  readonly user: string;
  /**
   * Resolves with what was typed, empty for a prompt that asks for nothing to be typed and was approved. Rejects with a PromptError, or the signal's reason.
   * Whoever asked disposes of the entries.
   */
  ask(prompt: Prompt, options: AskOptions): Promise<EnteredPins>;
}
