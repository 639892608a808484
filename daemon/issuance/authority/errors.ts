/** Why an authority gave no certificate: each reason with the code that the API gives it, and in words for the person. */
import { ApiError } from '../../errors.ts';

/** What a server wrote is cut here. */
const MAX_TEXT = 300;

/** It answered, and the answer is none that may be taken. */
export function answerInvalid(problem: string, cause?: unknown): ApiError {
  return new ApiError('authority_answer_invalid', `asking the authority: ${problem}`, { problem }, { cause });
}

/** What the policy names cannot be used. */
export function misconfigured(problem: string, cause?: unknown): ApiError {
  return new ApiError('authority_misconfigured', `asking the authority: ${problem}`, { problem }, { cause });
}

/** It said no. `problem`: its own words, where it had any. */
export function refused(problem: string, cause?: unknown): ApiError {
  return new ApiError('authority_refused', `asking the authority: ${problem}`, { problem }, { cause });
}

export function unknown(authority: string): ApiError {
  return new ApiError('authority_unknown', `asking the authority: the policy names no ${authority}`, { authority });
}

/** Nothing came, or it failed. */
export function unreachable(problem: string, cause?: unknown): ApiError {
  return new ApiError('authority_unreachable', `asking the authority: ${problem}`, { problem }, { cause });
}

/** It is not done yet, and wants to be asked again in so long. */
export function waits(waitMs: number): ApiError {
  return new ApiError('authority_waits', `asking the authority: it wants to be asked again in ${waitMs} ms`, { waitMs });
}

/** Of a message of a server: one line, bounded, without what could mislead a screen. */
export function printable(text: string): string {
  const line = text
    .toWellFormed()
    .replaceAll(/[\p{C}\s]+/gu, ' ')
    .trim();
  return line.length > MAX_TEXT ? `${line.slice(0, MAX_TEXT)}…` : line;
}
