/** Why a certificate is revoked: CRLReason (RFC 5280, section 5.3.1), with its numbers. */

const REASONS = [
  ['unspecified', 0],
  ['keyCompromise', 1],
  ['affiliationChanged', 3],
  ['superseded', 4],
  ['cessationOfOperation', 5],
  ['certificateHold', 6],
  ['removeFromCRL', 8],
  ['privilegeWithdrawn', 9],
] as const;

export type RevocationReason = (typeof REASONS)[number][0];

export const REASON_NAMES: readonly RevocationReason[] = REASONS.map(([name]) => name);
export const REASON_NUMBERS: ReadonlyMap<RevocationReason, number> = new Map(REASONS);

/** Undefined for text that names none. */
export function parseReason(text: string): RevocationReason | undefined {
  return REASON_NAMES.find((name) => name === text);
}
