/** Why an authority gave no certificate. The API gives each reason a code and texts of its own. */

/** Sorted. */
export type AuthorityProblem =
  | 'authority_answer_invalid'
  | 'authority_misconfigured'
  | 'authority_refused'
  | 'authority_unknown'
  | 'authority_unreachable'
  | 'authority_waits';

export class AuthorityError extends Error {
  override readonly name = 'AuthorityError';
  readonly code: AuthorityProblem;
  /** For the person: what it was. Text of a server in it is bounded and printable. */
  readonly problem: string;
  /** Of authority_waits: after how long to ask again. */
  readonly waitMs: number | undefined;

  /** `problem`: what came back, as `message` has it after what was tried. */
  constructor(code: AuthorityProblem, problem: string, options: ErrorOptions & { readonly waitMs?: number } = {}) {
    super(`asking the authority: ${problem}`, options);
    this.code = code;
    this.problem = problem;
    this.waitMs = options.waitMs;
  }
}

export function answerInvalid(problem: string, cause?: unknown): AuthorityError {
  return new AuthorityError('authority_answer_invalid', problem, { cause });
}

export function refused(problem: string, cause?: unknown): AuthorityError {
  return new AuthorityError('authority_refused', problem, { cause });
}

/** Letters, digits and marks that a server wrote, in one line. */
export function printable(text: string): string {
  const line = text
    .toWellFormed()
    .replaceAll(/[\p{C}\s]+/gu, ' ')
    .trim();
  return line.length > MAX_TEXT ? `${line.slice(0, MAX_TEXT)}…` : line;
}

const MAX_TEXT = 300;
