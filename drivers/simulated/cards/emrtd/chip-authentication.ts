/** Chip authentication version 1 (ICAO Doc 9303-11, section 6.2): the chip agrees on new keys by its own, which its signed files tell. */
import {
  SW_CONDITIONS_OF_USE_NOT_SATISFIED,
  SW_REFERENCED_DATA_NOT_FOUND,
  SW_SECURITY_STATUS_NOT_SATISFIED,
  SW_SUCCESS,
  SW_WRONG_DATA,
} from '../../../../apdu/iso7816/status-word.ts';
import { decodeTlv, encodeTlv, findTlv, requireTlv } from '../../../../apdu/tlv/ber-tlv.ts';
import { bytesToBigInt, equalBytes } from '../../bytes.ts';
import { Refusal, SUCCESS, type CardAnswer } from '../../transport.ts';
import type { Chip, ChipAuthenticationKey, WholeCommand } from './chip.ts';
import { FOR_AUTHENTICATION, FOR_ENCRYPTION, SUITES, deriveKey } from './cipher.ts';
import { TAG_DYNAMIC_DATA } from './constants.ts';
import { groupOf } from './groups.ts';
import { chipAuthenticationOid } from './protocols.ts';
import { SecureChannel } from './secure-channel.ts';

/** Of MSE:SET KAT (section 6.2.4.1) and MSE:SET AT (section 6.2.4.2). */
const TAG_EPHEMERAL_KEY_OF_READER = 0x91;
const TAG_PROTOCOL = 0x80;
const TAG_KEY_REFERENCE = 0x84;
const TAG_READER_KEY = 0x80;
/** This chip has one key, and gives its identifier in DG14. */
export const CHIP_AUTHENTICATION_KEY_ID = 1;

/** `22 41 A6`: all in one, for Triple-DES alone. */
export function setKeyAgreement(chip: Chip, command: WholeCommand): CardAnswer {
  const key = requireKey(chip, command);
  const objects = decodeTlv(command.data);
  requireReference(findTlv(objects, TAG_KEY_REFERENCE));
  if (key.suite !== '3DES') throw new Refusal(SW_CONDITIONS_OF_USE_NOT_SATISFIED);
  switchKeys(chip, key, requireTlv(objects, TAG_EPHEMERAL_KEY_OF_READER));
  return SUCCESS;
}

/** `22 41 A4`: chooses; GENERAL AUTHENTICATE follows. */
export function setChipAuthentication(chip: Chip, command: WholeCommand): CardAnswer {
  const key = requireKey(chip, command);
  const objects = decodeTlv(command.data);
  requireReference(findTlv(objects, TAG_KEY_REFERENCE));
  if (!equalBytes(requireTlv(objects, TAG_PROTOCOL), chipAuthenticationOid(key).subarray(2))) throw new Refusal(SW_WRONG_DATA);
  chip.session.isChipAuthenticationSet = true;
  return SUCCESS;
}

export function agreeOnKeys(chip: Chip, command: WholeCommand, template: Uint8Array): CardAnswer {
  chip.session.isChipAuthenticationSet = false;
  switchKeys(chip, requireKey(chip, command), requireTlv(decodeTlv(template), TAG_READER_KEY));
  return { statusWord: SW_SUCCESS, data: encodeTlv(TAG_DYNAMIC_DATA) };
}

function requireKey({ chipAuthentication, session }: Chip, { isProtected }: WholeCommand): ChipAuthenticationKey {
  if (!isProtected || session.access === 'none') throw new Refusal(SW_SECURITY_STATUS_NOT_SATISFIED);
  if (!chipAuthentication) throw new Refusal(SW_WRONG_DATA);
  return chipAuthentication;
}

function requireReference(reference: Uint8Array | undefined): void {
  if (reference && bytesToBigInt(reference) !== BigInt(CHIP_AUTHENTICATION_KEY_ID))
    throw new Refusal(SW_REFERENCED_DATA_NOT_FOUND);
}

/** From the next command on; the counter starts at nought. A clone computes with a key that is not the one it tells. */
function switchKeys(chip: Chip, { suite: name, parameters, scalar }: ChipAuthenticationKey, readerKey: Uint8Array): void {
  const group = groupOf(parameters);
  const suite = SUITES[name];
  const secret = group.secretOf(group.multiply(readerKey, scalar + (chip.isCloned ? 1n : 0n)));
  chip.session.nextChannel = new SecureChannel({
    suite,
    encryption: deriveKey(suite, secret, FOR_ENCRYPTION),
    authentication: deriveKey(suite, secret, FOR_AUTHENTICATION),
  });
}
