/** SELECT (ISO/IEC 7816-4:2020, section 11.2.2), and GET DATA for what a card's maker put beside the files. */
import { SW_FILE_NOT_FOUND, SW_INCORRECT_P1_P2, SW_REFERENCED_DATA_NOT_FOUND } from '../../../../apdu/iso7816/status-word.ts';
import { encodeTlv } from '../../../../apdu/tlv/ber-tlv.ts';
import { equalBytes, formatHex } from '../../bytes.ts';
import { Refusal, SUCCESS, type CardAnswer } from '../../transport.ts';
import { FID_MF, SW_NC_INCONSISTENT_WITH_P1_P2, TAG_FCI, TAG_FCP, TAG_FMD } from './constants.ts';
import { PATH_MF, childPath, encodeFcp, encodeName, fidOf, makeCurrent, parentPath } from './file-system.ts';
import type { EidCommand } from './instruction.ts';
import type { Eid, FilePath } from './memory.ts';

/** How the file is named (table 63). */
const P1_FILE_IDENTIFIER = 0x00;
const P1_CHILD_DF = 0x01;
const P1_EF_UNDER_CURRENT_DF = 0x02;
const P1_PARENT_DF = 0x03;
const P1_DF_NAME = 0x04;
const P1_PATH_FROM_MF = 0x08;
const P1_PATH_FROM_CURRENT_DF = 0x09;
/** Which occurrence, and what is answered (table 64). */
const P2_FIRST = 0x00;
const P2_OCCURRENCE = 0x03;
const P2_ANSWER = 0x0c;
const ANSWER_FCI = 0x00;
const ANSWER_FCP = 0x04;
const ANSWER_FMD = 0x08;
/** Longest DF name (section 8.2.1.2). */
const MAX_NAME_LENGTH = 16;

export function select(eid: Eid, command: EidCommand): CardAnswer {
  if (command.p2 & ~(P2_OCCURRENCE | P2_ANSWER)) throw new Refusal(SW_INCORRECT_P1_P2);
  const path = find(eid, command);
  const file = path === undefined ? undefined : eid.memory.files.get(path);
  if (path === undefined || !file) throw new Refusal(SW_FILE_NOT_FOUND);
  makeCurrent(eid, path);
  if (command.p1 === P1_DF_NAME && eid.posture.clearsOnSelect) eid.session.verified.clear();
  const answer = command.p2 & P2_ANSWER;
  if (answer === ANSWER_FCI) return { ...SUCCESS, data: encodeTlv(TAG_FCI, encodeFcp(path, file)) };
  if (answer === ANSWER_FCP) return { ...SUCCESS, data: encodeTlv(TAG_FCP, encodeFcp(path, file)) };
  return answer === ANSWER_FMD ? { ...SUCCESS, data: encodeTlv(TAG_FMD, encodeName(file)) } : SUCCESS;
}

/** Undefined where there is no such file, an empty path that there is but is another kind of file included. */
function find(eid: Eid, { p1, p2, data }: EidCommand): FilePath | undefined {
  if (p1 === P1_DF_NAME) return findByName(eid, p2, data);
  if ((p2 & P2_OCCURRENCE) !== P2_FIRST) throw new Refusal(SW_INCORRECT_P1_P2);
  const { directory } = eid.session;
  switch (p1) {
    case P1_FILE_IDENTIFIER:
      return data.length === 0 ? PATH_MF : findByIdentifier(eid, data);
    case P1_CHILD_DF:
      return ofKind(eid, childPath(directory, requireLength(data, 2)), 'directory');
    case P1_EF_UNDER_CURRENT_DF:
      return ofKind(eid, childPath(directory, requireLength(data, 2)), 'file');
    case P1_PARENT_DF:
      requireLength(data, 0);
      return parentPath(directory);
    case P1_PATH_FROM_MF:
      return requirePath(data);
    case P1_PATH_FROM_CURRENT_DF:
      return directory + requirePath(data);
    default:
      throw new Refusal(SW_INCORRECT_P1_P2);
  }
}

/** Any part of the name from its start on will do; there is one application, so that there is no next. */
function findByName(eid: Eid, p2: number, name: Uint8Array): FilePath | undefined {
  if (name.length === 0 || name.length > MAX_NAME_LENGTH) throw new Refusal(SW_NC_INCONSISTENT_WITH_P1_P2);
  const occurrence = p2 & P2_OCCURRENCE;
  for (const [path, file] of eid.memory.files) {
    if (file.kind !== 'directory' || !file.name) continue;
    if (equalBytes(file.name.subarray(0, name.length), name)) return occurrence >= 0x02 ? undefined : path;
  }
  return undefined;
}

/** The MF, the current DF, what is in it, its parent, and what is in that. */
function findByIdentifier(eid: Eid, fid: Uint8Array): FilePath | undefined {
  requireLength(fid, 2);
  const { directory } = eid.session;
  const wanted = parseInt(formatHex(fid), 16);
  if (wanted === FID_MF) return PATH_MF;
  if (fidOf(directory) === wanted) return directory;
  const parent = parentPath(directory);
  const candidates = [childPath(directory, fid), ...(parent === undefined ? [] : [childPath(parent, fid)])];
  return candidates.find((path) => eid.memory.files.has(path));
}

function ofKind(eid: Eid, path: FilePath, kind: 'directory' | 'file'): FilePath | undefined {
  const file = eid.memory.files.get(path);
  return file && (file.kind === 'directory') === (kind === 'directory') ? path : undefined;
}

function requireLength(data: Uint8Array, lengthBytes: number): Uint8Array {
  if (data.length !== lengthBytes) throw new Refusal(SW_NC_INCONSISTENT_WITH_P1_P2);
  return data;
}

/** Two bytes for each file; the identifier of where the path starts is not part of it. */
function requirePath(data: Uint8Array): FilePath {
  if (data.length === 0 || data.length % 2 !== 0) throw new Refusal(SW_NC_INCONSISTENT_WITH_P1_P2);
  return formatHex(data);
}

export function getData(eid: Eid, command: EidCommand): CardAnswer {
  const objects = eid.posture.traits.dataObjects(eid.posture.serialNumber);
  const data = objects.get((command.p1 << 8) | command.p2);
  if (!data) throw new Refusal(SW_REFERENCED_DATA_NOT_FOUND);
  return { ...SUCCESS, data };
}
