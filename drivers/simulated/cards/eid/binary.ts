/** READ BINARY and UPDATE BINARY with even INS (ISO/IEC 7816-4:2020, sections 11.3.3 and 11.3.5). */
import { MAX_EXTENDED_NE, MAX_SHORT_NE } from '../../../../apdu/iso7816/command-apdu.ts';
import {
  SW1_WRONG_LE,
  SW_END_OF_FILE,
  SW_FILE_NOT_FOUND,
  SW_NOT_ENOUGH_MEMORY,
  SW_NO_CURRENT_EF,
  SW_WRONG_LENGTH,
  SW_WRONG_P1_P2,
} from '../../../../apdu/iso7816/status-word.ts';
import { Refusal, SUCCESS, type CardAnswer } from '../../transport.ts';
import { SW_COMMAND_INCOMPATIBLE_WITH_FILE_STRUCTURE } from './constants.ts';
import { findByShortId, makeCurrent } from './file-system.ts';
import { requireCondition, type EidCommand } from './instruction.ts';
import type { Eid, WorkingFile } from './memory.ts';

/** P1: b8 says that b5 to b1 are a short EF identifier, and P2 the offset (section 11.3.2). */
const P1_SHORT_ID = 0x80;
const SHORT_ID = 0x1f;
const SHORT_ID_UNUSED = 0x60;
const MAX_SHORT_ID = 30;

export function readBinary(eid: Eid, command: EidCommand): CardAnswer {
  const { file, offset } = findTarget(eid, command);
  requireCondition(eid, file.access.read);
  if (command.data.length > 0) throw new Refusal(SW_WRONG_LENGTH);
  if (offset >= file.content.length) throw new Refusal(SW_WRONG_P1_P2);
  const ne = command.ne ?? MAX_SHORT_NE;
  const rest = file.content.length - offset;
  const wantsAll = ne === MAX_SHORT_NE || ne === MAX_EXTENDED_NE;
  const data = file.content.slice(offset, offset + ne);
  if (rest >= ne) return { ...SUCCESS, data };
  if (eid.posture.traits.isT0) throw new Refusal((SW1_WRONG_LE << 8) | rest);
  return wantsAll ? { ...SUCCESS, data } : { statusWord: SW_END_OF_FILE, data };
}

export function updateBinary(eid: Eid, command: EidCommand): CardAnswer {
  const { file, offset } = findTarget(eid, command);
  requireCondition(eid, file.access.update);
  if (command.data.length === 0) throw new Refusal(SW_WRONG_LENGTH);
  if (offset >= file.content.length) throw new Refusal(SW_WRONG_P1_P2);
  if (offset + command.data.length > file.content.length) throw new Refusal(SW_NOT_ENOUGH_MEMORY);
  const content = file.content.slice();
  content.set(command.data, offset);
  file.content = content;
  eid.markChanged();
  return SUCCESS;
}

/** A short identifier makes its file current, as SELECT would. */
function findTarget(eid: Eid, { p1, p2 }: EidCommand): { readonly file: WorkingFile; readonly offset: number } {
  const { session, memory } = eid;
  const isShort = (p1 & P1_SHORT_ID) !== 0;
  if (isShort) {
    const shortId = p1 & SHORT_ID;
    if (p1 & SHORT_ID_UNUSED || shortId === 0 || shortId > MAX_SHORT_ID) throw new Refusal(SW_WRONG_P1_P2);
    const path = findByShortId(memory, session.directory, shortId);
    if (path === undefined) throw new Refusal(SW_FILE_NOT_FOUND);
    makeCurrent(eid, path);
  }
  const file = session.file === undefined ? undefined : memory.files.get(session.file);
  if (!file) throw new Refusal(SW_NO_CURRENT_EF);
  if (file.kind !== 'working') throw new Refusal(SW_COMMAND_INCOMPATIBLE_WITH_FILE_STRUCTURE);
  return { file, offset: isShort ? p2 : (p1 << 8) | p2 };
}
