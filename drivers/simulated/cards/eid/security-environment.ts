/** MANAGE SECURITY ENVIRONMENT (ISO/IEC 7816-4:2020, section 11.6.11): which key and algorithm the next operation is meant with. */
import { SW_INCORRECT_P1_P2, SW_REFERENCED_DATA_NOT_FOUND, SW_WRONG_DATA } from '../../../../apdu/iso7816/status-word.ts';
import { decodeTlv, findTlv, type TlvObject } from '../../../../apdu/tlv/ber-tlv.ts';
import { formatHex } from '../../bytes.ts';
import { Refusal, SUCCESS, type CardAnswer } from '../../transport.ts';
import {
  CRT_AUTHENTICATION,
  CRT_CONFIDENTIALITY,
  CRT_DIGITAL_SIGNATURE,
  CRT_HASH,
  FID_MF,
  SW_NC_INCONSISTENT_WITH_P1_P2,
  TAG_ALGORITHM_REFERENCE,
  TAG_FILE_REFERENCE,
  TAG_KEY_REFERENCE,
} from './constants.ts';
import { childPath, formatFid } from './file-system.ts';
import type { EidCommand } from './instruction.ts';
import type { Eid, FilePath, KeyFile, SecurityEnvironment } from './memory.ts';
import { knowsReference } from './profile.ts';
import type { HashName } from './private-key.ts';

/** SET for computation, decipherment, internal authentication (table 107). */
const P1_SET_COMPUTATION = 0x41;
/** RESTORE: forgets what was set; this card keeps no environments. */
const P1_RESTORE = 0xf3;
/** Implicit key: the file reference says which. OpenSC's MyEID driver sends it beside 81. */
const IMPLICIT_KEY = 0x00;

/** References in the hash template; this card's own. */
const HASH_REFERENCES: ReadonlyMap<number, HashName> = new Map<number, HashName>([
  [0x10, 'sha1'],
  [0x40, 'sha256'],
  [0x50, 'sha384'],
  [0x60, 'sha512'],
]);

export function manageSecurityEnvironment(eid: Eid, command: EidCommand): CardAnswer {
  const { session } = eid;
  if (command.p1 === P1_RESTORE) {
    if (command.data.length > 0) throw new Refusal(SW_NC_INCONSISTENT_WITH_P1_P2);
    session.signature = {};
    session.confidentiality = {};
    session.hashAlgorithm = undefined;
    session.digest = undefined;
    return SUCCESS;
  }
  if (command.p1 !== P1_SET_COMPUTATION) throw new Refusal(SW_INCORRECT_P1_P2);
  session.digest = undefined;
  session.halfCryptogram = undefined;
  if (command.p2 === CRT_HASH) session.hashAlgorithm = readHashTemplate(command.data);
  // A challenge in a login is signed as anything else is: A4 is the template of INTERNAL AUTHENTICATE, and this card has one for both.
  else if (command.p2 === CRT_DIGITAL_SIGNATURE || command.p2 === CRT_AUTHENTICATION)
    session.signature = readTemplate(eid, decodeTlv(command.data));
  else if (command.p2 === CRT_CONFIDENTIALITY) session.confidentiality = readTemplate(eid, decodeTlv(command.data));
  else throw new Refusal(SW_INCORRECT_P1_P2);
  return SUCCESS;
}

/** What a template says; a file reference goes before a key reference. */
export function readTemplate(eid: Eid, objects: readonly TlvObject[]): SecurityEnvironment {
  const known: readonly number[] = [TAG_ALGORITHM_REFERENCE, TAG_FILE_REFERENCE, TAG_KEY_REFERENCE];
  if (objects.length === 0 || objects.some(({ tag }) => !known.includes(tag))) throw new Refusal(SW_WRONG_DATA);
  const algorithm = readByte(objects, TAG_ALGORITHM_REFERENCE);
  if (algorithm !== undefined && !knowsReference(eid.posture.traits, algorithm)) throw new Refusal(SW_WRONG_DATA);
  const file = findTlv(objects, TAG_FILE_REFERENCE);
  const reference = readByte(objects, TAG_KEY_REFERENCE);
  const keyFile = file
    ? findByFile(eid, file)
    : reference === undefined || reference === IMPLICIT_KEY
      ? undefined
      : findByReference(eid, reference);
  return { ...(algorithm === undefined ? {} : { algorithm }), ...(keyFile === undefined ? {} : { keyFile }) };
}

function readHashTemplate(data: Uint8Array): HashName {
  const hash = HASH_REFERENCES.get(readByte(decodeTlv(data), TAG_ALGORITHM_REFERENCE) ?? 0);
  if (!hash) throw new Refusal(SW_WRONG_DATA);
  return hash;
}

function readByte(objects: readonly TlvObject[], tag: number): number | undefined {
  const value = findTlv(objects, tag);
  if (value && value.length !== 1) throw new Refusal(SW_WRONG_DATA);
  return value?.[0];
}

/** A file identifier in the current DF, or a path from the MF with or without its identifier. */
function findByFile(eid: Eid, reference: Uint8Array): FilePath {
  const text = formatHex(reference);
  const absolute = text.startsWith(formatFid(FID_MF)) ? text.slice(4) : text;
  const candidates = [reference.length === 2 ? childPath(eid.session.directory, reference) : absolute, absolute];
  const path = candidates.find((candidate) => eid.memory.files.get(candidate)?.kind === 'key');
  if (path === undefined) throw new Refusal(SW_REFERENCED_DATA_NOT_FOUND);
  return path;
}

function findByReference(eid: Eid, reference: number): FilePath {
  for (const [path, file] of eid.memory.files) if (file.kind === 'key' && file.reference === reference) return path;
  throw new Refusal(SW_REFERENCED_DATA_NOT_FOUND);
}

/** The key file that an environment names, or else the current EF where it is one. */
export function requireKeyFile(eid: Eid, environment: SecurityEnvironment): KeyFile {
  const path = environment.keyFile ?? eid.session.file;
  const file = path === undefined ? undefined : eid.memory.files.get(path);
  if (file?.kind !== 'key') throw new Refusal(SW_REFERENCED_DATA_NOT_FOUND);
  return file;
}
