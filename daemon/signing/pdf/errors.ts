/** What a PDF is refused for. */
import { ApiError } from '../../errors.ts';

/** The file is damaged, or is no PDF. `problem` completes "the file is no PDF that can be used: …". */
export function invalidPdf(problem: string, options?: ErrorOptions): ApiError {
  return new ApiError('pdf_invalid', `reading the PDF: ${problem}`, { problem }, options);
}

/** The file asks for more memory or time than a PDF is given. */
export function excessivePdf(problem: string, options?: ErrorOptions): ApiError {
  return new ApiError('pdf_excessive', `reading the PDF: ${problem}`, { problem }, options);
}
