/**
 * Why a trusted prompt gave no entry. No message quotes what the program said while a PIN was asked for: it could hold the PIN.
 * When the caller goes, its own signal's reason is thrown instead.
 */

export class PromptError extends Error {
  override readonly name: string = 'PromptError';
}

/** The person chose Cancel, closed the dialog, or refused to use the last try. */
export class PromptCancelledError extends PromptError {
  override readonly name = 'PromptCancelledError';
}

/** Nobody answered in time. */
export class PromptTimedOutError extends PromptError {
  override readonly name = 'PromptTimedOutError';
  readonly timeoutMs: number;

  constructor(message: string, timeoutMs: number, options?: ErrorOptions) {
    super(message, options);
    this.timeoutMs = timeoutMs;
  }
}

/** There is no program to ask with. */
export class PromptProgramMissingError extends PromptError {
  override readonly name = 'PromptProgramMissingError';
  /** What to install. */
  readonly debianPackage: string;

  constructor(message: string, debianPackage: string, options?: ErrorOptions) {
    super(message, options);
    this.debianPackage = debianPackage;
  }
}

/** The program ended, did not answer, or said what the protocol has no place for. */
export class PromptProtocolError extends PromptError {
  override readonly name = 'PromptProtocolError';
}

/** What was typed was empty, of the wrong length or not the same twice, each time that it was asked for. */
export class PromptEntryError extends PromptError {
  override readonly name = 'PromptEntryError';
}

/** The place where the person was asked went away; another may be asked. */
export class PromptStationGoneError extends PromptError {
  override readonly name = 'PromptStationGoneError';
}
