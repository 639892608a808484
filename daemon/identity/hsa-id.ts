/**
 * HSA-ids: "SE", the organisation number of whoever runs the catalogue, a hyphen, and up to eighteen letters and digits; 31 characters in all (openEHR Sweden,
 * "HSA-identitet och Organisationsnummer"; object identifier 1.2.752.29.4.19). Kept as written; compared without regard to case, which is unconfirmed.
 */
import { hasCheckDigit } from './personal-number.ts';

export interface HsaId {
  readonly hsaId: string;
  /** Ten digits; undefined when they are no organisation number. */
  readonly organisationNumber: string | undefined;
}

export function parseHsaId(text: string): HsaId | undefined {
  const digits = /^SE(\d{10})-[A-Za-z0-9]{1,18}$/i.exec(text)?.[1];
  if (digits === undefined) return undefined;
  return { hsaId: text, organisationNumber: isOrganisationNumber(digits) ? digits : undefined };
}

/** Ten digits with a check digit, the third at least 2: below it is a month of birth. */
export function isOrganisationNumber(digits: string): boolean {
  return /^\d{2}[2-9]\d{7}$/.test(digits) && hasCheckDigit(digits);
}

export function isSameHsaId(left: string, right: string): boolean {
  return left.toUpperCase() === right.toUpperCase();
}
