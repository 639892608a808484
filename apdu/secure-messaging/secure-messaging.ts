/**
 * Secure messaging (ICAO Doc 9303-11, section 9.8; ISO/IEC 7816-4:2020, section 10): an Exchange whose commands go encrypted and authenticated, and whose responses
 * are checked. One answer that is not protected as it must be ends the session: nothing is sent after it.
 */
import { timingSafeEqual } from 'node:crypto';
import { concat } from '../bytes.ts';
import { CardDataError, SecureMessagingError } from '../errors.ts';
import { MAX_SHORT_NC, MAX_SHORT_NE, MAX_EXTENDED_NE, type CommandApdu } from '../iso7816/command-apdu.ts';
import type { Exchange } from '../iso7816/exchange.ts';
import type { ResponseApdu } from '../iso7816/response-apdu.ts';
import { formatStatusWord } from '../iso7816/status-word.ts';
import { TlvError, decodeTlv, encodeTlv, findTlv, type TlvObject } from '../tlv/ber-tlv.ts';
import { CIPHER_SUITES, pad, unpad, type CipherSuite, type CipherSuiteName } from './cipher-suite.ts';

/** b4 and b3 of CLA: secure messaging with an authenticated header (ISO/IEC 7816-4:2020, section 5.4.1, table 2). */
const CLA_SECURE = 0x0c;
/** Data objects (section 10.3, table 52 and following). */
const TAG_CRYPTOGRAM_PLAIN = 0x85;
const TAG_CRYPTOGRAM = 0x87;
const TAG_EXPECTED_LENGTH = 0x97;
const TAG_STATUS_WORD = 0x99;
const TAG_MAC = 0x8e;
/** The padding indicator of 87: method 2 (section 10.3.3, table 54). */
const PADDED = 0x01;

export interface SecureSession {
  readonly suite: CipherSuiteName;
  readonly encryptionKey: Uint8Array;
  readonly macKey: Uint8Array;
  /** The send sequence counter to begin with: a block long, increased before each command and each response. */
  readonly sequenceCounter: Uint8Array;
}

/** Sends by `exchange`, which carries whole commands. Rejects with SecureMessagingError when the session is over. */
export function withSecureMessaging(exchange: Exchange, session: SecureSession): Exchange {
  const channel = new SecureChannel(session);
  return (command) => channel.exchange(exchange, command);
}

class SecureChannel {
  readonly #suite: CipherSuite;
  readonly #session: SecureSession;
  readonly #counter: Uint8Array;
  #isOver = false;

  constructor(session: SecureSession) {
    this.#suite = CIPHER_SUITES[session.suite];
    this.#session = session;
    this.#counter = Uint8Array.from(session.sequenceCounter);
  }

  async exchange(exchange: Exchange, command: CommandApdu): Promise<ResponseApdu> {
    if (this.#isOver) throw new SecureMessagingError('sending a command: the protected session with the card is over');
    // Whatever interrupts it, the card's counter and ours are no longer known to be the same.
    this.#isOver = true;
    const response = this.#open(await exchange(this.#protect(command)), command.ins);
    this.#isOver = false;
    return response;
  }

  #protect(command: CommandApdu): CommandApdu {
    const { ins, p1, p2, data, ne } = command;
    const cla = command.cla | CLA_SECURE;
    this.#count();
    const cryptogram = data && data.length > 0 ? this.#encrypt(data, isOdd(ins)) : new Uint8Array(0);
    const expected = ne === undefined ? new Uint8Array(0) : encodeTlv(TAG_EXPECTED_LENGTH, encodeExpected(ne));
    const objects = concat(cryptogram, expected);
    const header = pad(Uint8Array.of(cla, ins, p1, p2), this.#suite.blockLengthBytes);
    const body = concat(objects, encodeTlv(TAG_MAC, this.#macOf(concat(this.#counter, header, objects))));
    const isLong = body.length > MAX_SHORT_NC || (ne ?? 0) > MAX_SHORT_NE;
    return { ...command, cla, data: body, ne: isLong ? MAX_EXTENDED_NE : MAX_SHORT_NE };
  }

  #open({ data, statusWord }: ResponseApdu, instruction: number): ResponseApdu {
    const objects = decodeObjects(data, statusWord, instruction);
    const given = findTlv(objects, TAG_MAC);
    const status = findTlv(objects, TAG_STATUS_WORD);
    if (!given || status?.length !== 2)
      throw new SecureMessagingError(`opening a response: card answered ${formatStatusWord(statusWord)} without protection`, {
        ...{ statusWord, instruction },
      });
    this.#count();
    const authenticated = objects.filter(({ tag }) => tag !== TAG_MAC).map(({ tag, value }) => encodeTlv(tag, value));
    const expected = this.#macOf(concat(this.#counter, ...authenticated));
    if (given.length !== expected.length || !timingSafeEqual(given, expected))
      throw new SecureMessagingError('opening a response: its authentication code is wrong', { instruction });
    return { data: this.#decrypt(objects, instruction), statusWord: ((status[0] ?? 0) << 8) | (status[1] ?? 0) };
  }

  #encrypt(data: Uint8Array, isPlain: boolean): Uint8Array {
    const { encryptionKey } = this.#session;
    const encrypted = this.#suite.encrypt(encryptionKey, pad(data, this.#suite.blockLengthBytes), this.#initializationVector());
    return isPlain ? encodeTlv(TAG_CRYPTOGRAM_PLAIN, encrypted) : encodeTlv(TAG_CRYPTOGRAM, Uint8Array.of(PADDED), encrypted);
  }

  #decrypt(objects: readonly TlvObject[], instruction: number): Uint8Array {
    const padded = findTlv(objects, TAG_CRYPTOGRAM);
    const cryptogram = padded ? padded.subarray(1) : findTlv(objects, TAG_CRYPTOGRAM_PLAIN);
    if (!cryptogram || cryptogram.length === 0) return new Uint8Array(0);
    const isWhole = cryptogram.length % this.#suite.blockLengthBytes === 0 && (!padded || padded[0] === PADDED);
    const decrypted = isWhole
      ? unpad(this.#suite.decrypt(this.#session.encryptionKey, cryptogram, this.#initializationVector()))
      : undefined;
    if (decrypted) return decrypted;
    throw new CardDataError('opening a response: what it holds encrypted does not decrypt', { instruction });
  }

  /** Triple-DES begins with noughts; AES with the counter, encrypted (ICAO Doc 9303-11, section 9.8.6.3). */
  #initializationVector(): Uint8Array | undefined {
    return this.#suite.name === '3DES' ? undefined : this.#suite.encrypt(this.#session.encryptionKey, this.#counter);
  }

  /** Everything is padded (ICAO Doc 9303-11, section 9.8.4); CMAC by itself would leave whole blocks as they are. */
  #macOf(authenticated: Uint8Array): Uint8Array {
    const { name, blockLengthBytes } = this.#suite;
    return this.#suite.mac(this.#session.macKey, name === '3DES' ? authenticated : pad(authenticated, blockLengthBytes));
  }

  #count(): void {
    for (let index = this.#counter.length - 1; index >= 0; index--) {
      this.#counter[index] = ((this.#counter[index] ?? 0) + 1) & 0xff;
      if (this.#counter[index] !== 0) return;
    }
  }
}

function decodeObjects(data: Uint8Array, statusWord: number, instruction: number): readonly TlvObject[] {
  try {
    return decodeTlv(data);
  } catch (error) {
    if (error instanceof TlvError)
      throw new SecureMessagingError(
        `opening a response: card answered ${formatStatusWord(statusWord)} with what is no protected data`,
        { statusWord, instruction },
        { cause: error },
      );
    throw error;
  }
}

/** Ne as in Le: nought stands for the greatest. */
function encodeExpected(ne: number): Uint8Array {
  return ne <= MAX_SHORT_NE ? Uint8Array.of(ne & 0xff) : Uint8Array.of((ne >> 8) & 0xff, ne & 0xff);
}

function isOdd(instruction: number): boolean {
  return (instruction & 1) === 1;
}
