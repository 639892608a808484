/**
 * Thrown inside a transaction when a person must be asked first: the transaction ends, the person is asked while nothing is held, and the work is done
 * again with what they typed.
 */
import type { PinReference } from '../../apdu/token.ts';
import type { DocumentsPrompt, LastTryPrompt, PinPrompt } from '../prompt/prompt.ts';

export class PersonNeededError extends Error {
  override readonly name = 'PersonNeededError';
  readonly prompt: PinPrompt | LastTryPrompt | DocumentsPrompt;
  /** The PIN, or the PUK, whose tries are at stake. */
  readonly reference: PinReference;

  constructor(prompt: PinPrompt | LastTryPrompt | DocumentsPrompt, reference: PinReference) {
    super('using the card: a person must be asked first');
    this.prompt = prompt;
    this.reference = reference;
  }
}
