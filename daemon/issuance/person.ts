/** Who may take part: persons are compared by what their cards say of them, never by a name. */
import type { PersonSeen } from './entry.ts';

/** One of the numbers that belong to a person, or the card itself, is the same. HSA-ids are compared without regard to case (unconfirmed, so the careful way). */
export function isSamePerson(one: PersonSeen, other: PersonSeen): boolean {
  const isSame = (a: string | undefined, b: string | undefined): boolean =>
    a !== undefined && a.toUpperCase() === b?.toUpperCase();
  return (
    hsaIdsOf(one).some((hsaId) => hsaIdsOf(other).some((another) => isSame(hsaId, another))) ||
    isSame(one.personalNumber, other.personalNumber) ||
    isSame(one.cardNumber, other.cardNumber) ||
    isSame(one.certificate, other.certificate)
  );
}

function hsaIdsOf({ hsaId, otherHsaIds = [] }: PersonSeen): readonly string[] {
  return hsaId === undefined ? otherHsaIds : [hsaId, ...otherHsaIds];
}

/** Two cards that share no kind of number cannot be told to be two persons. */
export function areComparable(one: PersonSeen, other: PersonSeen): boolean {
  return (
    (one.hsaId !== undefined && other.hsaId !== undefined) ||
    (one.personalNumber !== undefined && other.personalNumber !== undefined)
  );
}
