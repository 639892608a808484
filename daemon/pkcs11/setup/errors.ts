/** What can stand in the way of setting a program up, and what the person should do: in English as the message, in Swedish beside it. */

/** Sorted. */
export type SetupProblem =
  'database' | 'foreign' | 'in_use' | 'library_missing' | 'no_profile' | 'not_allowed' | 'not_understood' | 'path_too_long';

export interface Texts {
  readonly en: string;
  readonly sv: string;
}

export class SetupError extends Error {
  override readonly name = 'SetupError';
  readonly problem: SetupProblem;
  /** The message in Swedish. */
  readonly sv: string;

  constructor(problem: SetupProblem, { en, sv }: Texts, options?: ErrorOptions) {
    super(en, options);
    this.problem = problem;
    this.sv = sv;
  }
}

const NOT_ALLOWED = new Set(['EACCES', 'EPERM', 'EROFS']);

/** Does something with a file, and says what a person can do where the system does not let them. Throws SetupError. */
export function withFile<R>(path: string, work: () => R): R {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && NOT_ALLOWED.has(String(error.code)))) throw error;
    const texts = {
      en: `changing ${path}: the system does not let this user (${String(error.code)}). Run this as the user who owns it, or as administrator (sudo) for what is under /etc`,
      sv: `${path} kan inte ändras: systemet tillåter det inte för den här användaren (${String(error.code)}). Kör detta som den användare som äger filen, eller som administratör (sudo) för det som ligger under /etc`,
    };
    throw new SetupError('not_allowed', texts, { cause: error });
  }
}
