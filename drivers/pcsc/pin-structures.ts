/**
 * Structures of PIN entry on a reader: PC/SC part 10 v2.02.09, sections 2.2 (features), 2.5.2 (PIN_VERIFY), 2.5.3 (PIN_MODIFY),
 * 2.6.14 (TLV properties). Pure bytes; `keypad.ts` sends them. Numbers inside the structures are little-endian, as every host here is;
 * the control codes of the feature list are big-endian.
 */
import type { KeypadPinFormat } from '../../apdu/card-connection.ts';
import { CommandApduError, parseCommandApdu } from '../../apdu/iso7816/command-apdu.ts';

/** CM_IOCTL_GET_FEATURE_REQUEST, before SCARD_CTL_CODE (part 10, section 2.2). */
export const CM_IOCTL_GET_FEATURE_REQUEST = 3400;

export const FEATURE_VERIFY_PIN_DIRECT = 0x06;
export const FEATURE_MODIFY_PIN_DIRECT = 0x07;
export const FEATURE_GET_TLV_PROPERTIES = 0x12;

/** Properties of FEATURE_GET_TLV_PROPERTIES (part 10, section 2.6.14). */
export const PROPERTY_MAX_APDU_DATA_SIZE = 0x0a;

/** Seconds that the reader waits for a key before it gives up: bTimerOut and bTimerOut2. */
export const KEYPAD_TIMEOUT_S = 30;

const MAX_FEATURES = 64;
/** bmPINBlockString holds the block's length in four bits. */
const MAX_BLOCK_BYTES = 15;
/** bmFormatString: position in bytes, PIN at position 0, left-justified, ASCII. */
const FORMAT_ASCII_LEFT = 0x82;
/** bEntryValidationCondition: the validation key was pressed. */
const VALIDATION_KEY_PRESSED = 0x02;
/** bConfirmPIN: the new PIN is asked for twice, and the current one before it. */
const CONFIRM_AND_CURRENT = 0x03;
const VERIFY_STRUCTURE_BYTES = 19;
const MODIFY_STRUCTURE_BYTES = 24;

/** Feature tag to control code. A list that is malformed anywhere is no list: the reader is then used without features. */
export function parseFeatureList(bytes: Uint8Array): ReadonlyMap<number, number> {
  const features = new Map<number, number>();
  if (bytes.length % 6 !== 0 || bytes.length > MAX_FEATURES * 6) return features;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let offset = 0; offset < bytes.length; offset += 6) {
    if (bytes[offset + 1] !== 4) return new Map();
    features.set(view.getUint8(offset), view.getUint32(offset + 2));
  }
  return features;
}

/** Property tag to its number; properties of more than four bytes (strings) are left out. A malformed list gives no properties. */
export function parseTlvProperties(bytes: Uint8Array): ReadonlyMap<number, number> {
  const properties = new Map<number, number>();
  for (let offset = 0; offset < bytes.length;) {
    const [tag, length] = bytes.subarray(offset, offset + 2);
    if (tag === undefined || length === undefined || offset + 2 + length > bytes.length) return new Map();
    const value = bytes.subarray(offset + 2, offset + 2 + length);
    if (length <= 4)
      properties.set(
        tag,
        value.reduceRight((sum, byte) => sum * 256 + byte, 0),
      );
    offset += 2 + length;
  }
  return properties;
}

export interface PinEntry {
  readonly command: Uint8Array;
  readonly format: KeypadPinFormat;
  /** wLangId: 0x0409 English (US), 0x041D Swedish. */
  readonly languageId: number;
}

/** PIN_VERIFY_STRUCTURE. Throws CommandApduError when the command is no case 3 command of one PIN block. */
export function encodePinVerify({ command, format, languageId }: PinEntry): Uint8Array {
  requirePinBlocks(command, format, 1);
  const structure = new Uint8Array(VERIFY_STRUCTURE_BYTES + command.length);
  const view = new DataView(structure.buffer);
  setEntryFormat(view, format);
  view.setUint16(5, (format.minLength << 8) | format.maxLength, true); // wPINMaxExtraDigit
  view.setUint8(7, VALIDATION_KEY_PRESSED);
  view.setUint8(8, 1); // bNumberMessage
  view.setUint16(9, languageId, true);
  view.setUint32(15, command.length, true);
  structure.set(command, VERIFY_STRUCTURE_BYTES);
  return structure;
}

/** PIN_MODIFY_STRUCTURE: current PIN (or PUK), new PIN, new PIN again. Throws CommandApduError when the command is no case 3 command of two PIN blocks. */
export function encodePinModify({ command, format, languageId }: PinEntry): Uint8Array {
  requirePinBlocks(command, format, 2);
  const structure = new Uint8Array(MODIFY_STRUCTURE_BYTES + command.length);
  const view = new DataView(structure.buffer);
  setEntryFormat(view, format);
  view.setUint8(5, 0); // bInsertionOffsetOld
  view.setUint8(6, format.blockLengthBytes); // bInsertionOffsetNew
  view.setUint16(7, (format.minLength << 8) | format.maxLength, true); // wPINMaxExtraDigit
  view.setUint8(9, CONFIRM_AND_CURRENT);
  view.setUint8(10, VALIDATION_KEY_PRESSED);
  view.setUint8(11, 3); // bNumberMessage
  view.setUint16(12, languageId, true);
  structure.set([0, 1, 2], 14); // bMsgIndex1 to bMsgIndex3
  view.setUint32(20, command.length, true);
  structure.set(command, MODIFY_STRUCTURE_BYTES);
  return structure;
}

/** The first five bytes, which both structures share. */
function setEntryFormat(view: DataView, format: KeypadPinFormat): void {
  view.setUint8(0, KEYPAD_TIMEOUT_S);
  view.setUint8(1, KEYPAD_TIMEOUT_S);
  view.setUint8(2, FORMAT_ASCII_LEFT);
  view.setUint8(3, format.blockLengthBytes);
  view.setUint8(4, 0); // bmPINLengthFormat: the length is not in the command
}

function requirePinBlocks(command: Uint8Array, format: KeypadPinFormat, blocks: 1 | 2): void {
  const { minLength, maxLength, blockLengthBytes } = format;
  const fits = minLength >= 0 && minLength <= maxLength && maxLength <= blockLengthBytes && blockLengthBytes <= MAX_BLOCK_BYTES;
  if (!fits)
    throw new CommandApduError(
      `entering a PIN on a keypad: ${minLength} to ${maxLength} digits in ${blockLengthBytes} bytes cannot be described`,
    );
  const { data, ne } = parseCommandApdu(command);
  const wanted = blocks * blockLengthBytes;
  if (ne !== undefined || data?.length !== wanted || command.length !== 5 + wanted) {
    throw new CommandApduError(
      `entering a PIN on a keypad: the command does not hold ${blocks} block(s) of ${blockLengthBytes} bytes and nothing else`,
    );
  }
}
