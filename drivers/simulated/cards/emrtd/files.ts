/** Files of a passport's chip: which there are, and SELECT and READ BINARY on them (ICAO Doc 9303-10, sections 3 and 4; 9303-11, section 9; ISO/IEC 7816-4:2020, sections 11.2 and 11.3). */
import { MAX_EXTENDED_NE, MAX_SHORT_NE } from '../../../../apdu/iso7816/command-apdu.ts';
import {
  SW_END_OF_FILE,
  SW_FILE_NOT_FOUND,
  SW_INCORRECT_P1_P2,
  SW_NO_CURRENT_EF,
  SW_SECURITY_STATUS_NOT_SATISFIED,
  SW_SUCCESS,
  SW_WRONG_DATA,
  SW_WRONG_LENGTH,
  SW_WRONG_P1_P2,
} from '../../../../apdu/iso7816/status-word.ts';
import { decodeTlv, encodeTlv, requireTlv } from '../../../../apdu/tlv/ber-tlv.ts';
import { bytesToBigInt, equalBytes } from '../../bytes.ts';
import { Refusal, SUCCESS, type CardAnswer } from '../../transport.ts';
import type { Chip, WholeCommand } from './chip.ts';
import { APPLICATION_ID } from './constants.ts';

export interface ElementaryFile {
  readonly id: number;
  /** Short identifier, 1 to 30. */
  readonly shortId: number;
  /** In the application, or under the master file. */
  readonly isInApplication: boolean;
  /** Who may read: anybody, whoever knows what is printed, whoever came by PACE, or (fingerprints) nobody without terminal authentication. */
  readonly readers: 'anybody' | 'authenticated' | 'by PACE' | 'nobody';
  readonly content: Uint8Array;
}

const MASTER_FILE = 0x3f00;
const CURRENT_FILE = 0x0000;
const P1_BY_IDENTIFIER = 0x00;
const P1_ELEMENTARY_FILE = 0x02;
const P1_BY_NAME = 0x04;
/** P2 of SELECT: FCI, FCP, or nothing in the answer (ISO/IEC 7816-4:2020, table 63). */
const P2_FCI = 0x00;
const P2_FCP = 0x04;
const P2_NOTHING = 0x0c;
const TAG_FCI = 0x6f;
const TAG_FCP = 0x62;
const P1_SHORT_ID = 0x80;
const MAX_SHORT_ID = 30;
/** Offset and data of the odd instruction (section 11.3.2). */
const TAG_OFFSET = 0x54;
const TAG_DISCRETIONARY_DATA = 0x53;
/** 53 and the longest form of its length that a file of this chip needs. */
const DISCRETIONARY_HEADER = 4;

export function select(chip: Chip, command: WholeCommand): CardAnswer {
  const { p1, p2, data } = command;
  if (![P2_FCI, P2_FCP, P2_NOTHING].includes(p2)) throw new Refusal(SW_INCORRECT_P1_P2);
  if (p1 === P1_BY_NAME) return selectApplication(chip, command);
  if (p1 !== P1_BY_IDENTIFIER && p1 !== P1_ELEMENTARY_FILE) throw new Refusal(SW_INCORRECT_P1_P2);
  const isMasterFile = data.length === 0 || (data.length === 2 && bytesToBigInt(data) === BigInt(MASTER_FILE));
  if (p1 === P1_BY_IDENTIFIER && isMasterFile) return selectMasterFile(chip);
  if (data.length !== 2) throw new Refusal(SW_WRONG_LENGTH);
  const file = findFile(chip, ({ id }) => BigInt(id) === bytesToBigInt(data));
  chip.session.currentFile = file;
  const size = encodeTlv(0x80, Uint8Array.of(file.content.length >> 8, file.content.length & 0xff));
  return controlInformation(p2, size, encodeTlv(0x83, data));
}

/** Without BAC the application is not there before PACE (9303-11, section 4.2). */
function selectApplication({ session, allowsBac }: Chip, { p2, data }: WholeCommand): CardAnswer {
  if (!equalBytes(data, APPLICATION_ID)) throw new Refusal(SW_FILE_NOT_FOUND);
  if (!allowsBac && session.access === 'none') throw new Refusal(SW_SECURITY_STATUS_NOT_SATISFIED);
  session.isApplicationSelected = true;
  session.currentFile = undefined;
  return controlInformation(p2, encodeTlv(0x84, APPLICATION_ID));
}

function selectMasterFile({ session }: Chip): CardAnswer {
  session.isApplicationSelected = false;
  session.currentFile = undefined;
  return SUCCESS;
}

function controlInformation(p2: number, ...objects: readonly Uint8Array[]): CardAnswer {
  if (p2 === P2_NOTHING) return SUCCESS;
  return { statusWord: SW_SUCCESS, data: encodeTlv(p2 === P2_FCP ? TAG_FCP : TAG_FCI, ...objects) };
}

/** By even instruction: what is read is in P1 P2 (section 11.3.3). */
export function readBinary(chip: Chip, command: WholeCommand): CardAnswer {
  const { p1, p2, ne } = command;
  const isByShortId = (p1 & P1_SHORT_ID) !== 0;
  const file = isByShortId ? selectShort(chip, p1 & ~P1_SHORT_ID) : currentFile(chip);
  return readAt(file, { offset: isByShortId ? p2 : (p1 << 8) | p2, ne: requireNe(ne), most: command.capacityBytes });
}

/** By odd instruction: the offset is in the data field, so that more than 32 kB can be read. */
export function readBinaryOdd(chip: Chip, command: WholeCommand): CardAnswer {
  const { p1, p2, data } = command;
  const offset = requireTlv(decodeTlv(data), TAG_OFFSET);
  if (offset.length === 0 || offset.length > 4) throw new Refusal(SW_WRONG_DATA);
  const number = (p1 << 8) | p2;
  const file = fileOfOddRead(chip, number);
  const most = Math.min(requireNe(command.ne), command.capacityBytes) - DISCRETIONARY_HEADER;
  const answer = readAt(file, { offset: Number(bytesToBigInt(offset)), ne: MAX_EXTENDED_NE, most: Math.max(0, most) });
  return answer.data ? { ...answer, data: encodeTlv(TAG_DISCRETIONARY_DATA, answer.data) } : answer;
}

function fileOfOddRead(chip: Chip, number: number): ElementaryFile {
  if (number === CURRENT_FILE) return currentFile(chip);
  if (number <= MAX_SHORT_ID) return selectShort(chip, number);
  const file = findFile(chip, ({ id }) => id === number);
  chip.session.currentFile = file;
  return file;
}

interface Range {
  readonly offset: number;
  readonly ne: number;
  /** That fit an answer. */
  readonly most: number;
}

function readAt({ content }: ElementaryFile, { offset, ne, most }: Range): CardAnswer {
  if (offset >= content.length) throw new Refusal(SW_WRONG_P1_P2);
  const data = content.subarray(offset, offset + Math.min(ne, most));
  const wantsAll = ne === MAX_SHORT_NE || ne === MAX_EXTENDED_NE;
  const isShort = !wantsAll && data.length < ne && offset + data.length === content.length;
  return { statusWord: isShort ? SW_END_OF_FILE : SW_SUCCESS, data };
}

function requireNe(ne: number | undefined): number {
  if (ne === undefined) throw new Refusal(SW_WRONG_LENGTH);
  return ne;
}

function selectShort(chip: Chip, shortId: number): ElementaryFile {
  if (shortId === 0 || shortId > MAX_SHORT_ID) throw new Refusal(SW_INCORRECT_P1_P2);
  const file = findFile(chip, (one) => one.shortId === shortId);
  chip.session.currentFile = file;
  return file;
}

function currentFile(chip: Chip): ElementaryFile {
  const file = chip.session.currentFile;
  if (!file) throw new Refusal(SW_NO_CURRENT_EF);
  requireRight(chip, file);
  return file;
}

/** Of what is selected. A chip that is not open says of every file of its application the same, present or not. */
function findFile(chip: Chip, fits: (file: ElementaryFile) => boolean): ElementaryFile {
  const { isApplicationSelected, access } = chip.session;
  if (isApplicationSelected && access === 'none') throw new Refusal(SW_SECURITY_STATUS_NOT_SATISFIED);
  const file = chip.files.find((one) => one.isInApplication === isApplicationSelected && fits(one));
  if (!file) throw new Refusal(SW_FILE_NOT_FOUND);
  requireRight(chip, file);
  return file;
}

function requireRight({ session }: Chip, { readers }: ElementaryFile): void {
  const mayRead =
    readers === 'anybody' ||
    (readers === 'authenticated' && session.access !== 'none') ||
    (readers === 'by PACE' && session.access === 'PACE');
  if (!mayRead) throw new Refusal(SW_SECURITY_STATUS_NOT_SATISFIED);
}
