/**
 * Whether a card is an electronic travel document (ICAO Doc 9303-10, section 3.9.2; 9303-11, section 4.2), and what it says to everybody of how it opens. Small, since
 * every card of no other kind is asked.
 */
import { parseHex } from '../bytes.ts';
import type { CardChannel } from '../card-channel.ts';
import { StatusWordError } from '../errors.ts';
import { MAX_SHORT_NE } from '../iso7816/command-apdu.ts';
import type { Exchange } from '../iso7816/exchange.ts';
import { SW_SUCCESS } from '../iso7816/status-word.ts';
import { documentFile } from './document-files.ts';
import { readDocumentFile } from './file-reading.ts';
import { paceInfosOf, parseSecurityInfos, type PaceInfo } from './security-infos.ts';

/** 9303-10, section 3.9.2. */
export const APPLICATION_ID = parseHex('A0000002471001');
const INS_SELECT = 0xa4;
const P1_BY_DF_NAME = 0x04;
const P1_BY_IDENTIFIER = 0x00;
const P2_NO_RESPONSE = 0x0c;
const MASTER_FILE = parseHex('3F00');
const MAX_INFO_FILE = 0x2000;
/** Of a contactless card (PC/SC part 3, section 3.1.3.2.3.1): no interface bytes but TD1 and TD2 for T=0 and T=1. */
const CONTACTLESS_ATR = [0x80, 0x01];
/** Checking errors of the sort "command not allowed" (ISO/IEC 7816-4:2020, table 6). */
const SW1_NOT_ALLOWED = 0x69;

/**
 * A document that wants PACE first may not show its application before, but has EF.CardAccess for everybody. Other cards with PACE have that file too: those in a contact
 * reader that know of no such application are not asked for it.
 */
export async function isTravelDocument(channel: CardChannel): Promise<boolean> {
  const statusWord = await trySelect(channel.exchange);
  if (statusWord === SW_SUCCESS) return true;
  const isContactless = CONTACTLESS_ATR.every((byte, index) => channel.atr?.bytes[index + 2] === byte);
  if (!isContactless && statusWord >> 8 !== SW1_NOT_ALLOWED) return false;
  return (await readCardAccess(channel)).length > 0;
}

async function trySelect(exchange: Exchange): Promise<number> {
  const command = { cla: 0x00, ins: INS_SELECT, p1: P1_BY_DF_NAME, p2: P2_NO_RESPONSE, data: APPLICATION_ID };
  return (await exchange(command)).statusWord;
}

export async function selectApplication(exchange: Exchange): Promise<boolean> {
  return (await trySelect(exchange)) === SW_SUCCESS;
}

/** Some chips stay in the application that was selected, and have the master file selected by its identifier; others know of none. */
async function selectMasterFile(exchange: Exchange): Promise<void> {
  await exchange({ cla: 0x00, ins: INS_SELECT, p1: P1_BY_IDENTIFIER, p2: P2_NO_RESPONSE, data: MASTER_FILE });
}

/** Empty for a chip of BAC alone. */
export async function readCardAccess({ exchange }: CardChannel): Promise<readonly PaceInfo[]> {
  await selectMasterFile(exchange);
  const options = { blockLength: MAX_SHORT_NE, maxLength: MAX_INFO_FILE };
  try {
    const file = await readDocumentFile(exchange, documentFile('EF.CardAccess'), options);
    return file ? paceInfosOf(parseSecurityInfos(file)) : [];
  } catch (error) {
    // Chips of BAC alone answer as they like to what they do not know.
    if (error instanceof StatusWordError) return [];
    throw error;
  }
}
