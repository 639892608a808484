/**
 * Chip Authentication, version 1 (ICAO Doc 9303-11, section 6.2): the chip agrees on new keys by a key that never leaves it and that DG14, which the issuer signed, has
 * the public half of. A copy of the files cannot go on under the new keys.
 */
import { formatHex } from '../bytes.ts';
import { SecureMessagingError, StatusWordError } from '../errors.ts';
import type { Exchange } from '../iso7816/exchange.ts';
import { MAX_SHORT_NE } from '../iso7816/command-apdu.ts';
import { SW_SUCCESS } from '../iso7816/status-word.ts';
import { CIPHER_SUITES, type CipherSuiteName } from '../secure-messaging/cipher-suite.ts';
import type { SecureSession } from '../secure-messaging/secure-messaging.ts';
import { concat } from '../bytes.ts';
import { encodeTlv } from '../tlv/ber-tlv.ts';
import { toInteger } from './agreement-group.ts';
import { parseChipKey, type ChipKey } from './chip-key.ts';
import { deriveKey } from './key-derivation.ts';
import { SUITES, type SecurityInfo } from './security-infos.ts';

const INS_MANAGE_SECURITY_ENVIRONMENT = 0x22;
/** Set for computation: key agreement template (Triple-DES), authentication template (AES) (section 6.2.4). */
const P1_SET = 0x41;
const P2_KEY_AGREEMENT = 0xa6;
const P2_AUTHENTICATION = 0xa4;
const INS_GENERAL_AUTHENTICATE = 0x86;
/** id-PK and id-CA, 0.4.0.127.0.7.2.2.1 and .3 (section 9.2.5 and 9.2.6). */
const PUBLIC_KEY = '04007F0007020201';
const PROTOCOL = '04007F0007020203';
const TAG_SEQUENCE = 0x30;
const TAG_INTEGER = 0x02;
const ATTEMPT = 'proving the chip by chip authentication';

export interface ChipAuthentication {
  readonly suite: CipherSuiteName;
  /** Contents of the object identifier; undefined where DG14 names a key alone, which is for Triple-DES. */
  readonly protocol: Uint8Array | undefined;
  readonly keyId: bigint | undefined;
  readonly key: ChipKey;
}

/** What DG14 offers; undefined when it has no key for it. Throws CardDataError. */
export function chipAuthenticationOf(infos: readonly SecurityInfo[]): ChipAuthentication | undefined {
  const keys = infos.filter(({ protocol, required }) => isOf(protocol, PUBLIC_KEY, 1) && required.tag === TAG_SEQUENCE);
  const protocols = infos.filter(({ protocol }) => isOf(protocol, PROTOCOL, 2));
  for (const { optional, required } of keys) {
    const keyId = integerOf(optional);
    const named =
      protocols.find((info) => integerOf(info.optional) === keyId) ?? (protocols.length === 1 ? protocols[0] : undefined);
    const suite = named ? SUITES[named.protocol.at(-1) ?? 0] : '3DES';
    if (!suite) continue;
    const key = parseChipKey(ATTEMPT, encodeTlv(TAG_SEQUENCE, required.value));
    return { suite, protocol: named?.protocol, keyId, key };
  }
  return undefined;
}

/** Resolves with the new session: its first answer under it proves the chip. Throws SecureMessagingError, StatusWordError. */
export async function performChipAuthentication(
  exchange: Exchange,
  { suite, protocol, keyId, key }: ChipAuthentication,
  randomBytes: (length: number) => Uint8Array,
): Promise<SecureSession> {
  const { group } = key;
  const scalar = group.drawScalar(randomBytes);
  const own = group.power(group.generator, scalar);
  const reference = keyId === undefined ? new Uint8Array(0) : encodeTlv(0x84, idBytes(keyId));
  if (suite === '3DES') await setEnvironment(exchange, P2_KEY_AGREEMENT, concat(encodeTlv(0x91, own), reference));
  else {
    await setEnvironment(exchange, P2_AUTHENTICATION, concat(encodeTlv(0x80, protocol ?? new Uint8Array(0)), reference));
    const data = encodeTlv(0x7c, encodeTlv(0x80, own));
    const command = { cla: 0x00, ins: INS_GENERAL_AUTHENTICATE, p1: 0x00, p2: 0x00, data, ne: MAX_SHORT_NE };
    const { statusWord } = await exchange(command);
    if (statusWord !== SW_SUCCESS) throw new StatusWordError(ATTEMPT, statusWord, INS_GENERAL_AUTHENTICATE);
  }
  const secret = group.sharedSecret(group.power(key.publicKey, scalar));
  const tools = CIPHER_SUITES[suite];
  return {
    suite,
    encryptionKey: deriveKey(secret, tools, 'encryption'),
    macKey: deriveKey(secret, tools, 'mac'),
    sequenceCounter: new Uint8Array(tools.blockLengthBytes),
  };
}

async function setEnvironment(exchange: Exchange, p2: number, data: Uint8Array): Promise<void> {
  const { statusWord } = await exchange({ cla: 0x00, ins: INS_MANAGE_SECURITY_ENVIRONMENT, p1: P1_SET, p2, data });
  if (statusWord !== SW_SUCCESS) throw new StatusWordError(ATTEMPT, statusWord, INS_MANAGE_SECURITY_ENVIRONMENT);
}

/**
 * With chip authentication mapping the proof came with PACE (section 4.4.3.5.3): the scalar that the card sent, times its key of EF.CardSecurity, is the key that it
 * mapped with. Throws SecureMessagingError for a chip that has not that key.
 */
export function requireMappedChip(proof: { readonly scalar: bigint; readonly mappingKey: Uint8Array }, key: ChipKey): void {
  const mapped = key.group.power(key.publicKey, proof.scalar);
  if (toInteger(mapped) !== toInteger(proof.mappingKey))
    throw new SecureMessagingError(`${ATTEMPT}: the chip does not have the key that it names`);
}

function isOf(protocol: Uint8Array, prefix: string, arcs: number): boolean {
  return formatHex(protocol.subarray(0, -arcs)) === prefix;
}

function integerOf(object: SecurityInfo['optional']): bigint | undefined {
  return object?.tag === TAG_INTEGER ? toInteger(object.value) : undefined;
}

function idBytes(id: bigint): Uint8Array {
  const hex = id.toString(16);
  return Uint8Array.from(Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex'));
}
