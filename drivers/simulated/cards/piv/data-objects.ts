/** SELECT, GET DATA and PUT DATA (NIST SP 800-73-5 part 2, sections 3.1 and 3.3.1). */
import {
  SW_FILE_NOT_FOUND,
  SW_FUNCTION_NOT_SUPPORTED,
  SW_INCORRECT_P1_P2,
  SW_NOT_ENOUGH_MEMORY,
  SW_SECURITY_STATUS_NOT_SATISFIED,
  SW_WRONG_DATA,
} from '../../../../apdu/iso7816/status-word.ts';
import { decodeFirstTlv, decodeTlv, encodeTlv } from '../../../../apdu/tlv/ber-tlv.ts';
import { equalBytes } from '../../bytes.ts';
import { Refusal, SUCCESS, type CardAnswer } from '../../transport.ts';
import { ensureAttestation } from './attestation.ts';
import {
  APPLICATION_ID,
  PIN_PROTECTED_TAGS,
  RID_LENGTH,
  TAG_ATTESTATION_CERTIFICATE,
  TAG_BIOMETRIC_GROUP,
  TAG_DATA,
  TAG_DISCOVERY,
  TAG_TAG_LIST,
} from './constants.ts';
import { requireManagement, requireParameters, type PivCommand } from './instruction.ts';
import { encodeObject, newSession, usedBytes, type Piv } from './memory.ts';
import { algorithmsOf, isStorableTag, type Posture } from './posture.ts';

/** ISO/IEC 7816-4:2020, section 11.2.2, table 62. */
const P1_BY_DF_NAME = 0x04;
/** GET DATA and PUT DATA in the current DF: P1 P2 = 3FFF. */
const P1_CURRENT_DF = 0x3f;
const P2_CURRENT_DF = 0xff;

const PLAIN_LABEL = 'Simulated PIV card';

/** Right-truncated names select too (section 3.1.1). A name that the card has not leaves the selection and its states alone. */
export function select(piv: Piv, command: PivCommand): CardAnswer {
  requireParameters(command, P1_BY_DF_NAME, 0x00);
  const name = command.data;
  const isPiv =
    name.length >= RID_LENGTH &&
    name.length <= APPLICATION_ID.length &&
    equalBytes(name, APPLICATION_ID.subarray(0, name.length));
  if (!isPiv) throw new Refusal(SW_FILE_NOT_FOUND);
  if (piv.posture.clearsOnSelect) piv.session = newSession();
  piv.session.selected = true;
  return { ...SUCCESS, data: applicationPropertyTemplate(piv.posture) };
}

/** Section 3.1.1, table 3. A YubiKey answers the mandatory part alone. */
function applicationPropertyTemplate(posture: Posture): Uint8Array {
  const pix = encodeTlv(0x4f, APPLICATION_ID.subarray(RID_LENGTH));
  const authority = encodeTlv(0x79, encodeTlv(0x4f, APPLICATION_ID.subarray(0, RID_LENGTH)));
  if (posture.profile === 'yubikey') return encodeTlv(0x61, pix, authority);
  const algorithms = algorithmsOf(posture).map((algorithm) => encodeTlv(0x80, Uint8Array.of(algorithm)));
  const label = encodeTlv(0x50, new TextEncoder().encode(PLAIN_LABEL));
  return encodeTlv(0x61, pix, authority, label, encodeTlv(0xac, ...algorithms, encodeTlv(0x06, Uint8Array.of(0x00))));
}

export function getData(piv: Piv, command: PivCommand): CardAnswer {
  requireParameters(command, P1_CURRENT_DF, P2_CURRENT_DF);
  const [list, ...others] = decodeTlv(command.data);
  if (list?.tag !== TAG_TAG_LIST || others.length > 0) throw new Refusal(SW_WRONG_DATA);
  const tag = readTag(list.value);
  if (PIN_PROTECTED_TAGS.has(tag) && !piv.session.pinVerified) throw new Refusal(SW_SECURITY_STATUS_NOT_SATISFIED);
  if (tag === TAG_ATTESTATION_CERTIFICATE && piv.posture.profile === 'yubikey') ensureAttestation(piv);
  const object = piv.memory.objects.get(tag);
  if (!object) throw new Refusal(SW_FILE_NOT_FOUND);
  return { ...SUCCESS, data: object };
}

/** `5C tag 53 content`, or for 7E and 7F61 the object itself. */
export function putData(piv: Piv, command: PivCommand): CardAnswer {
  if (command.p1 !== P1_CURRENT_DF || command.p2 !== P2_CURRENT_DF) throw new Refusal(SW_INCORRECT_P1_P2);
  requireManagement(piv);
  const { tag, content } = readPutData(command.data);
  if (!isStorableTag(piv.posture, tag)) throw new Refusal(SW_FUNCTION_NOT_SUPPORTED);
  store(piv, tag, content);
  return SUCCESS;
}

function readPutData(data: Uint8Array): { readonly tag: number; readonly content: Uint8Array } {
  const { object, rest } = decodeFirstTlv(data);
  if (object.tag === TAG_DISCOVERY || object.tag === TAG_BIOMETRIC_GROUP) {
    if (rest.length > 0) throw new Refusal(SW_WRONG_DATA);
    return { tag: object.tag, content: object.value };
  }
  const [content, ...others] = decodeTlv(rest);
  if (object.tag !== TAG_TAG_LIST || content?.tag !== TAG_DATA || others.length > 0) throw new Refusal(SW_WRONG_DATA);
  return { tag: readTag(object.value), content: content.value };
}

/** Empty content deletes. Where there is no room the earlier object stays. */
function store(piv: Piv, tag: number, content: Uint8Array): void {
  const { objects } = piv.memory;
  if (content.length === 0) {
    objects.delete(tag);
    piv.markChanged();
    return;
  }
  const object = encodeObject(tag, content);
  const freed = objects.get(tag)?.length ?? 0;
  const isTooLarge =
    content.length > piv.posture.maxObjectBytes || usedBytes(piv.memory) - freed + object.length > piv.posture.capacityBytes;
  if (isTooLarge) throw new Refusal(SW_NOT_ENOUGH_MEMORY);
  objects.set(tag, object);
  piv.markChanged();
}

function readTag(bytes: Uint8Array): number {
  if (bytes.length < 1 || bytes.length > 3) throw new Refusal(SW_WRONG_DATA);
  return bytes.reduce((tag, byte) => (tag << 8) | byte, 0);
}
