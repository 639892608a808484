/**
 * PACE (ICAO Doc 9303-11, section 4.4): card and reader agree on keys by a password that is printed on the document, which nobody who listens can try out afterwards.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { CardChannel } from '../card-channel.ts';
import { concat, equalBytes } from '../bytes.ts';
import { CardDataError, DocumentAccessError, NotSupportedByCardError, SecureMessagingError, StatusWordError } from '../errors.ts';
import { SW_REFERENCED_DATA_NOT_FOUND, SW_SUCCESS, counterOf } from '../iso7816/status-word.ts';
import { CIPHER_SUITES, unpad, type CipherSuite } from '../secure-messaging/cipher-suite.ts';
import type { SecureSession } from '../secure-messaging/secure-messaging.ts';
import { TlvError, decodeTlv, encodeTlv, findTlv, formatTag, type TlvObject } from '../tlv/ber-tlv.ts';
import { standardizedGroup, toInteger, type AgreementGroup } from './agreement-group.ts';
import { pseudoRandom } from './integrated-mapping.ts';
import { deriveKey } from './key-derivation.ts';
import type { PaceInfo } from './security-infos.ts';

const INS_MANAGE_SECURITY_ENVIRONMENT = 0x22;
/** Set, for mutual authentication (section 4.4.4.1). */
const P1_SET_AUTHENTICATION = 0xc1;
const P2_AUTHENTICATION_TEMPLATE = 0xa4;
const INS_GENERAL_AUTHENTICATE = 0x86;
const CLA_CHAINING = 0x10;
const TAG_DYNAMIC_DATA = 0x7c;
/** Section 4.4.4.2, table 4: what the reader sends, and what the card answers one higher. */
const DATA = { nonce: 0x80, mapping: 0x81, key: 0x83, token: 0x85, chipAuthentication: 0x8a } as const;
const TAG_PUBLIC_KEY = 0x7f49;
const TAG_OBJECT_IDENTIFIER = 0x06;
const TAG_POINT = 0x86;
const TAG_INTEGER_KEY = 0x84;
const PASSWORD_REFERENCES = { mrz: 0x01, can: 0x02 } as const;
/** Around a key of a step: two tags, each with the longest length that keys have. */
const FRAME_LENGTH = 8;
/** The longest answer by short length; a key of 2,048 bits in its frame is longer. */
const SHORT_ANSWER_LENGTH = 256;
const ATTEMPT = 'opening the document by PACE';

export type PacePassword =
  /** `Mrz.information`. */
  | { readonly kind: 'mrz'; readonly information: string }
  /** Six digits on the front of cards. */
  | { readonly kind: 'can'; readonly number: string };

export interface PaceResult {
  readonly session: SecureSession;
  /** With chip authentication mapping: what the chip proves itself with, to be compared when its key was read (section 4.4.3.3.3). */
  readonly chipAuthentication?: { readonly scalar: bigint; readonly mappingKey: Uint8Array };
}

/** Throws DocumentAccessError when the password is not the card's, NotSupportedByCardError for parameters that kortd does not know. */
export async function performPace(
  channel: Pick<CardChannel, 'exchange'>,
  info: PaceInfo,
  password: PacePassword,
  randomBytes: (length: number) => Uint8Array,
): Promise<PaceResult> {
  const group = info.parameterId === undefined ? undefined : standardizedGroup(info.parameterId);
  if (group?.kind !== info.agreement)
    throw new NotSupportedByCardError(
      `${ATTEMPT}: card wants parameters ${info.parameterId ?? 'of its own'}, which kortd does not know`,
    );
  return await new PaceRun(channel, info, { group, password, randomBytes }).perform();
}

interface PaceOptions {
  readonly group: AgreementGroup;
  readonly password: PacePassword;
  readonly randomBytes: (length: number) => Uint8Array;
}

/** The generator that both sides came to, and the card's part in it. */
interface Mapped {
  readonly generator: Uint8Array;
  readonly cardKey?: Uint8Array;
}

class PaceRun {
  readonly #channel: Pick<CardChannel, 'exchange'>;
  readonly #info: PaceInfo;
  readonly #suite: CipherSuite;
  readonly #options: PaceOptions;

  constructor(channel: Pick<CardChannel, 'exchange'>, info: PaceInfo, options: PaceOptions) {
    this.#channel = channel;
    this.#info = info;
    this.#suite = CIPHER_SUITES[info.suite];
    this.#options = options;
  }

  async perform(): Promise<PaceResult> {
    const { group, randomBytes } = this.#options;
    await this.#choose();
    const mapped = await this.#map(await this.#nonce());
    const scalar = group.drawScalar(randomBytes);
    const own = group.power(mapped.generator, scalar);
    const card = await this.#ask(DATA.key, own);
    if (equalBytes(own, card)) throw new SecureMessagingError(`${ATTEMPT}: card sent our own key back`);
    const secret = group.sharedSecret(group.power(card, scalar));
    const encryptionKey = deriveKey(secret, this.#suite, 'encryption');
    const macKey = deriveKey(secret, this.#suite, 'mac');
    const encrypted = await this.#confirm(macKey, { own, card });
    const session = {
      suite: this.#info.suite,
      encryptionKey,
      macKey,
      sequenceCounter: new Uint8Array(this.#suite.blockLengthBytes),
    };
    if (this.#info.mapping !== 'chip authentication') return { session };
    return { session, chipAuthentication: this.#chipAuthentication(encryptionKey, mapped, encrypted) };
  }

  async #choose(): Promise<void> {
    const { protocol, parameterId } = this.#info;
    const { statusWord } = await this.#channel.exchange({
      ...{ cla: 0x00, ins: INS_MANAGE_SECURITY_ENVIRONMENT, p1: P1_SET_AUTHENTICATION, p2: P2_AUTHENTICATION_TEMPLATE },
      data: concat(
        encodeTlv(0x80, protocol),
        encodeTlv(0x83, Uint8Array.of(PASSWORD_REFERENCES[this.#options.password.kind])),
        ...(parameterId === undefined ? [] : [encodeTlv(0x84, Uint8Array.of(parameterId))]),
      ),
    });
    // "The password is not available" (BSI TR-03110-3, section B.11.1): most passports have no number on the front.
    if (statusWord === SW_REFERENCED_DATA_NOT_FOUND && this.#options.password.kind === 'can')
      throw new DocumentAccessError(`${ATTEMPT}: the document has no card access number`);
    // 63CX tells how many tries a password has left; the choice stands all the same.
    if (statusWord !== SW_SUCCESS && counterOf(statusWord) === undefined)
      throw new StatusWordError(`${ATTEMPT}: choosing the protocol`, statusWord, INS_MANAGE_SECURITY_ENVIRONMENT);
  }

  async #nonce(): Promise<Uint8Array> {
    const encrypted = await this.#ask(DATA.nonce);
    if (encrypted.length === 0 || encrypted.length % this.#suite.blockLengthBytes !== 0)
      throw new SecureMessagingError(`${ATTEMPT}: the card's nonce has ${encrypted.length} bytes`);
    const { password } = this.#options;
    const secret =
      password.kind === 'mrz'
        ? new Uint8Array(createHash('sha1').update(password.information, 'ascii').digest())
        : new TextEncoder().encode(password.number);
    return this.#suite.decrypt(deriveKey(secret, this.#suite, 'password'), encrypted);
  }

  async #map(nonce: Uint8Array): Promise<Mapped> {
    const { group, randomBytes } = this.#options;
    if (this.#info.mapping === 'integrated') {
      const readerNonce = randomBytes(this.#suite.keyLengthBytes);
      await this.#ask(DATA.mapping, readerNonce);
      const stream = toInteger(pseudoRandom(this.#suite, nonce, readerNonce, group.primeBits));
      return { generator: group.integratedMapping(stream) };
    }
    const scalar = group.drawScalar(randomBytes);
    const own = group.power(group.generator, scalar);
    const cardKey = await this.#ask(DATA.mapping, own);
    if (equalBytes(own, cardKey)) throw new SecureMessagingError(`${ATTEMPT}: card sent our own key back`);
    const shared = group.power(cardKey, scalar);
    return { generator: group.combine(group.power(group.generator, toInteger(nonce)), shared), cardKey };
  }

  /** The tokens are compared in both directions; a card that refuses ours has another password. Resolves with what chip authentication needs. */
  async #confirm(
    macKey: Uint8Array,
    keys: { readonly own: Uint8Array; readonly card: Uint8Array },
  ): Promise<Uint8Array | undefined> {
    const answer = await this.#step(DATA.token, this.#tokenOf(macKey, keys.card));
    const expected = this.#tokenOf(macKey, keys.own);
    const given = findTlv(answer, DATA.token + 1);
    if (given?.length !== expected.length || !timingSafeEqual(given, expected))
      throw new SecureMessagingError(`${ATTEMPT}: the card's authentication token is wrong`);
    return findTlv(answer, DATA.chipAuthentication);
  }

  #tokenOf(macKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
    const key =
      this.#info.agreement === 'ECDH' ? encodeTlv(TAG_POINT, publicKey) : encodeTlv(TAG_INTEGER_KEY, withoutNoughts(publicKey));
    return this.#suite.mac(macKey, encodeTlv(TAG_PUBLIC_KEY, encodeTlv(TAG_OBJECT_IDENTIFIER, this.#info.protocol), key));
  }

  #chipAuthentication(
    encryptionKey: Uint8Array,
    { cardKey }: Mapped,
    encrypted: Uint8Array | undefined,
  ): NonNullable<PaceResult['chipAuthentication']> {
    const { blockLengthBytes } = this.#suite;
    const isWhole = encrypted !== undefined && encrypted.length > 0 && encrypted.length % blockLengthBytes === 0;
    const vector = this.#suite.encrypt(encryptionKey, new Uint8Array(blockLengthBytes).fill(0xff));
    const scalar = isWhole ? unpad(this.#suite.decrypt(encryptionKey, encrypted, vector)) : undefined;
    if (!scalar || !cardKey) throw new SecureMessagingError(`${ATTEMPT}: card did not send what proves its chip`);
    return { scalar: toInteger(scalar), mappingKey: cardKey };
  }

  async #ask(tag: number, value?: Uint8Array): Promise<Uint8Array> {
    const found = findTlv(await this.#step(tag, value), tag === DATA.nonce ? tag : tag + 1);
    if (found) return found;
    // The integrated mapping has nothing to answer.
    if (tag === DATA.mapping && this.#info.mapping === 'integrated') return new Uint8Array(0);
    throw new SecureMessagingError(`${ATTEMPT}: card left out the answer to step ${formatTag(tag)}`);
  }

  async #step(tag: number, value?: Uint8Array): Promise<readonly TlvObject[]> {
    const isLast = tag === DATA.token;
    const { data, statusWord } = await this.#channel.exchange({
      ...{ cla: isLast ? 0x00 : CLA_CHAINING, ins: INS_GENERAL_AUTHENTICATE, p1: 0x00, p2: 0x00 },
      data: encodeTlv(TAG_DYNAMIC_DATA, ...(value ? [encodeTlv(tag, value)] : [])),
      ne: Math.max(SHORT_ANSWER_LENGTH, this.#options.group.generator.length + FRAME_LENGTH),
    });
    if (statusWord === SW_SUCCESS) return parseAnswer(data);
    if (!isLast) throw new StatusWordError(`${ATTEMPT}: step ${formatTag(tag)}`, statusWord, INS_GENERAL_AUTHENTICATE);
    const name = this.#options.password.kind.toUpperCase();
    throw new DocumentAccessError(`${ATTEMPT}: the card does not take the ${name} that was given`, {
      ...{ statusWord, instruction: INS_GENERAL_AUTHENTICATE },
    });
  }
}

function parseAnswer(data: Uint8Array): readonly TlvObject[] {
  try {
    const template = findTlv(decodeTlv(data), TAG_DYNAMIC_DATA);
    return template ? decodeTlv(template) : [];
  } catch (error) {
    if (error instanceof TlvError) throw new CardDataError(`${ATTEMPT}: card answered what does not parse`, {}, { cause: error });
    throw error;
  }
}

/** An unsigned integer as BER has it in these keys. */
function withoutNoughts(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0);
  return bytes.subarray(first === -1 ? bytes.length : first);
}
