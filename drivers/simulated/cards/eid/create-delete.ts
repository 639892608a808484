/** CREATE FILE and DELETE FILE (ISO/IEC 7816-9:2017, sections 6.2 and 6.3), for transparent EFs; DFs and key files stay as the card was made. */
import {
  SW_FILE_NOT_FOUND,
  SW_FUNCTION_NOT_SUPPORTED,
  SW_INCORRECT_P1_P2,
  SW_NOT_ENOUGH_MEMORY,
  SW_NO_CURRENT_EF,
  SW_WRONG_DATA,
} from '../../../../apdu/iso7816/status-word.ts';
import { decodeTlv, findTlv, requireTlv, type TlvObject } from '../../../../apdu/tlv/ber-tlv.ts';
import { bytesToBigInt } from '../../bytes.ts';
import { Refusal, SUCCESS, type CardAnswer } from '../../transport.ts';
import { decodeAccess, type Access } from './access.ts';
import {
  SW_FILE_ALREADY_EXISTS,
  TAG_COMPACT_SECURITY_ATTRIBUTES,
  TAG_FCP,
  TAG_FILE_DESCRIPTOR,
  TAG_FILE_IDENTIFIER,
  TAG_LIFE_CYCLE_STATUS,
  TAG_SHORT_EF_IDENTIFIER,
  TAG_SIZE,
} from './constants.ts';
import { DESCRIPTOR_WORKING, childPath, findByShortId, makeCurrent, usedBytes } from './file-system.ts';
import { requireCondition, type EidCommand } from './instruction.ts';
import type { Eid } from './memory.ts';

/** Offsets go to 7FFF (ISO/IEC 7816-4:2020, section 11.3.2). */
const MAX_FILE_BYTES = 0x8000;
const MAX_SHORT_ID = 30;
/** Identifiers that no file may have (section 8.2.1.1): MF, "current DF", reserved. */
const RESERVED_FIDS: readonly number[] = [0x0000, 0x3f00, 0x3fff, 0xffff];
/** What may stand in the template. Another tag is refused rather than ignored. */
const KNOWN_TAGS: readonly number[] = [
  TAG_SIZE,
  TAG_FILE_DESCRIPTOR,
  TAG_FILE_IDENTIFIER,
  TAG_SHORT_EF_IDENTIFIER,
  TAG_LIFE_CYCLE_STATUS,
  TAG_COMPACT_SECURITY_ATTRIBUTES,
];

/** What is created with the file: it becomes the current EF, filled with the card's filler. */
export function createFile(eid: Eid, command: EidCommand): CardAnswer {
  requireNoParameters(command);
  const { session, memory, posture } = eid;
  const directory = memory.files.get(session.directory);
  requireCondition(eid, directory?.access.update ?? 'never');
  const objects = decodeFcp(command.data);
  const path = childPath(session.directory, requireFid(objects));
  if (memory.files.has(path)) throw new Refusal(SW_FILE_ALREADY_EXISTS);
  const lengthBytes = requireSize(objects);
  if (usedBytes(memory) + lengthBytes > posture.capacityBytes) throw new Refusal(SW_NOT_ENOUGH_MEMORY);
  const shortId = readShortId(eid, objects);
  memory.files.set(path, {
    kind: 'working',
    content: new Uint8Array(lengthBytes).fill(posture.traits.filler),
    access: readAccess(eid, objects),
    ...(shortId === undefined ? {} : { shortId }),
  });
  eid.markChanged();
  makeCurrent(eid, path);
  return SUCCESS;
}

function decodeFcp(data: Uint8Array): readonly TlvObject[] {
  const [template, ...others] = decodeTlv(data);
  if (template?.tag !== TAG_FCP || others.length > 0) throw new Refusal(SW_WRONG_DATA);
  const objects = decodeTlv(template.value);
  const [descriptor] = requireTlv(objects, TAG_FILE_DESCRIPTOR);
  if (descriptor !== DESCRIPTOR_WORKING) throw new Refusal(SW_FUNCTION_NOT_SUPPORTED);
  if (objects.some(({ tag }) => !KNOWN_TAGS.includes(tag))) throw new Refusal(SW_WRONG_DATA);
  return objects;
}

function requireFid(objects: readonly TlvObject[]): number {
  const bytes = requireTlv(objects, TAG_FILE_IDENTIFIER);
  const fid = Number(bytesToBigInt(bytes));
  if (bytes.length !== 2 || RESERVED_FIDS.includes(fid)) throw new Refusal(SW_WRONG_DATA);
  return fid;
}

function requireSize(objects: readonly TlvObject[]): number {
  const bytes = requireTlv(objects, TAG_SIZE);
  const size = Number(bytesToBigInt(bytes));
  if (bytes.length > 2 || size === 0 || size > MAX_FILE_BYTES) throw new Refusal(SW_WRONG_DATA);
  return size;
}

function readShortId(eid: Eid, objects: readonly TlvObject[]): number | undefined {
  const bytes = findTlv(objects, TAG_SHORT_EF_IDENTIFIER);
  const [byte] = bytes ?? [];
  if (byte === undefined) return undefined;
  const shortId = byte >> 3;
  if (bytes?.length !== 1 || byte & 0x07 || shortId === 0 || shortId > MAX_SHORT_ID) throw new Refusal(SW_WRONG_DATA);
  if (findByShortId(eid.memory, eid.session.directory, shortId) !== undefined) throw new Refusal(SW_FILE_ALREADY_EXISTS);
  return shortId;
}

/** Without attributes: everyone reads, and who may create may also change and delete. */
function readAccess(eid: Eid, objects: readonly TlvObject[]): Access {
  const bytes = findTlv(objects, TAG_COMPACT_SECURITY_ATTRIBUTES);
  const creator = eid.memory.files.get(eid.session.directory)?.access.update ?? 'never';
  if (!bytes) return { read: 'always', update: creator, remove: creator };
  const access = decodeAccess(bytes, eid.memory.pins.keys());
  if (!access) throw new Refusal(SW_WRONG_DATA);
  return access;
}

/** The current EF, or the one in the current DF that the data field names. */
export function deleteFile(eid: Eid, command: EidCommand): CardAnswer {
  requireNoParameters(command);
  const { session, memory } = eid;
  if (command.data.length !== 0 && command.data.length !== 2) throw new Refusal(SW_WRONG_DATA);
  const path = command.data.length === 2 ? childPath(session.directory, command.data) : session.file;
  if (path === undefined) throw new Refusal(SW_NO_CURRENT_EF);
  const file = memory.files.get(path);
  if (!file) throw new Refusal(SW_FILE_NOT_FOUND);
  requireCondition(eid, file.access.remove);
  if (file.kind !== 'working') throw new Refusal(SW_FUNCTION_NOT_SUPPORTED);
  memory.files.delete(path);
  if (session.file === path) session.file = undefined;
  eid.markChanged();
  return SUCCESS;
}

function requireNoParameters(command: EidCommand): void {
  if (command.p1 !== 0 || command.p2 !== 0) throw new Refusal(SW_INCORRECT_P1_P2);
}
