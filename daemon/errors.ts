/** The request could not be carried out: thrown with the code that the caller gets. Errors of cards and devices keep their own classes. */
import type { ErrorCode } from '../api-spec/errors.ts';

export type ErrorDetails = Readonly<Record<string, string | number | boolean>>;

export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  /** Message: what was attempted, then what came back; lower case, no full stop. */
  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.details = details;
  }
}
