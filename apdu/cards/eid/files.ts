/**
 * Files of the card for the length of one transaction: SELECT, READ BINARY, READ RECORD (ISO/IEC 7816-4:2020, sections 11.2.2, 11.3.3 and 11.4.3).
 * Keeps in mind which DF is the current one, so that nothing is selected twice, and what cannot be done on this card, so that it is tried once.
 * However a card answers, files, bytes and commands stay within bounds.
 */
import { concat, formatHex, parseHex } from '../../bytes.ts';
import type { CardChannel } from '../../card-channel.ts';
import { CardDataError, StatusWordError } from '../../errors.ts';
import { MAX_EXTENDED_NE, MAX_SHORT_NE } from '../../iso7816/command-apdu.ts';
import type { ResponseApdu } from '../../iso7816/response-apdu.ts';
import {
  SW_END_OF_FILE,
  SW_FILE_NOT_FOUND,
  SW_FUNCTION_NOT_SUPPORTED,
  SW_INCORRECT_P1_P2,
  SW_INS_NOT_SUPPORTED,
  SW_RECORD_NOT_FOUND,
  SW_REFERENCED_DATA_NOT_FOUND,
  SW_SECURITY_STATUS_NOT_SATISFIED,
  SW_SUCCESS,
  SW_WRONG_P1_P2,
} from '../../iso7816/status-word.ts';
import { TlvError, decodeTlv, findTlv } from '../../tlv/ber-tlv.ts';
import { PKCS15_APPLICATION_ID, type ApplicationPlace } from './application.ts';
import { wantedLength, type FileShape } from './file-shape.ts';
import { MASTER_FILE, isAbsolute, parentOf, pathKey, type FilePath } from './path.ts';

const INS_SELECT = 0xa4;
const INS_READ_BINARY = 0xb0;
const INS_READ_RECORD = 0xb2;
/** P1 of SELECT (section 11.2.2, table 62). */
const P1_BY_FILE_IDENTIFIER = 0x00;
const P1_BY_DF_NAME = 0x04;
const P1_BY_PATH_FROM_MF = 0x08;
const P1_BY_PATH_FROM_CURRENT_DF = 0x09;
/** P1 of READ BINARY: b5 to b1 are a short EF identifier. */
const P1_SHORT_IDENTIFIER = 0x80;
/** P2 of READ RECORD: P1 is a record number. */
const P2_RECORD_NUMBER = 0x04;
/** Fifteen bits of offset; beyond it INS B1 would be needed, for files that no card of this kind has. */
const MAX_OFFSET = 0x7fff;
/** What P2 can say beside a short EF identifier. */
const MAX_SHORT_OFFSET = 0xff;
const SW_WRONG_FILE_STRUCTURE = 0x6981;

/** Tags of file control information (section 7.4.3). */
const TAG_FCI = 0x6f;
const TAG_FCP = 0x62;
const TAG_FILE_SIZE = 0x80;

/** Far above any card; what a hostile one can cost in a transaction. */
const MAX_FILES = 64;
const MAX_TOTAL_LENGTH = 0x4_0000;
const MAX_COMMANDS = 1024;
const MAX_RECORDS = 128;

export interface SelectedFile {
  /** As the card tells; some tell none, and the file may be longer than what is in it. */
  readonly lengthBytes?: number;
}

/** What one transaction finds out about a card, and the next need not. */
export interface FileHabits {
  /** The application's DF, from the MF, where anything told it. */
  readonly applicationPath?: string | undefined;
  readonly readsByShortIdentifier: boolean;
  readonly selectsByPath: boolean;
}

interface ReadPlan {
  readonly shape: FileShape;
  /** Offset of the first byte. */
  readonly start: number;
  /** No more than these bytes; undefined while the card does not tell. */
  readonly target: number | undefined;
  /** How many bytes the first command asked for. */
  readonly asked: number;
}

export class CardFiles {
  readonly channel: CardChannel;
  readonly place: ApplicationPlace;
  #applicationPath: string | undefined;
  /** The current DF: '' for the application's own, else a path from the MF; undefined when another command may have changed it. */
  #current: string | undefined = '';
  #readsByShortIdentifier: boolean;
  #selectsByPath: boolean;
  #files = 0;
  #totalLength = 0;
  #commands = 0;
  readonly #read = new Map<string, { readonly path: string; readonly content: Promise<Uint8Array | undefined> }>();
  readonly #lengths = new Map<string, number>();

  /** With the application just selected. */
  constructor(channel: CardChannel, place: ApplicationPlace, habits?: FileHabits) {
    this.channel = channel;
    this.place = place;
    this.#applicationPath = habits?.applicationPath ?? place.path;
    this.#readsByShortIdentifier = habits?.readsByShortIdentifier ?? true;
    this.#selectsByPath = habits?.selectsByPath ?? true;
  }

  get habits(): FileHabits {
    return {
      applicationPath: this.#applicationPath,
      readsByShortIdentifier: this.#readsByShortIdentifier,
      selectsByPath: this.#selectsByPath,
    };
  }

  get applicationPath(): string | undefined {
    return this.#applicationPath;
  }

  /** The directory's own paths tell where the application is, when EF.DIR was not asked. */
  learnApplicationPath(path: string): void {
    this.#applicationPath ??= path;
  }

  /** Undefined for a file that the card has not, or that it gives only after a PIN. Read once in a transaction. */
  read(path: FilePath, shape: FileShape): Promise<Uint8Array | undefined> {
    const key = `${pathKey(path)}:${shape}`;
    const known = this.#read.get(key);
    if (known) return known.content;
    // What is not given may be given after a PIN.
    const content = this.#readFile(path, shape).then((bytes) => {
      if (!bytes) this.#read.delete(key);
      return bytes;
    });
    this.#read.set(key, { path: path.file, content });
    return content;
  }

  /** This was just read back: it is not read again in this transaction. */
  learn(path: FilePath, shape: FileShape, content: Uint8Array): void {
    this.#read.set(`${pathKey(path)}:${shape}`, { path: path.file, content: Promise.resolve(content) });
  }

  /** As the card told when the file was selected; undefined when it did not. */
  lengthOf(file: string): number | undefined {
    return this.#lengths.get(file);
  }

  /**
   * Something was written, to this file alone or to whatever: what was read may be otherwise, and the card is read from the start, within bounds of its own.
   */
  forget(file?: string): void {
    for (const [key, { path }] of this.#read) if (file === undefined || path === file) this.#read.delete(key);
    this.#files = 0;
    this.#totalLength = 0;
    this.#commands = 0;
  }

  /**
   * By short EF identifier, in one command where the content is no longer than an answer; undefined when the card, or this file of it, cannot be read so.
   * `known` is the beginning, read before, and is not read again; `expectedLength` is how long the file was last time.
   */
  async readShort(
    identifier: number,
    shape: FileShape,
    { known, expectedLength }: { readonly known?: Uint8Array; readonly expectedLength?: number } = {},
  ): Promise<Uint8Array | undefined> {
    if (!this.#readsByShortIdentifier) return undefined;
    await this.enter('');
    const what = `file ${identifier.toString(16).toUpperCase()} by its short identifier`;
    this.#count(what);
    const head = (known ?? new Uint8Array()).subarray(0, MAX_SHORT_OFFSET);
    const asked = this.#firstNe(expectedLength);
    const first = await this.#readBinary(P1_SHORT_IDENTIFIER | identifier, head.length, asked);
    if (!isDone(first) || first.data.length === 0) {
      this.#readsByShortIdentifier = false;
      return undefined;
    }
    const data = concat(head, this.#take(what, first.data));
    return shape === 'head' ? data : await this.#readOn(what, { shape, start: 0, target: undefined, asked }, { ...first, data });
  }

  /** Makes a DF the current one; '' is the application's. Nothing is sent when it is so already. */
  async enter(directory: string): Promise<void> {
    const wanted = directory === this.#applicationPath ? '' : directory;
    if (this.#current === wanted) return;
    const what = wanted === '' ? 'selecting the application' : `selecting DF ${wanted}`;
    const path = wanted === '' ? this.#applicationPath : wanted;
    const response =
      path === undefined
        ? await this.#select(P1_BY_DF_NAME, this.place.applicationId ?? PKCS15_APPLICATION_ID)
        : await this.#selectPath(path);
    if (!isDone(response)) throw new StatusWordError(what, response.statusWord, INS_SELECT);
    this.#current = wanted;
  }

  /** True when `directory` is not the one in which references of keys and PINs hold already. */
  isElsewhere(directory: string): boolean {
    return directory !== '' && directory !== this.#applicationPath;
  }

  /** Undefined for a file that the card has not. */
  async select(file: string): Promise<SelectedFile | undefined> {
    const response = await this.#selectFile(file);
    if (isMissing(response.statusWord) || response.statusWord === SW_SECURITY_STATUS_NOT_SATISFIED) return undefined;
    if (!isDone(response)) throw new StatusWordError(`selecting file ${file}`, response.statusWord, INS_SELECT);
    const described = describeFile(response.data);
    if (described.lengthBytes !== undefined) this.#lengths.set(file, described.lengthBytes);
    return described;
  }

  async #readFile(path: FilePath, shape: FileShape): Promise<Uint8Array | undefined> {
    const { file } = path;
    const what = `file ${file}`;
    if (file.length === 2) return await this.readShort(Number.parseInt(file, 16) >> 3, shape);
    this.#count(what);
    const selected = await this.select(file);
    return selected && (await this.#readContent(path, shape, selected));
  }

  /** The file that was selected, or written to, right before: it is not selected again. */
  async readSelected(path: FilePath, shape: FileShape, selected: SelectedFile): Promise<Uint8Array | undefined> {
    this.#count(`file ${path.file}`);
    return await this.#readContent(path, shape, selected);
  }

  async #readContent(path: FilePath, shape: FileShape, selected: SelectedFile): Promise<Uint8Array | undefined> {
    const { file, offset = 0, lengthBytes } = path;
    const what = `file ${file}`;
    const room = selected.lengthBytes === undefined ? undefined : Math.max(selected.lengthBytes - offset, 0);
    const target = lengthBytes === undefined ? room : Math.min(lengthBytes, room ?? lengthBytes);
    if (target === 0) return new Uint8Array();
    const first = await this.#readAt(what, offset, this.#firstNe(target));
    if (first.statusWord === SW_SECURITY_STATUS_NOT_SATISFIED || isMissing(first.statusWord)) return undefined;
    if (first.statusWord === SW_WRONG_FILE_STRUCTURE) return await this.#readRecords(what);
    if (isEnd(first)) return new Uint8Array();
    if (!isDone(first)) throw new StatusWordError(`reading ${what}`, first.statusWord, INS_READ_BINARY);
    this.#take(what, first.data);
    const plan = {
      shape: lengthBytes === undefined ? shape : 'bytes',
      start: offset,
      target,
      asked: this.#firstNe(target),
    } as const;
    return await this.#readOn(what, plan, first);
  }

  /** The rest of a file whose beginning was read: no further than its content goes. */
  async #readOn(what: string, { shape, start, target, asked }: ReadPlan, first: ResponseApdu): Promise<Uint8Array> {
    let bytes = first.data;
    let last = first;
    let enough = Math.min(asked, MAX_SHORT_NE);
    for (;;) {
      const wanted = Math.min(wantedLength(bytes, shape), target ?? Number.POSITIVE_INFINITY);
      if (bytes.length >= wanted || last.statusWord === SW_END_OF_FILE) return bytes;
      // A file of unknown length ends with a short answer.
      if (target === undefined && last.data.length < enough) return bytes;
      const missing = Math.min(wanted, MAX_EXTENDED_NE) - bytes.length;
      const ne = this.#firstNe(missing > 1 ? missing : target && target - bytes.length);
      enough = Math.min(ne, MAX_SHORT_NE);
      last = await this.#readAt(what, start + bytes.length, ne);
      if (isEnd(last)) return bytes;
      if (!isDone(last)) throw new StatusWordError(`reading ${what}`, last.statusWord, INS_READ_BINARY);
      bytes = concat(bytes, this.#take(what, last.data));
    }
  }

  /** Records one after the other, for directory files that are made of them. */
  async #readRecords(what: string): Promise<Uint8Array> {
    const records: Uint8Array[] = [];
    for (let number = 1; ; number++) {
      if (number > MAX_RECORDS) throw new CardDataError(`reading ${what}: more than ${MAX_RECORDS} records`);
      const response = await this.#exchange(INS_READ_RECORD, number, P2_RECORD_NUMBER, undefined, MAX_SHORT_NE);
      if (response.statusWord === SW_RECORD_NOT_FOUND) return concat(...records);
      if (!isDone(response))
        throw new StatusWordError(`reading record ${number} of ${what}`, response.statusWord, INS_READ_RECORD);
      records.push(this.#take(what, response.data));
    }
  }

  #firstNe(target: number | undefined): number {
    const most = this.channel.supportsExtendedLength ? MAX_EXTENDED_NE : MAX_SHORT_NE;
    return target === undefined ? most : Math.min(target, most);
  }

  async #readAt(what: string, offset: number, ne: number): Promise<ResponseApdu> {
    if (offset > MAX_OFFSET) throw new CardDataError(`reading ${what}: it goes on beyond ${MAX_OFFSET + 1} bytes`);
    return await this.#readBinary(offset >> 8, offset & 0xff, ne);
  }

  async #readBinary(p1: number, p2: number, ne: number): Promise<ResponseApdu> {
    return await this.#exchange(INS_READ_BINARY, p1, p2, undefined, ne);
  }

  /** By path from the MF, or by file identifier in the application. The DF of the file is then the current one. */
  async #selectFile(file: string): Promise<ResponseApdu> {
    if (isAbsolute(file) && file !== MASTER_FILE) {
      const response = await this.#selectPath(file);
      const parent = parentOf(file);
      if (isDone(response)) this.#current = parent === this.#applicationPath ? '' : parent;
      return response;
    }
    if (file === MASTER_FILE) {
      this.#current = MASTER_FILE;
      return await this.#select(P1_BY_FILE_IDENTIFIER, parseHex(file));
    }
    await this.enter('');
    if (file.length === 4) return await this.#select(P1_BY_FILE_IDENTIFIER, parseHex(file));
    const response = await this.#select(P1_BY_PATH_FROM_CURRENT_DF, parseHex(file));
    this.#current = undefined;
    return response;
  }

  /** From the MF; step by step on cards that do not select by path. */
  async #selectPath(path: string): Promise<ResponseApdu> {
    const identifiers = parseHex(path);
    if (path === MASTER_FILE) return await this.#select(P1_BY_FILE_IDENTIFIER, identifiers);
    if (this.#selectsByPath) {
      const response = await this.#select(P1_BY_PATH_FROM_MF, identifiers.subarray(2));
      if (!REFUSES_PATHS.has(response.statusWord)) return response;
      this.#selectsByPath = false;
    }
    this.#current = undefined;
    for (let offset = 0; ; offset += 2) {
      const response = await this.#select(P1_BY_FILE_IDENTIFIER, identifiers.subarray(offset, offset + 2));
      if (!isDone(response) || offset + 2 >= identifiers.length) return response;
    }
  }

  async #select(p1: number, data: Uint8Array): Promise<ResponseApdu> {
    return await this.#exchange(INS_SELECT, p1, 0x00, data, MAX_SHORT_NE);
  }

  async #exchange(ins: number, p1: number, p2: number, data: Uint8Array | undefined, ne: number): Promise<ResponseApdu> {
    if (++this.#commands > MAX_COMMANDS) throw new CardDataError(`reading the card: more than ${MAX_COMMANDS} commands`);
    return await this.channel.exchange({ cla: 0x00, ins, p1, p2, ...(data ? { data } : {}), ne });
  }

  #count(what: string): void {
    if (++this.#files > MAX_FILES) throw new CardDataError(`reading ${what}: more than ${MAX_FILES} files are referred to`);
  }

  #take(what: string, data: Uint8Array): Uint8Array {
    this.#totalLength += data.length;
    if (this.#totalLength > MAX_TOTAL_LENGTH)
      throw new CardDataError(`reading ${what}: card gives more than ${MAX_TOTAL_LENGTH} bytes in all`);
    return data;
  }
}

/** P1 08 is not known; 6A82 would be a path that leads nowhere. */
const REFUSES_PATHS: ReadonlySet<number> = new Set([
  SW_FUNCTION_NOT_SUPPORTED,
  SW_INCORRECT_P1_P2,
  SW_WRONG_P1_P2,
  SW_INS_NOT_SUPPORTED,
]);

/** Warnings select and read all the same: a deactivated file (6283), the end of the file (6282). */
function isDone({ statusWord }: Pick<ResponseApdu, 'statusWord'>): boolean {
  return statusWord === SW_SUCCESS || statusWord >> 8 === 0x62;
}

/** The offset is at the end, or the file is empty. */
function isEnd({ statusWord, data }: ResponseApdu): boolean {
  return statusWord === SW_WRONG_P1_P2 || (data.length === 0 && isDone({ statusWord }));
}

function isMissing(statusWord: number): boolean {
  return statusWord === SW_FILE_NOT_FOUND || statusWord === SW_REFERENCED_DATA_NOT_FOUND;
}

/** A card that tells nothing of its files, or not in the standard's way, is read all the same. */
function describeFile(data: Uint8Array): SelectedFile {
  try {
    const objects = decodeTlv(data);
    const information = findTlv(objects, TAG_FCI) ?? findTlv(objects, TAG_FCP);
    const size = information && findTlv(decodeTlv(information), TAG_FILE_SIZE);
    if (!size || size.length === 0 || size.length > 4) return {};
    return { lengthBytes: Number.parseInt(formatHex(size), 16) };
  } catch (error) {
    if (error instanceof TlvError) return {};
    throw error;
  }
}
