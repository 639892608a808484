/** What a slot and a token say of themselves (PKCS #11 v3.0, sections 3.2 and 3.3). Strings have the lengths that the structures give them. */
import type { PinStatus } from '../../apdu/token.ts';
import * as ck from '../constants.ts';
import type { SlotToken, TokenSlot } from '../desk.ts';
import type { Answer } from '../rpc/arguments.ts';
import { UNAVAILABLE } from '../rpc/reader.ts';

const NO_VERSION = { major: 0, minor: 0 };

/** UTF-8, cut between characters, filled up with blanks. */
export function padded(text: string, lengthBytes: number): string {
  let cut = '';
  let used = 0;
  for (const character of text) {
    const length = new TextEncoder().encode(character).length;
    if (used + length > lengthBytes) break;
    cut += character;
    used += length;
  }
  return cut + ' '.repeat(lengthBytes - used);
}

export function slotInfo({ description, manufacturer, token }: TokenSlot): Answer<'C_GetSlotInfo'> {
  const flags = ck.CKF_REMOVABLE_DEVICE | ck.CKF_HW_SLOT | (token ? ck.CKF_TOKEN_PRESENT : 0);
  return [padded(description, 64), padded(manufacturer, 32), flags, NO_VERSION, NO_VERSION];
}

export function tokenInfo(
  token: SlotToken,
  pin: PinStatus,
  {
    sessions,
    isPinAsked,
    isChangeable,
  }: {
    readonly sessions: { readonly all: number; readonly readWrite: number };
    readonly isPinAsked: boolean;
    readonly isChangeable: boolean;
  },
): Answer<'C_GetTokenInfo'> {
  const flags =
    ck.CKF_RNG |
    (isChangeable ? 0 : ck.CKF_WRITE_PROTECTED) |
    ck.CKF_LOGIN_REQUIRED |
    ck.CKF_USER_PIN_INITIALIZED |
    ck.CKF_TOKEN_INITIALIZED |
    (isPinAsked ? ck.CKF_PROTECTED_AUTHENTICATION_PATH : 0) |
    triesFlags(pin);
  return [
    padded(token.label, 32),
    padded(token.manufacturer, 32),
    padded(token.model, 16),
    padded(token.serialNumber, 16),
    flags,
    0, // as many sessions as there is room for (CK_EFFECTIVELY_INFINITE)
    sessions.all,
    0,
    sessions.readWrite,
    pin.maxLength,
    pin.minLength,
    UNAVAILABLE,
    UNAVAILABLE,
    UNAVAILABLE,
    UNAVAILABLE,
    NO_VERSION,
    NO_VERSION,
    padded('', 16),
  ];
}

function triesFlags({ attemptsRemaining, attemptsTotal }: PinStatus): number {
  if (attemptsRemaining === undefined) return 0;
  if (attemptsRemaining === 0) return ck.CKF_USER_PIN_LOCKED;
  if (attemptsRemaining === 1) return ck.CKF_USER_PIN_FINAL_TRY | ck.CKF_USER_PIN_COUNT_LOW;
  return attemptsTotal !== undefined && attemptsRemaining < attemptsTotal ? ck.CKF_USER_PIN_COUNT_LOW : 0;
}
