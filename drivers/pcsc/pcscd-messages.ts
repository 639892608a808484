/**
 * The messages between pcscd and its clients, as bytes: what libpcsclite sends over the service's Unix socket, and what comes back.
 * Source: pcsc-lite 1.9.9, src/winscard_msg.h (protocol 4:4), src/eventhandler.h (READER_STATE), PCSC/pcsclite.h (lengths); the same in
 * 4:5 (2.3.0), which adds a command that is not used here. Integers have four bytes in host order, structures the padding of C.
 * A request is a header, a structure and for some commands data; an answer has no header, so that who reads must know what was asked.
 */
import { endianness } from 'node:os';
import { SCARD_F_COMM_ERROR } from './result-code.ts';

/** enum pcsc_msg_commands */
export const SCARD_ESTABLISH_CONTEXT = 0x01;
export const SCARD_RELEASE_CONTEXT = 0x02;
export const SCARD_CONNECT = 0x04;
export const SCARD_RECONNECT = 0x05;
export const SCARD_DISCONNECT = 0x06;
export const SCARD_BEGIN_TRANSACTION = 0x07;
export const SCARD_END_TRANSACTION = 0x08;
export const SCARD_TRANSMIT = 0x09;
export const SCARD_CONTROL = 0x0a;
export const SCARD_STATUS = 0x0b;
export const SCARD_GET_ATTRIB = 0x0f;
export const CMD_VERSION = 0x11;
export const CMD_GET_READERS_STATE = 0x12;
export const CMD_WAIT_READER_STATE_CHANGE = 0x13;
export const CMD_STOP_WAITING_READER_STATE_CHANGE = 0x14;

/** MAX_READERNAME, its zero byte included. */
export const READER_NAME_BYTES = 128;
/** PCSCLITE_MAX_READERS_CONTEXTS: the table of readers has this many rows. */
const MAX_READERS = 16;
/** MAX_ATR_SIZE */
const ATR_BYTES = 33;
/** MAX_BUFFER_SIZE */
const ATTRIBUTE_BYTES = 264;
/** MAX_BUFFER_SIZE_EXTENDED: the longest command, control and response. */
export const MAX_DATA_BYTES = 65_548;
/** sizeof(READER_STATE): name, three words, ATR padded to 36 bytes, two words. */
const READER_STATE_BYTES = READER_NAME_BYTES + 12 + 36 + 8;
/** sizeof(struct rxHeader) */
const HEADER_BYTES = 8;
/** sizeof(SCARD_IO_REQUEST); pcscd carries it and does not look at it. */
const IO_REQUEST_BYTES = 16;
const SCARD_PROTOCOL_ANY = 3;

export interface ProtocolVersion {
  readonly major: number;
  readonly minor: number;
}

/** One row of pcscd's table of readers. */
export interface ReaderRow {
  readonly name: string;
  /** Card events counted by pcscd. */
  readonly eventCounter: number;
  /** SCARD_ABSENT, SCARD_PRESENT and so on. */
  readonly state: number;
  /** Handles open, or PCSCLITE_SHARING_EXCLUSIVE_CONTEXT. */
  readonly sharing: number;
  readonly atr: Uint8Array;
  readonly protocol: number;
}

/** How to tell where an answer ends, and what it says. */
export interface AnswerLayout<T extends { readonly result: number }> {
  /** Length of the structure. */
  readonly structBytes: number;
  /** Length of the data behind it, read from the structure; undefined when that is longer than pcscd can send. */
  dataBytes?(answer: Buffer): number | undefined;
  /** `answer` is the whole of it, in memory that is used again: what is kept must be copied. */
  decode(answer: Buffer): T;
  /** Stands for an answer that did not come. */
  failed(result: number): T;
}

const isLittleEndian = endianness() === 'LE';

function readWord(bytes: Buffer, offset: number): number {
  return isLittleEndian ? bytes.readUInt32LE(offset) : bytes.readUInt32BE(offset);
}

function writeWord(bytes: Buffer, offset: number, value: number): void {
  if (isLittleEndian) bytes.writeUInt32LE(value, offset);
  else bytes.writeUInt32BE(value, offset);
}

function encode(command: number, words: readonly number[] = [], lengthBytes = 4 * words.length): Buffer {
  const message = Buffer.alloc(HEADER_BYTES + lengthBytes);
  writeWord(message, 0, lengthBytes);
  writeWord(message, 4, command);
  words.forEach((word, index) => {
    writeWord(message, HEADER_BYTES + 4 * index, word);
  });
  return message;
}

/** struct version_struct */
export function encodeVersion({ major, minor }: ProtocolVersion): Buffer {
  return encode(CMD_VERSION, [major, minor, 0]);
}

/** struct establish_struct */
export function encodeEstablishContext(scope: number): Buffer {
  return encode(SCARD_ESTABLISH_CONTEXT, [scope, 0, 0]);
}

/** struct release_struct */
export function encodeReleaseContext(context: number): Buffer {
  return encode(SCARD_RELEASE_CONTEXT, [context, 0]);
}

export interface ConnectRequest {
  readonly context: number;
  readonly reader: string;
  readonly shareMode: number;
  readonly protocols: number;
}

/** struct connect_struct; undefined for a name that no reader can have. */
export function encodeConnect({ context, reader, shareMode, protocols }: ConnectRequest): Buffer | undefined {
  const name = Buffer.from(reader, 'utf8');
  if (name.length >= READER_NAME_BYTES || name.includes(0)) return undefined;
  const message = encode(SCARD_CONNECT, [context], 4 + READER_NAME_BYTES + 20);
  const offset = HEADER_BYTES + 4;
  name.copy(message, offset);
  writeWord(message, offset + READER_NAME_BYTES, shareMode);
  writeWord(message, offset + READER_NAME_BYTES + 4, protocols);
  return message;
}

export interface ReconnectRequest {
  readonly card: number;
  readonly shareMode: number;
  readonly protocols: number;
  readonly initialization: number;
}

/** struct reconnect_struct */
export function encodeReconnect({ card, shareMode, protocols, initialization }: ReconnectRequest): Buffer {
  return encode(SCARD_RECONNECT, [card, shareMode, protocols, initialization, 0, 0]);
}

/** struct disconnect_struct */
export function encodeDisconnect(card: number, disposition: number): Buffer {
  return encode(SCARD_DISCONNECT, [card, disposition, 0]);
}

/** struct begin_struct */
export function encodeBeginTransaction(card: number): Buffer {
  return encode(SCARD_BEGIN_TRANSACTION, [card, 0]);
}

/** struct end_struct */
export function encodeEndTransaction(card: number, disposition: number): Buffer {
  return encode(SCARD_END_TRANSACTION, [card, disposition, 0]);
}

/** struct status_struct */
export function encodeStatus(card: number): Buffer {
  return encode(SCARD_STATUS, [card, 0]);
}

/** The three that carry nothing: GET_READERS_STATE, WAIT_READER_STATE_CHANGE, STOP_WAITING_READER_STATE_CHANGE. */
export function encodeReadersCommand(command: number): Buffer {
  return encode(command);
}

export interface ControlRequest {
  readonly card: number;
  readonly code: number;
  readonly input: Uint8Array;
}

/** struct control_struct and the input. Throws RangeError for an input longer than MAX_DATA_BYTES. */
export function encodeControl({ card, code, input }: ControlRequest): Buffer {
  requireDataLength(input);
  const struct = encode(SCARD_CONTROL, [card, code, input.length, MAX_DATA_BYTES, 0, 0]);
  return Buffer.concat([struct, input]);
}

/** struct getset_struct */
export function encodeGetAttrib(card: number, attribute: number): Buffer {
  const message = encode(SCARD_GET_ATTRIB, [card, attribute], 8 + ATTRIBUTE_BYTES + 8);
  writeWord(message, HEADER_BYTES + 8 + ATTRIBUTE_BYTES, ATTRIBUTE_BYTES);
  return message;
}

/** struct transmit_struct */
const TRANSMIT_STRUCT_BYTES = 32;
/** Where the command begins in a request that `writeTransmit` wrote. */
export const TRANSMIT_COMMAND_OFFSET = HEADER_BYTES + TRANSMIT_STRUCT_BYTES;

export interface TransmitRequest {
  readonly card: number;
  readonly protocol: number;
  readonly command: Uint8Array;
}

/**
 * Writes struct transmit_struct and the command to the beginning of `target`, and gives the length written.
 * Throws RangeError for a command longer than MAX_DATA_BYTES, or than fits.
 */
export function writeTransmit(target: Buffer, { card, protocol, command }: TransmitRequest): number {
  requireDataLength(command);
  writeWord(target, 0, TRANSMIT_STRUCT_BYTES);
  writeWord(target, 4, SCARD_TRANSMIT);
  writeWord(target, 8, card);
  writeWord(target, 12, protocol);
  writeWord(target, 16, IO_REQUEST_BYTES);
  writeWord(target, 20, command.length);
  writeWord(target, 24, SCARD_PROTOCOL_ANY);
  writeWord(target, 28, IO_REQUEST_BYTES);
  writeWord(target, 32, MAX_DATA_BYTES);
  writeWord(target, 36, 0);
  target.set(command, TRANSMIT_COMMAND_OFFSET);
  return TRANSMIT_COMMAND_OFFSET + command.length;
}

function requireDataLength(data: Uint8Array): void {
  if (data.length > MAX_DATA_BYTES)
    throw new RangeError(`encoding a message to pcscd: ${data.length} bytes of data are more than ${MAX_DATA_BYTES}`);
}

/** An answer of which only the result is of use; it is the last word of its structure. */
function resultOnly(structBytes: number): AnswerLayout<{ readonly result: number }> {
  return {
    structBytes,
    decode: (answer) => ({ result: readWord(answer, structBytes - 4) }),
    failed: (result) => ({ result }),
  };
}

export const RELEASE_ANSWER = resultOnly(8);
export const DISCONNECT_ANSWER = resultOnly(12);
export const BEGIN_ANSWER = resultOnly(8);
export const END_ANSWER = resultOnly(12);
export const STATUS_ANSWER = resultOnly(8);
/** struct wait_reader_state_change: an event, a cancel, or the answer to CMD_STOP_WAITING_READER_STATE_CHANGE. */
export const WAIT_ANSWER = resultOnly(8);

export const VERSION_ANSWER: AnswerLayout<ProtocolVersion & { readonly result: number }> = {
  structBytes: 12,
  decode: (answer) => ({ major: readWord(answer, 0), minor: readWord(answer, 4), result: readWord(answer, 8) }),
  failed: (result) => ({ major: 0, minor: 0, result }),
};

export const ESTABLISH_ANSWER: AnswerLayout<{ readonly result: number; readonly context: number }> = {
  structBytes: 12,
  decode: (answer) => ({ context: readWord(answer, 4), result: readWord(answer, 8) }),
  failed: (result) => ({ context: 0, result }),
};

export const CONNECT_ANSWER: AnswerLayout<{ readonly result: number; readonly card: number; readonly protocol: number }> = {
  structBytes: 4 + READER_NAME_BYTES + 20,
  decode(answer) {
    const offset = 4 + READER_NAME_BYTES + 8;
    return { card: readWord(answer, offset), protocol: readWord(answer, offset + 4), result: readWord(answer, offset + 8) };
  },
  failed: (result) => ({ card: 0, protocol: 0, result }),
};

export const RECONNECT_ANSWER: AnswerLayout<{ readonly result: number; readonly protocol: number }> = {
  structBytes: 24,
  decode: (answer) => ({ protocol: readWord(answer, 16), result: readWord(answer, 20) }),
  failed: (result) => ({ protocol: 0, result }),
};

const NO_BYTES = new Uint8Array();

/** pcscd sends the response only with success. */
export const TRANSMIT_ANSWER: AnswerLayout<{ readonly result: number; readonly response: Uint8Array }> = {
  structBytes: TRANSMIT_STRUCT_BYTES,
  dataBytes: (answer) => dataLength(answer, { length: 24, result: 28 }),
  decode: (answer) => ({ result: readWord(answer, 28), response: copyOf(answer, TRANSMIT_STRUCT_BYTES) }),
  failed: (result) => ({ result, response: NO_BYTES }),
};

const CONTROL_STRUCT_BYTES = 24;

export const CONTROL_ANSWER: AnswerLayout<{ readonly result: number; readonly output: Uint8Array }> = {
  structBytes: CONTROL_STRUCT_BYTES,
  dataBytes: (answer) => dataLength(answer, { length: 16, result: 20 }),
  decode: (answer) => ({ result: readWord(answer, 20), output: copyOf(answer, CONTROL_STRUCT_BYTES) }),
  failed: (result) => ({ result, output: NO_BYTES }),
};

/** `at`: offsets of two words in the structure. */
function dataLength(answer: Buffer, at: { readonly length: number; readonly result: number }): number | undefined {
  if (readWord(answer, at.result) !== 0) return 0;
  const length = readWord(answer, at.length);
  return length <= MAX_DATA_BYTES ? length : undefined;
}

/** The caller's own, and no Buffer: those share their memory. */
function copyOf(bytes: Buffer, start: number): Uint8Array {
  return new Uint8Array(bytes.subarray(start));
}

export const ATTRIBUTE_ANSWER: AnswerLayout<{ readonly result: number; readonly value: Uint8Array }> = {
  structBytes: 8 + ATTRIBUTE_BYTES + 8,
  decode(answer) {
    const end = 8 + ATTRIBUTE_BYTES;
    const result = readWord(answer, end + 4);
    const length = readWord(answer, end);
    if (result !== 0) return { result, value: NO_BYTES };
    if (length > ATTRIBUTE_BYTES) return { result: SCARD_F_COMM_ERROR, value: NO_BYTES };
    return { result, value: new Uint8Array(answer.subarray(8, 8 + length)) };
  },
  failed: (result) => ({ result, value: NO_BYTES }),
};

/** The table of readers, without its empty rows. */
export const READERS_ANSWER: AnswerLayout<{ readonly result: number; readonly readers: readonly ReaderRow[] }> = {
  structBytes: MAX_READERS * READER_STATE_BYTES,
  decode(answer) {
    const rows = Array.from({ length: MAX_READERS }, (_, index) => {
      const start = index * READER_STATE_BYTES;
      return answer.subarray(start, start + READER_STATE_BYTES);
    });
    return { result: 0, readers: rows.filter((row) => row[0] !== 0).map(decodeReaderRow) };
  },
  failed: (result) => ({ result, readers: [] }),
};

/** A name without its zero byte ends where its field does; an ATR length beyond its field is cut to the field. */
function decodeReaderRow(row: Buffer): ReaderRow {
  const zero = row.indexOf(0);
  const atrLength = Math.min(readWord(row, READER_NAME_BYTES + 48), ATR_BYTES);
  const atr = READER_NAME_BYTES + 12;
  return {
    name: row.toString('utf8', 0, zero < 0 ? READER_NAME_BYTES : Math.min(zero, READER_NAME_BYTES)),
    eventCounter: readWord(row, READER_NAME_BYTES),
    state: readWord(row, READER_NAME_BYTES + 4),
    sharing: readWord(row, READER_NAME_BYTES + 8) | 0,
    atr: new Uint8Array(row.subarray(atr, atr + atrLength)),
    protocol: readWord(row, READER_NAME_BYTES + 52),
  };
}
