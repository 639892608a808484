/**
 * Reading a document's files (ICAO Doc 9303-10, section 3.6; ISO/IEC 7816-4:2020, section 11.3.3): the outermost tag and length first, then exactly the rest, in the
 * largest blocks that card and reader carry.
 */
import { concat } from '../bytes.ts';
import { CardDataError, StatusWordError } from '../errors.ts';
import type { Exchange } from '../iso7816/exchange.ts';
import {
  SW_CONDITIONS_OF_USE_NOT_SATISFIED,
  SW_FILE_NOT_FOUND,
  SW_SECURITY_STATUS_NOT_SATISFIED,
  SW_SUCCESS,
  SW_WRONG_LENGTH,
  SW_WRONG_P1_P2,
} from '../iso7816/status-word.ts';
import { TlvError, decodeFirstTlv, encodeTlv } from '../tlv/ber-tlv.ts';
import type { DocumentFile } from './document-files.ts';

const INS_SELECT = 0xa4;
const P1_EF_OF_CURRENT_DF = 0x02;
const P2_NO_RESPONSE = 0x0c;
const INS_READ_BINARY = 0xb0;
/** With the offset as a data object, for what 15 bits do not reach. */
const INS_READ_BINARY_ODD = 0xb1;
const TAG_OFFSET = 0x54;
const TAG_DISCRETIONARY_DATA = 0x53;
const SHORT_IDENTIFIER = 0x80;
const MAX_SHORT_OFFSET = 0x7fff;
/** Tag and length of the longest object that a file may be: one or two bytes, and up to four. */
const HEAD_LENGTH = 6;
/** Of an odd READ BINARY, around what was read. */
const FRAME_LENGTH = 4;
const MIN_BLOCK = 16;

export interface ReadFileOptions {
  /** Most bytes that one response may carry, all protection taken off. */
  readonly blockLength: number;
  /** Files that say that they are longer are not read. */
  readonly maxLength: number;
  readonly onProgress?: (read: number, total: number) => void;
}

/** Undefined for a file that is not there, or not for us. Throws CardDataError, StatusWordError. */
export async function readDocumentFile(
  exchange: Exchange,
  file: DocumentFile,
  options: ReadFileOptions,
): Promise<Uint8Array | undefined> {
  return await new FileReading(exchange, file, options).read();
}

class FileReading {
  readonly #exchange: Exchange;
  readonly #file: DocumentFile;
  readonly #options: ReadFileOptions;
  #blockLength: number;

  constructor(exchange: Exchange, file: DocumentFile, options: ReadFileOptions) {
    this.#exchange = exchange;
    this.#file = file;
    this.#options = options;
    this.#blockLength = options.blockLength;
  }

  async read(): Promise<Uint8Array | undefined> {
    const head = await this.#open();
    if (!head) return undefined;
    const total = this.#lengthOf(head);
    const parts = [head.subarray(0, total)];
    for (let offset = Math.min(head.length, total); offset < total;) {
      const part = await this.#readAt(offset, total - offset);
      if (part.length === 0) throw new CardDataError(`${this.#attempt}: card gave ${offset} of ${total} bytes`);
      parts.push(part);
      offset += part.length;
      this.#options.onProgress?.(offset, total);
    }
    return concat(...parts);
  }

  get #attempt(): string {
    return `reading ${this.#file.name}`;
  }

  /** By the short identifier, which selects on the way; by its identifier on cards that do not know short ones. */
  async #open(): Promise<Uint8Array | undefined> {
    const { shortIdentifier, identifier } = this.#file;
    const byShort = await this.#exchange({ ...READ, p1: SHORT_IDENTIFIER | shortIdentifier, p2: 0x00, ne: HEAD_LENGTH });
    if (isRead(byShort.statusWord)) return byShort.data;
    if (isAbsent(byShort.statusWord)) return undefined;
    const selected = await this.#exchange({
      ...{ cla: 0x00, ins: INS_SELECT, p1: P1_EF_OF_CURRENT_DF, p2: P2_NO_RESPONSE },
      data: Uint8Array.of(identifier >> 8, identifier & 0xff),
    });
    if (isAbsent(selected.statusWord)) return undefined;
    if (selected.statusWord !== SW_SUCCESS)
      throw new StatusWordError(`${this.#attempt}: selecting it`, selected.statusWord, INS_SELECT);
    return await this.#readAt(0, HEAD_LENGTH);
  }

  #lengthOf(head: Uint8Array): number {
    const length = totalLength(head);
    if (length === undefined || head[0] !== this.#file.tag)
      throw new CardDataError(`${this.#attempt}: it does not begin as it must`);
    if (length > this.#options.maxLength)
      throw new CardDataError(
        `${this.#attempt}: it says that it has ${length} bytes, of ${this.#options.maxLength} that are read`,
      );
    return length;
  }

  /** A card that does not carry so much is asked for half, and half again. */
  async #readAt(offset: number, wanted: number): Promise<Uint8Array> {
    for (;;) {
      const length = Math.min(wanted, this.#blockLength);
      const { data, statusWord } =
        offset + length <= MAX_SHORT_OFFSET + 1 && offset <= MAX_SHORT_OFFSET
          ? await this.#exchange({ ...READ, p1: offset >> 8, p2: offset & 0xff, ne: length })
          : await this.#readFar(offset, length);
      if (isRead(statusWord)) return data.subarray(0, wanted);
      if (statusWord === SW_WRONG_P1_P2 && offset > 0)
        throw new CardDataError(`${this.#attempt}: it says that it is longer than it is: card has nothing at byte ${offset}`, {
          statusWord,
        });
      if (statusWord !== SW_WRONG_LENGTH || length <= MIN_BLOCK)
        throw new StatusWordError(this.#attempt, statusWord, INS_READ_BINARY);
      this.#blockLength = Math.max(MIN_BLOCK, Math.floor(length / 2));
    }
  }

  async #readFar(offset: number, length: number): ReturnType<Exchange> {
    const { data, statusWord } = await this.#exchange({
      ...{ cla: 0x00, ins: INS_READ_BINARY_ODD, p1: 0x00, p2: 0x00 },
      data: encodeTlv(TAG_OFFSET, Uint8Array.of(offset >> 16, (offset >> 8) & 0xff, offset & 0xff)),
      ne: Math.min(length + FRAME_LENGTH, this.#blockLength),
    });
    return isRead(statusWord) ? { data: discretionaryData(this.#attempt, data), statusWord } : { data, statusWord };
  }
}

const READ = { cla: 0x00, ins: INS_READ_BINARY } as const;

/** 6282: the end came sooner; what is there was given. */
function isRead(statusWord: number): boolean {
  return statusWord === SW_SUCCESS || statusWord >> 8 === 0x62;
}

function isAbsent(statusWord: number): boolean {
  return (
    statusWord === SW_FILE_NOT_FOUND ||
    statusWord === SW_SECURITY_STATUS_NOT_SATISFIED ||
    statusWord === SW_CONDITIONS_OF_USE_NOT_SATISFIED
  );
}

/** Of tag, length and value together; undefined when it does not say. */
function totalLength(head: Uint8Array): number | undefined {
  const first = head[1];
  if (first === undefined) return undefined;
  if (first < 0x80) return 2 + first;
  const count = first & 0x7f;
  if (count === 0 || count > 4 || head.length < 2 + count) return undefined;
  return 2 + count + head.subarray(2, 2 + count).reduce((length, byte) => length * 0x100 + byte, 0);
}

function discretionaryData(attempt: string, data: Uint8Array): Uint8Array {
  try {
    const { object } = decodeFirstTlv(data);
    if (object.tag === TAG_DISCRETIONARY_DATA) return object.value;
  } catch (error) {
    if (!(error instanceof TlvError)) throw error;
  }
  throw new CardDataError(`${attempt}: card gave a part that is not framed as it must be`);
}
