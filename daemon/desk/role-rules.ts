/**
 * Whether the card in a transaction may act in the role that it was addressed by. Rules bind the role: a card that is addressed by its id or its reader
 * meets none. "Not the same person as" wants both cards there, each made sure of: a card that is not there proves nobody's presence.
 */
import { CardError } from '../../apdu/errors.ts';
import { DeviceRemovedError } from '../../drivers/errors.ts';
import type { CardRule } from '../access/role-policy.ts';
import { ApiError } from '../errors.ts';
import { isSameHsaId } from '../identity/hsa-id.ts';
import type { CardIdentity } from '../identity/identity.ts';
import type { CardSession } from './card-session.ts';
import type { Desk } from './desk.ts';
import type { CardRecord } from './records.ts';

/** The cards that the rules of a role compare with, as far as they are there. */
export function otherCards(desk: Desk, role: string): readonly CardRecord[] {
  const { notSamePersonAs = [] } = desk.roles.ruleOf(role);
  return notSamePersonAs.flatMap((other) => cardIn(desk, other) ?? []);
}

export interface RoleUse {
  readonly role: string;
  /** Of `otherCards`, those that were made sure of for this use. */
  readonly sure: ReadonlySet<CardRecord>;
}

/**
 * In the transaction, before anything is done. Throws what keeps the role from having a reader, DeviceRemovedError when the role or the card is another by
 * now, card_not_allowed, other_card_needed and same_person.
 */
export async function requireRole(desk: Desk, { role, sure }: RoleUse, session: CardSession): Promise<void> {
  const { card } = session;
  if (desk.resolve({ role }) !== card) throw new DeviceRemovedError(`using card ${card.id}: ${role} has another card by now`);
  await session.makeSure();
  const { cards, notSamePersonAs = [] } = desk.roles.ruleOf(role);
  if (!cards && notSamePersonAs.length === 0) return;
  const holder = await holderOf(desk, session);
  if (cards && !cards.some((rule) => holder && hasRule(holder, rule))) throw notAllowed(card, role, 'cards');
  for (const otherRole of notSamePersonAs) requireOtherPerson(desk, { role, otherRole, sure }, card, holder);
}

function requireOtherPerson(
  desk: Desk,
  { role, otherRole, sure }: RoleUse & { readonly otherRole: string },
  card: CardRecord,
  holder: CardIdentity | undefined,
): void {
  const other = cardIn(desk, otherRole);
  const otherHolder = other?.contents && sure.has(other) ? desk.roles.holderOf(other.contents.certificates) : undefined;
  if (!otherHolder)
    throw new ApiError('other_card_needed', `using card ${card.id} as ${role}: no card of ${otherRole} can be read`, {
      role,
      otherRole,
    });
  const isSame = holder && comparePersons(holder, otherHolder);
  if (isSame === undefined) throw notAllowed(card, role, `notSamePersonAs ${otherRole}`);
  if (isSame) throw new ApiError('same_person', `using card ${card.id} as ${role}: it is ${otherRole}'s`, { role, otherRole });
}

function cardIn(desk: Desk, role: string): CardRecord | undefined {
  const found = desk.roleReaders.get(role);
  return found?.status === 'ready' ? found.readers[0]?.card : undefined;
}

/** Undefined when the card does not tell, or tells it in certificates that do not count. */
async function holderOf(desk: Desk, session: CardSession): Promise<CardIdentity | undefined> {
  const { card } = session;
  if (!card.kind) return undefined;
  try {
    const { certificates } = card.contents ?? (await session.read()).contents;
    return desk.roles.holderOf(certificates);
  } catch (error) {
    if (error instanceof CardError) return undefined;
    throw error;
  }
}

function hasRule(holder: CardIdentity, { cardNumber, hsaId, policy }: CardRule): boolean {
  return (
    (cardNumber === undefined || holder.cardNumber === cardNumber) &&
    (hsaId === undefined || (holder.hsaId !== undefined && isSameHsaId(holder.hsaId, hsaId))) &&
    (policy === undefined || holder.policies.includes(policy))
  );
}

/** One thing in common makes them the same; nothing but what tells persons apart, said of both, makes them two. Undefined: it cannot be told. */
export function comparePersons(one: CardIdentity, other: CardIdentity): boolean | undefined {
  const same = (left: string | undefined, right: string | undefined): boolean | undefined =>
    left === undefined || right === undefined ? undefined : isSameHsaId(left, right);
  const persons = [
    same(one.hsaId, other.hsaId),
    same(one.personalIdentityNumber, other.personalIdentityNumber),
    same(one.coordinationNumber, other.coordinationNumber),
  ];
  if (persons.includes(true) || same(one.cardNumber, other.cardNumber) === true) return true;
  return persons.includes(false) ? false : undefined;
}

function notAllowed(card: CardRecord, role: string, rule: string): ApiError {
  return new ApiError('card_not_allowed', `using card ${card.id} as ${role}: the rule ${rule} does not let it`, { role, rule });
}
