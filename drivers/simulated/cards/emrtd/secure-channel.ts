/**
 * The chip's end of secure messaging (ICAO Doc 9303-11, section 9.8; ISO/IEC 7816-4:2020, section 10). It takes commands only as the standard orders them: cryptogram,
 * expected length, code, nothing beside them. What is amiss is a Refusal with 6987 or 6988, and whoever holds the channel then ends the session.
 */
import { MAX_EXTENDED_NE, MAX_SHORT_NE, type CommandApdu } from '../../../../apdu/iso7816/command-apdu.ts';
import { TlvError, decodeTlv, encodeTlv, type TlvObject } from '../../../../apdu/tlv/ber-tlv.ts';
import { NO_BYTES, bigIntToBytes, bytesToBigInt, concatBytes, equalBytes } from '../../bytes.ts';
import { Refusal, type CardAnswer } from '../../transport.ts';
import { CODE_BYTES, padBlocks, unpadBlocks, type Suite } from './cipher.ts';
import { SW_SECURE_MESSAGING_OBJECTS_MISSING, SW_SECURE_MESSAGING_OBJECTS_WRONG } from './constants.ts';

/** Data objects (ISO/IEC 7816-4:2020, section 10.3). */
const TAG_CRYPTOGRAM_OF_TLV = 0x85;
const TAG_PADDED_CRYPTOGRAM = 0x87;
const TAG_LE = 0x97;
const TAG_STATUS = 0x99;
const TAG_CODE = 0x8e;
const PADDING_METHOD_2 = 0x01;
const CLA_SECURE_MESSAGING = 0x0c;
/** 8E 08 and the code; 99 02 and the status word. */
const CODE_OBJECT_BYTES = 2 + CODE_BYTES;
const STATUS_OBJECT_BYTES = 4;

export interface ChannelKeys {
  readonly suite: Suite;
  readonly encryption: Uint8Array;
  readonly authentication: Uint8Array;
  /** Default: nought. */
  readonly counter?: Uint8Array;
}

export class SecureChannel {
  readonly #keys: ChannelKeys;
  #counter: Uint8Array;

  constructor(keys: ChannelKeys) {
    this.#keys = keys;
    this.#counter = keys.counter ?? new Uint8Array(keys.suite.blockBytes);
  }

  /** The plain command. Refuses with 6987 or 6988. */
  open(command: CommandApdu): CommandApdu {
    this.#count();
    const data = command.data ?? NO_BYTES;
    const end = data.length - CODE_OBJECT_BYTES;
    if (end < 0 || data[end] !== TAG_CODE || data[end + 1] !== CODE_BYTES) throw new Refusal(SW_SECURE_MESSAGING_OBJECTS_MISSING);
    const { cla, ins, p1, p2 } = command;
    const header = padBlocks(Uint8Array.of(cla, ins, p1, p2), this.#keys.suite.blockBytes);
    const objects = data.subarray(0, end);
    if (!equalBytes(this.#codeOf(concatBytes(header, objects)), data.subarray(end + 2)))
      throw new Refusal(SW_SECURE_MESSAGING_OBJECTS_WRONG);
    return { cla: cla & ~CLA_SECURE_MESSAGING, ins, p1, p2, ...this.#openObjects(decodeStrictly(objects), ins) };
  }

  /** What the protected answer to a command of instruction `ins` holds. */
  seal({ data = NO_BYTES, statusWord }: CardAnswer, ins: number): Uint8Array {
    this.#count();
    const status = encodeTlv(TAG_STATUS, Uint8Array.of(statusWord >> 8, statusWord & 0xff));
    const objects = concatBytes(data.length > 0 ? this.#encrypt(data, ins) : NO_BYTES, status);
    return concatBytes(objects, encodeTlv(TAG_CODE, this.#codeOf(objects)));
  }

  /** Most bytes of an answer that is protected within `ne` bytes. */
  capacity(ne: number): number {
    const { blockBytes } = this.#keys.suite;
    const left = ne - CODE_OBJECT_BYTES - STATUS_OBJECT_BYTES;
    const lengthBytes = left <= 0x81 ? 1 : left <= 0x102 ? 2 : left <= 0x10003 ? 3 : 4;
    const blocks = Math.floor((left - 1 - lengthBytes - 1) / blockBytes);
    return Math.max(0, blocks * blockBytes - 1);
  }

  #openObjects(objects: readonly TlvObject[], ins: number): Pick<CommandApdu, 'data' | 'ne'> {
    const cryptogramTag = isOdd(ins) ? TAG_CRYPTOGRAM_OF_TLV : TAG_PADDED_CRYPTOGRAM;
    const [first, second, ...more] = objects;
    const cryptogram = first?.tag === cryptogramTag ? first : undefined;
    const length = cryptogram ? second : first;
    const isAsOrdered = (length === undefined || length.tag === TAG_LE) && more.length === 0 && (cryptogram ?? !second);
    if (isAsOrdered === false) throw new Refusal(SW_SECURE_MESSAGING_OBJECTS_WRONG);
    return {
      ...(cryptogram ? { data: this.#decrypt(cryptogram.value, ins) } : {}),
      ...(length ? { ne: decodeLe(length.value) } : {}),
    };
  }

  #encrypt(data: Uint8Array, ins: number): Uint8Array {
    const { suite, encryption } = this.#keys;
    const cryptogram = suite.encrypt(encryption, padBlocks(data, suite.blockBytes), this.#vector());
    if (isOdd(ins)) return encodeTlv(TAG_CRYPTOGRAM_OF_TLV, cryptogram);
    return encodeTlv(TAG_PADDED_CRYPTOGRAM, Uint8Array.of(PADDING_METHOD_2), cryptogram);
  }

  #decrypt(value: Uint8Array, ins: number): Uint8Array {
    const { suite, encryption } = this.#keys;
    const cryptogram = isOdd(ins) ? value : value.subarray(1);
    const isWhole = cryptogram.length > 0 && cryptogram.length % suite.blockBytes === 0;
    const data =
      isWhole && (isOdd(ins) || value[0] === PADDING_METHOD_2)
        ? unpadBlocks(suite.decrypt(encryption, cryptogram, this.#vector()))
        : undefined;
    if (!data) throw new Refusal(SW_SECURE_MESSAGING_OBJECTS_WRONG);
    return data;
  }

  /** Section 9.8.6.3: AES starts from the encrypted counter, Triple-DES from nought. */
  #vector(): Uint8Array | undefined {
    const { suite, encryption } = this.#keys;
    return suite.name === '3DES' ? undefined : suite.encrypt(encryption, this.#counter);
  }

  /** Section 9.8.6: counter and message, padded whatever their length. */
  #codeOf(message: Uint8Array): Uint8Array {
    const { suite, authentication } = this.#keys;
    const counted = concatBytes(this.#counter, message);
    return suite.authenticate(authentication, suite.name === '3DES' ? counted : padBlocks(counted, suite.blockBytes));
  }

  #count(): void {
    const length = this.#counter.length;
    const next = (bytesToBigInt(this.#counter) + 1n) % (1n << BigInt(8 * length));
    this.#counter = bigIntToBytes(next, length);
  }
}

/** Without the padding between objects that BER-TLV elsewhere allows: what was authenticated is what is read. */
function decodeStrictly(bytes: Uint8Array): readonly TlvObject[] {
  try {
    const objects = decodeTlv(bytes);
    if (equalBytes(concatBytes(...objects.map(({ tag, value }) => encodeTlv(tag, value))), bytes)) return objects;
  } catch (error) {
    if (!(error instanceof TlvError)) throw error;
  }
  throw new Refusal(SW_SECURE_MESSAGING_OBJECTS_WRONG);
}

function decodeLe(value: Uint8Array): number {
  const le = Number(bytesToBigInt(value));
  if (value.length === 1) return le === 0 ? MAX_SHORT_NE : le;
  if (value.length === 2) return le === 0 ? MAX_EXTENDED_NE : le;
  throw new Refusal(SW_SECURE_MESSAGING_OBJECTS_WRONG);
}

function isOdd(ins: number): boolean {
  return (ins & 1) === 1;
}
