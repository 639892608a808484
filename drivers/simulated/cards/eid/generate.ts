/** GENERATE ASYMMETRIC KEY PAIR (ISO/IEC 7816-8:2021, section 5.1): makes a key where there is a place for one, and gives the public key. */
import {
  SW_CONDITIONS_OF_USE_NOT_SATISFIED,
  SW_INCORRECT_P1_P2,
  SW_REFERENCED_DATA_NOT_FOUND,
  SW_WRONG_DATA,
} from '../../../../apdu/iso7816/status-word.ts';
import { decodeTlv, encodeTlv } from '../../../../apdu/tlv/ber-tlv.ts';
import { Refusal, SUCCESS, type CardAnswer } from '../../transport.ts';
import { CRT_AUTHENTICATION, CRT_DIGITAL_SIGNATURE, TAG_PUBLIC_KEY } from './constants.ts';
import { requireCondition, type EidCommand } from './instruction.ts';
import type { Eid, KeyFile, SecurityEnvironment } from './memory.ts';
import { generatePrivateKey, type KeyAlgorithm, type PrivateKey } from './private-key.ts';
import { findAlgorithm } from './profile.ts';
import { readTemplate, requireKeyFile } from './security-environment.ts';

/** Table 2: b8 wants the public key in the answer; b1 reads the one that there is. */
const P1_GENERATE_SILENTLY = 0x00;
const P1_GENERATE = 0x80;
const P1_READ = 0x81;
/** Key generation template (section 5.1, "AC"): algorithm and key, as in any other template. */
const CRT_KEY_GENERATION = 0xac;

export function generate(eid: Eid, command: EidCommand): CardAnswer | Promise<CardAnswer> {
  const isKnown = [P1_GENERATE_SILENTLY, P1_GENERATE, P1_READ].includes(command.p1);
  if (!isKnown || command.p2 !== 0) throw new Refusal(SW_INCORRECT_P1_P2);
  const environment = { ...eid.session.signature, ...readEnvironment(eid, command.data) };
  const file = requireKeyFile(eid, environment);
  if (command.p1 === P1_READ) {
    if (!file.key) throw new Refusal(SW_REFERENCED_DATA_NOT_FOUND);
    return answerOf(file.key, P1_READ);
  }
  const algorithm = algorithmOf(eid, environment);
  requireCondition(eid, file.access.update);
  const made = generatePrivateKey(algorithm);
  return made instanceof Promise ? storeLater(eid, file, made, command.p1) : store(eid, file, made, command.p1);
}

/** No data: what MSE SET said. */
function readEnvironment(eid: Eid, data: Uint8Array): SecurityEnvironment {
  if (data.length === 0) return {};
  const [template, ...others] = decodeTlv(data);
  const isKnown = template && [CRT_KEY_GENERATION, CRT_DIGITAL_SIGNATURE, CRT_AUTHENTICATION].includes(template.tag);
  if (!isKnown || others.length > 0) throw new Refusal(SW_WRONG_DATA);
  return readTemplate(eid, decodeTlv(template.value));
}

function algorithmOf(eid: Eid, environment: SecurityEnvironment): KeyAlgorithm {
  const row = environment.algorithm === undefined ? undefined : findAlgorithm(eid.posture.traits, environment.algorithm);
  if (row?.use.scheme !== 'generate') throw new Refusal(SW_CONDITIONS_OF_USE_NOT_SATISFIED);
  return row.use.algorithm;
}

/** A reset while the key was made leaves the old one. */
async function storeLater(eid: Eid, file: KeyFile, making: Promise<PrivateKey>, p1: number): Promise<CardAnswer> {
  const { session } = eid;
  const key = await making;
  if (session !== eid.session) throw new Refusal(SW_CONDITIONS_OF_USE_NOT_SATISFIED);
  return store(eid, file, key, p1);
}

function store(eid: Eid, file: KeyFile, key: PrivateKey, p1: number): CardAnswer {
  file.key = key;
  eid.markChanged();
  return answerOf(key, p1);
}

function answerOf(key: PrivateKey, p1: number): CardAnswer {
  return p1 === P1_GENERATE_SILENTLY ? SUCCESS : { ...SUCCESS, data: encodeTlv(TAG_PUBLIC_KEY, key.publicKeyObjects) };
}
