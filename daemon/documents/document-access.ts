/**
 * What opens a document, out of what somebody read or typed: the keys of BAC and PACE come from document number, birth and expiry with their check digits (ICAO Doc
 * 9303-11, section 9.7.2), or from the card access number. A zone with a wrong check digit there opens nothing, and the document is not bothered with it.
 */
import { checkDigitOf } from '../../apdu/icao9303/check-digit.ts';
import type { DocumentAccess } from '../../apdu/icao9303/document.ts';
import { repairMrz, type MrzRepair } from '../../apdu/icao9303/mrz-repair.ts';
import { MrzError, type MrzField } from '../../apdu/icao9303/mrz.ts';
import { ApiError } from '../errors.ts';

export type GivenAccess =
  | { readonly mrz: string }
  | { readonly documentNumber: string; readonly birthDate: string; readonly expiryDate: string }
  | { readonly can: string };

export interface AccessToTry {
  readonly access: DocumentAccess;
  readonly repairs: readonly MrzRepair[];
}

const ATTEMPT = 'opening the document';
/** Of a document number in its place (9303-4, section 4.2.2). */
const NUMBER_LENGTH = 9;
const KEY_FIELDS: readonly MrzField[] = ['documentNumber', 'birthDate', 'expiryDate'];

/** Throws mrz_invalid, which says what is wrong and nothing of what was given. */
export function accessFrom(given: GivenAccess): AccessToTry {
  if ('can' in given) return { access: { kind: 'can', number: given.can }, repairs: [] };
  if ('mrz' in given) return fromZone(given.mrz);
  const { documentNumber, birthDate, expiryDate } = given;
  const fields = [documentNumber.padEnd(NUMBER_LENGTH, '<'), sixDigits(birthDate), sixDigits(expiryDate)];
  const information = fields.map((field) => `${field}${checkDigitOf(field)}`).join('');
  return { access: { kind: 'mrz', information }, repairs: [] };
}

function fromZone(text: string): AccessToTry {
  try {
    const { mrz, repairs } = repairMrz(text.toUpperCase());
    const wrong = mrz.checks.find(({ field, isRight }) => !isRight && KEY_FIELDS.includes(field));
    if (wrong) throw invalid(`the check digit of ${wrong.field} is wrong`);
    return { access: { kind: 'mrz', information: mrz.information }, repairs };
  } catch (error) {
    if (error instanceof MrzError) throw invalid(error.message.slice(error.message.indexOf(': ') + 2));
    throw error;
  }
}

function invalid(problem: string): ApiError {
  return new ApiError('mrz_invalid', `${ATTEMPT}: ${problem}`, { problem });
}

/** YYMMDD. */
function sixDigits(day: string): string {
  return day.length === 6 ? day : day.slice(2).replaceAll('-', '');
}
