/** The command line makes no sense: told in one line, with exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  /** The message in Swedish. */
  readonly sv: string;

  constructor(message: string, sv: string) {
    super(message);
    this.sv = sv;
  }
}
