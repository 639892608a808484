/** GET DATA and PUT DATA of PIV (NIST SP 800-73-5 part 2, sections 3.1.2 and 3.3.1). */
import { concat } from '../../bytes.ts';
import type { CardChannel } from '../../card-channel.ts';
import { CardDataError, CardFullError, NotSupportedByCardError, SecurityStatusError, StatusWordError } from '../../errors.ts';
import { MAX_EXTENDED_NE, MAX_SHORT_NE } from '../../iso7816/command-apdu.ts';
import {
  SW_FILE_NOT_FOUND,
  SW_FUNCTION_NOT_SUPPORTED,
  SW_NOT_ENOUGH_MEMORY,
  SW_REFERENCED_DATA_NOT_FOUND,
  SW_SECURITY_STATUS_NOT_SATISFIED,
  SW_SUCCESS,
} from '../../iso7816/status-word.ts';
import { TlvError, decodeFirstTlv, encodeTag, encodeTlv, formatTag } from '../../tlv/ber-tlv.ts';
import { INS_GET_DATA, INS_PUT_DATA, TAG_BIOMETRIC_GROUP, TAG_DATA, TAG_DISCOVERY, TAG_LIST } from './constants.ts';

/** P1 P2 3FFF: the current application (section 3.1.2, table 6). */
const P1 = 0x3f;
const P2 = 0xff;

/** The most that a response to GET DATA can be in the channel's length: one exchange with extended length. */
export function wholeNe(channel: CardChannel): number {
  return channel.supportsExtendedLength ? MAX_EXTENDED_NE : MAX_SHORT_NE;
}

/** Content of a data object; undefined when the card has none, or it was emptied. Throws SecurityStatusError when it wants a PIN. */
export async function readDataObject(channel: CardChannel, tag: number): Promise<Uint8Array | undefined> {
  const response = await channel.exchange({
    cla: 0x00,
    ins: INS_GET_DATA,
    p1: P1,
    p2: P2,
    data: encodeTlv(TAG_LIST, Uint8Array.from(encodeTag(tag))),
    ne: wholeNe(channel),
  });
  const attempt = `reading data object ${formatTag(tag)}`;
  if (response.statusWord === SW_FILE_NOT_FOUND || response.statusWord === SW_REFERENCED_DATA_NOT_FOUND) return undefined;
  if (response.statusWord === SW_SECURITY_STATUS_NOT_SATISFIED) {
    throw new SecurityStatusError(`${attempt}: card wants a PIN first`, {
      statusWord: response.statusWord,
      instruction: INS_GET_DATA,
    });
  }
  if (response.statusWord !== SW_SUCCESS) throw new StatusWordError(attempt, response.statusWord, INS_GET_DATA);
  const content = unwrap(attempt, standsForItself(tag) ? tag : TAG_DATA, response.data);
  return content.length === 0 ? undefined : content;
}

/** Needs the management key. An empty content deletes. Throws CardFullError; the card then holds what it held. */
export async function writeDataObject(channel: CardChannel, tag: number, content: Uint8Array): Promise<void> {
  const data = standsForItself(tag)
    ? encodeTlv(tag, content)
    : concat(encodeTlv(TAG_LIST, Uint8Array.from(encodeTag(tag))), encodeTlv(TAG_DATA, content));
  const response = await channel.exchange({ cla: 0x00, ins: INS_PUT_DATA, p1: P1, p2: P2, data });
  const attempt = `writing data object ${formatTag(tag)} of ${content.length} bytes`;
  const fields = { statusWord: response.statusWord, instruction: INS_PUT_DATA };
  switch (response.statusWord) {
    case SW_SUCCESS:
      return;
    case SW_NOT_ENOUGH_MEMORY:
      throw new CardFullError(`${attempt}: card has no room`, fields);
    case SW_SECURITY_STATUS_NOT_SATISFIED:
      throw new SecurityStatusError(`${attempt}: card wants the management key first`, fields);
    case SW_FUNCTION_NOT_SUPPORTED:
      throw new NotSupportedByCardError(`${attempt}: card does not take this object`, fields);
    default:
      throw new StatusWordError(attempt, response.statusWord, INS_PUT_DATA);
  }
}

/** 7E and 7F61 come back as themselves, everything else inside 53. */
function standsForItself(tag: number): boolean {
  return tag === TAG_DISCOVERY || tag === TAG_BIOMETRIC_GROUP;
}

function unwrap(attempt: string, expectedTag: number, data: Uint8Array): Uint8Array {
  try {
    const { object } = decodeFirstTlv(data);
    if (object.tag === expectedTag) return object.value;
    throw new CardDataError(`${attempt}: card gave ${formatTag(object.tag)} where ${formatTag(expectedTag)} belongs`);
  } catch (error) {
    if (error instanceof TlvError) throw new CardDataError(`${attempt}: ${error.message}`, {}, { cause: error });
    throw error;
  }
}
