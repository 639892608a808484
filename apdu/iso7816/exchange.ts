/**
 * How a command reaches the card and comes back whole. Each wrapper takes an Exchange and gives one that does a thing more:
 * exact Le, GET RESPONSE, command chaining. `card-channel.ts` stacks them.
 */
import { concat } from '../bytes.ts';
import {
  MAX_EXTENDED_NC,
  MAX_SHORT_NC,
  MAX_SHORT_NE,
  encodeCommandApdu,
  needsExtendedLength,
  type CommandApdu,
} from './command-apdu.ts';
import { ResponseApduError, parseResponseApdu, type ResponseApdu } from './response-apdu.ts';
import { SW1_BYTES_AVAILABLE, SW1_WRONG_LE, SW_SUCCESS, SW_WRONG_LENGTH } from './status-word.ts';

export type Exchange = (command: CommandApdu) => Promise<ResponseApdu>;

/** INS of GET RESPONSE (ISO/IEC 7816-4:2020, section 11.7.1). */
const INS_GET_RESPONSE = 0xc0;
/** b5 of CLA: not the last command of a chain (section 5.4.1, table 2). */
const CLA_CHAINING = 0x10;
/** What a logical channel number occupies in CLA: 0-3 in first interindustry values, 4-19 in further ones (section 5.4.1, tables 2 and 3). */
const CLA_FIRST_CHANNEL_BITS = 0x03;
const CLA_FURTHER_CHANNEL_BITS = 0x4f;
/** Most parts of one long response: 75 KiB where a card gives 256 bytes at a time, as ours do; a card that gives crumbs is a hostile one. */
const MAX_GET_RESPONSES = 300;

/** Encodes, transmits once, parses. The bottom of every stack. What was encoded of a sensitive command is wiped when the answer is there. */
export function rawExchange(
  transmit: (command: Uint8Array, options: { readonly sensitive: boolean }) => Promise<Uint8Array>,
): Exchange {
  return async (command) => {
    const sensitive = command.sensitive === true;
    const encoded = encodeCommandApdu(command);
    try {
      return parseResponseApdu(await transmit(encoded, { sensitive }));
    } finally {
      if (sensitive) encoded.fill(0);
    }
  };
}

/** `6CXX`: the same command once more, with Le = XX (ISO/IEC 7816-4:2020, section 5.6). */
export function withExactLe(exchange: Exchange): Exchange {
  return async (command) => {
    const response = await exchange(command);
    if (response.statusWord >> 8 !== SW1_WRONG_LE) return response;
    const xx = response.statusWord & 0xff;
    return await exchange({ ...command, ne: xx === 0 ? MAX_SHORT_NE : xx });
  };
}

/**
 * `61XX`: GET RESPONSE until the card has given everything. Bounded: an answer over `maxLengthBytes` or in too many parts, or one that
 * stays empty while the card says that more is there, is a ResponseApduError.
 */
export function withGetResponse(exchange: Exchange, maxLengthBytes: number): Exchange {
  return async (command) => {
    let response = await exchange(command);
    if (response.statusWord >> 8 !== SW1_BYTES_AVAILABLE) return response;
    const parts = [response.data];
    let lengthBytes = response.data.length;
    const cla = getResponseCla(command.cla);
    while (response.statusWord >> 8 === SW1_BYTES_AVAILABLE) {
      const ne = response.statusWord & 0xff || MAX_SHORT_NE;
      response = await exchange({
        cla,
        ins: INS_GET_RESPONSE,
        p1: 0,
        p2: 0,
        ne,
        ...(command.sensitive ? { sensitive: true } : {}),
      });
      const more = response.statusWord >> 8 === SW1_BYTES_AVAILABLE;
      if (more && response.data.length === 0)
        throw new ResponseApduError('reading a long response: card announces more bytes and gives none');
      lengthBytes += response.data.length;
      if (lengthBytes > maxLengthBytes) throw new ResponseApduError(`reading a long response: more than ${maxLengthBytes} bytes`);
      parts.push(response.data);
      if (more && parts.length > MAX_GET_RESPONSES)
        throw new ResponseApduError(`reading a long response: more than ${MAX_GET_RESPONSES} parts`);
    }
    return { data: concat(...parts), statusWord: response.statusWord };
  };
}

/** Splits what fits no short command into a chain of short ones (ISO/IEC 7816-4:2020, section 5.3.3). */
export function withCommandChaining(exchange: Exchange): Exchange {
  return async (command) => {
    const data = command.data ?? new Uint8Array();
    const ne = command.ne === undefined ? {} : { ne: Math.min(command.ne, MAX_SHORT_NE) };
    let offset = 0;
    while (data.length - offset > MAX_SHORT_NC) {
      const { ne: wantedAtTheEnd, ...link } = command;
      const part = data.subarray(offset, offset + MAX_SHORT_NC);
      const response = await exchange({ ...link, cla: command.cla | CLA_CHAINING, data: part });
      if (response.statusWord !== SW_SUCCESS) return response;
      offset += MAX_SHORT_NC;
    }
    return await exchange({ ...command, ...ne, ...(data.length > 0 ? { data: data.subarray(offset) } : {}) });
  };
}

/**
 * Extended length where it is needed and both sides carry it; data too long even for that go as a chain. A card that announces it and still answers 6700 is asked again by
 * chaining, and for the rest of the transaction extended length is left alone.
 */
export function withExtendedLength(extended: Exchange, chained: Exchange): Exchange {
  let refused = false;
  return async (command) => {
    const fitsExtended = (command.data?.length ?? 0) <= MAX_EXTENDED_NC;
    if (refused || !fitsExtended || !needsExtendedLength(command)) return await chained(command);
    const response = await extended(command);
    if (response.statusWord !== SW_WRONG_LENGTH) return response;
    refused = true;
    return await chained(command);
  };
}

function getResponseCla(cla: number): number {
  if (cla & 0x80) return 0x00;
  return cla & 0x40 ? cla & CLA_FURTHER_CHANNEL_BITS : cla & CLA_FIRST_CHANNEL_BITS;
}
