/**
 * PINs of a card behind a module. The user PIN of its first slot with a token is "01", that of the second "02"; the PIN of the slot's security officer, the PUK
 * on most cards, is "01-00" (CKU_SO is 0).
 */
import { ObjectNotFoundError, PinFormatError } from '../../apdu/errors.ts';
import type { PinEntry, PinReference, PinStatus } from '../../apdu/token.ts';
import * as ck from './constants.ts';
import type { TokenInfo } from './layout.ts';
import { triesOf, type ModuleSession, type User } from './module-session.ts';

interface PinPlace {
  readonly slot: number;
  readonly user: User;
}

export function userPin(slot: number): PinReference {
  return (slot + 1).toString(16).toUpperCase().padStart(2, '0');
}

function officerPin(slot: number): PinReference {
  return `${userPin(slot)}-00`;
}

export async function readPins(session: ModuleSession): Promise<readonly PinStatus[]> {
  const statuses: PinStatus[] = [];
  for (const slot of session.group.slots.keys()) statuses.push(await readPin(session, userPin(slot)));
  return statuses;
}

export async function readPin(session: ModuleSession, reference: PinReference): Promise<PinStatus> {
  const place = placeOf(session, reference);
  const token = await session.tokenOf(place.slot);
  const attemptsRemaining = triesOf(token, place.user);
  const isOfficer = place.user === 'so';
  const label = token.label === '' ? `slot ${place.slot + 1}` : token.label;
  const canUnblock = !isOfficer && (token.flags & ck.CKF_WRITE_PROTECTED) === 0;
  return {
    reference: isOfficer ? officerPin(place.slot) : userPin(place.slot),
    kind: isOfficer ? 'puk' : 'pin',
    label: `${isOfficer ? 'Security officer PIN' : 'PIN'} of ${label}`,
    minLength: token.minPinLength,
    maxLength: longestPin(token),
    verified: session.loggedIn(place.slot) === place.user,
    ...(attemptsRemaining === undefined ? {} : { attemptsRemaining }),
    ...(canUnblock ? { unblockedBy: officerPin(place.slot) } : {}),
  };
}

export async function verifyPin(session: ModuleSession, reference: PinReference, entry: PinEntry): Promise<void> {
  const attempt = `verifying PIN ${reference}`;
  const place = placeOf(session, reference);
  requireLength(session, attempt, place, entry);
  await session.login(attempt, place.slot, place.user, entry);
}

/** The officer's PIN can be changed by the officer alone; for the user's nobody needs to be logged in (Base Specification, section 5.6, C_SetPIN). */
export async function changePin(
  session: ModuleSession,
  reference: PinReference,
  current: PinEntry,
  next: PinEntry,
): Promise<void> {
  const attempt = `changing PIN ${reference}`;
  const place = placeOf(session, reference);
  for (const entry of [current, next]) requireLength(session, attempt, place, entry);
  if (place.user === 'so') await session.login(attempt, place.slot, 'so', current);
  else await session.logout(place.slot);
  const pins = [current, next].flatMap((entry) => (entry === 'keypad' ? [] : [entry.use((bytes) => Buffer.from(bytes))]));
  try {
    const args = { session: await session.session(place.slot) };
    await session.call(attempt, 'setPin', args, { blobs: pins, isLong: pins.length === 0 });
  } catch (error) {
    throw await session.withTries(error, place.slot, place.user);
  } finally {
    for (const pin of pins) pin.fill(0);
  }
}

export async function unblockPin(session: ModuleSession, reference: PinReference, puk: PinEntry, next: PinEntry): Promise<void> {
  const attempt = `unblocking PIN ${reference}`;
  const { slot, user } = placeOf(session, reference);
  if (user === 'so') throw new ObjectNotFoundError(`${attempt}: nothing unblocks the PIN of the security officer`);
  requireLength(session, attempt, { slot, user: 'so' }, puk);
  requireLength(session, attempt, { slot, user }, next);
  await session.login(attempt, slot, 'so', puk);
  const pin = next === 'keypad' ? undefined : next.use((bytes) => Buffer.from(bytes));
  try {
    const args = { session: await session.session(slot) };
    await session.call(attempt, 'initPin', args, { blobs: pin ? [pin] : [], isLong: !pin });
  } finally {
    pin?.fill(0);
  }
  await session.logout(slot);
}

/** Throws PinFormatError: such a PIN is not sent. */
function requireLength({ group }: ModuleSession, attempt: string, { slot }: PinPlace, entry: PinEntry): void {
  const token = group.slots[slot]?.token;
  if (entry === 'keypad' || !token) return;
  const [shortest, longest] = [token.minPinLength, longestPin(token)];
  if (entry.lengthBytes >= shortest && entry.lengthBytes <= longest) return;
  throw new PinFormatError(`${attempt}: it must have ${shortest} to ${longest} characters; it was not sent to the card`);
}

/** Some tokens name no longest PIN; the API takes 64 characters at most. */
function longestPin({ maxPinLength, minPinLength }: TokenInfo): number {
  return maxPinLength >= Math.max(minPinLength, 1) ? Math.min(maxPinLength, 255) : 255;
}

function placeOf(session: ModuleSession, reference: PinReference): PinPlace {
  const match = /^([0-9A-F]{2})(-00)?$/.exec(reference.toUpperCase());
  const slot = Number.parseInt(match?.[1] ?? '', 16) - 1;
  if (match && session.group.slots[slot]) return { slot, user: match[2] === undefined ? 'user' : 'so' };
  const known = [...session.group.slots.keys()].map(userPin).join(', ');
  throw new ObjectNotFoundError(`looking up PIN ${reference}: the card has ${known}`);
}
