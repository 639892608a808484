/** Slots of a module, put together to cards: some modules make one slot for each PIN of a card, all with the same description. */
import * as ck from './constants.ts';
import type { TokenInfo } from './layout.ts';
import type { Results } from './messages.ts';

export interface TokenSlot {
  /** CK_SLOT_ID. */
  readonly id: string;
  readonly token: TokenInfo;
}

/** A place where the module has a card, or could have one. */
export interface SlotGroup {
  /** The slots' description: that of the reader, where it is one of PC/SC's. */
  readonly description: string;
  readonly isHardware: boolean;
  /** With a token, by ascending id. Empty: no card is there. */
  readonly slots: readonly TokenSlot[];
}

export type SeenSlot = Results<'slots'>['slots'][number];

/** CK_SLOT_INFO.slotDescription has room for so many bytes (Base Specification, section 3.2). */
const DESCRIPTION_BYTES = 64;

/** By description; tokens in slots of one description that differ in their serial number are different cards, told apart by a number. */
export function groupSlots(seen: readonly SeenSlot[]): readonly SlotGroup[] {
  const groups = new Map<string, { isHardware: boolean; slots: TokenSlot[] }>();
  for (const { id, info, token } of seen.toSorted((left, right) => compareIds(left.id, right.id))) {
    if (!info) continue;
    const usable = token && (token.flags & ck.CKF_TOKEN_INITIALIZED) !== 0 ? token : undefined;
    const name = freeName(info.description, groups, usable);
    const group = groups.get(name) ?? { isHardware: false, slots: [] };
    groups.set(name, group);
    if ((info.flags & ck.CKF_HW_SLOT) !== 0) group.isHardware = true;
    if (usable) group.slots.push({ id, token: usable });
  }
  return [...groups].map(([description, group]) => ({ description, ...group }));
}

/** True when a slot of this description is in the PC/SC reader of this name, which may be longer. */
export function isReader(description: string, readerName: string): boolean {
  const bytes = Buffer.from(readerName);
  if (bytes.length <= DESCRIPTION_BYTES) return description === readerName.trim();
  return (
    description.length > 0 &&
    bytes
      .subarray(0, DESCRIPTION_BYTES)
      .toString()
      .trim()
      .startsWith(description.replace(/\uFFFD+$/, ''))
  );
}

/** Tells one card in a place from the next. */
export function fingerprint({ slots }: SlotGroup): string {
  return slots.map(({ id, token }) => `${id}:${token.serialNumber}:${token.label}`).join('|');
}

function freeName(
  description: string,
  groups: ReadonlyMap<string, { readonly slots: readonly TokenSlot[] }>,
  token: TokenInfo | undefined,
): string {
  for (let number = 1; ; number++) {
    const name = number === 1 ? description : `${description} (${number})`;
    const first = groups.get(name)?.slots[0]?.token;
    if (!first || !token || first.serialNumber === token.serialNumber) return name;
  }
}

function compareIds(left: string, right: string): number {
  return BigInt(left) < BigInt(right) ? -1 : BigInt(left) > BigInt(right) ? 1 : 0;
}
