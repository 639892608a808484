/**
 * The lines of the Assuan protocol (Developing with Assuan 2.5, "Server responses" and "Client requests"), as bytes: whatever a line
 * holds may be a PIN, so no part of a data line ever becomes a string, and every buffer is wiped when its line was read.
 * Leaves the conversation to assuan-session.ts.
 */
import { PromptProtocolError } from '../errors.ts';

/** Bytes of a line, its end not counted ("Implementation": LINELENGTH). A longer line makes pinentry 1.2.1 quit. */
export const MAX_LINE_BYTES = 1000;

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const PERCENT = 0x25;
const BACKSLASH = 0x5c;
const DELETE = 0x7f;

/** A command has no continuation lines. Throws RangeError when the text does not fit. */
export function encodeCommand(command: string, text = ''): Uint8Array {
  if (!/^[A-Z]+$/.test(command)) throw new RangeError('encoding a command: its name is not in capital letters');
  const escaped = escapeText(text);
  const head = text === '' ? command : `${command} `;
  const length = head.length + escaped.length;
  if (length > MAX_LINE_BYTES) throw new RangeError(`encoding ${command}: ${length} bytes, where a line holds ${MAX_LINE_BYTES}`);
  const line = Buffer.alloc(length + 1, head, 'latin1');
  line.set(escaped, head.length);
  line[length] = LF;
  return line;
}

/** UTF-8 with everything escaped that would end, continue or be taken for an escape in a line. */
export function escapeText(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const byte of new TextEncoder().encode(text)) {
    if (byte < SPACE || byte === PERCENT || byte === BACKSLASH || byte === DELETE)
      bytes.push(PERCENT, hexDigit(byte >> 4), hexDigit(byte & 0x0f));
    else bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}

/** Writes the unescaped bytes at `offset` and returns where they end. Throws PromptProtocolError when there is no room. */
export function unescapeData(escaped: Uint8Array, into: Uint8Array, offset: number): number {
  let end = offset;
  for (let at = 0; at < escaped.length; at++) {
    let byte = byteAt(escaped, at);
    if (byte === PERCENT) {
      const high = hexValue(byteAt(escaped, at + 1));
      const low = hexValue(byteAt(escaped, at + 2));
      if (high < 0 || low < 0) throw new PromptProtocolError('reading a data line: an escape that is none');
      byte = (high << 4) | low;
      at += 2;
    }
    if (end >= into.length) throw new PromptProtocolError(`reading data lines: more than ${into.length} bytes`);
    into[end++] = byte;
  }
  return end;
}

export type AssuanLine =
  | { readonly kind: 'ok' | 'comment' | 'inquire' }
  | { readonly kind: 'error'; readonly code: number }
  | { readonly kind: 'status'; readonly keyword: string }
  /** A view of the line, still escaped. */
  | { readonly kind: 'data'; readonly escaped: Uint8Array };

/** Reads one line, its end cut off. Throws PromptProtocolError for what is none, and quotes nothing of it. */
export function decodeLine(line: Uint8Array): AssuanLine {
  if (line.length === 0 || startsWith(line, '#')) return { kind: 'comment' };
  if (startsWith(line, 'D ')) return { kind: 'data', escaped: line.subarray(2) };
  if (isWord(line, 'OK')) return { kind: 'ok' };
  if (isWord(line, 'INQUIRE')) return { kind: 'inquire' };
  if (startsWith(line, 'ERR ')) return { kind: 'error', code: decodeErrorCode(line.subarray(4)) };
  if (startsWith(line, 'S ')) return { kind: 'status', keyword: decodeKeyword(line.subarray(2)) };
  throw new PromptProtocolError('reading what the program said: a line that is none of the protocol');
}

/** Puts lines together out of chunks. Wipes each chunk and each line; holds never more than one line. */
export class LineReader {
  readonly #line = Buffer.allocUnsafeSlow(MAX_LINE_BYTES + 1);
  #length = 0;

  /** Gives each whole line to `take`, which must keep no view of it. The chunk is wiped, also when this throws. */
  push(chunk: Uint8Array, take: (line: Uint8Array) => void): void {
    try {
      for (const byte of chunk) {
        if (byte === LF) this.#finish(take);
        else if (this.#length <= MAX_LINE_BYTES) this.#line[this.#length++] = byte;
        else throw new PromptProtocolError(`reading what the program said: a line of more than ${MAX_LINE_BYTES} bytes`);
      }
    } catch (error) {
      this.wipe();
      throw error;
    } finally {
      chunk.fill(0);
    }
  }

  wipe(): void {
    this.#line.fill(0);
    this.#length = 0;
  }

  #finish(take: (line: Uint8Array) => void): void {
    const end = this.#length > 0 && this.#line[this.#length - 1] === CR ? this.#length - 1 : this.#length;
    if (end > MAX_LINE_BYTES)
      throw new PromptProtocolError(`reading what the program said: a line of more than ${MAX_LINE_BYTES} bytes`);
    take(this.#line.subarray(0, end));
    this.wipe();
  }
}

/** Codes of libgpg-error carry their source in the upper byte: a number below that is none. */
function decodeErrorCode(rest: Uint8Array): number {
  let code = 0;
  for (const [at, byte] of rest.entries()) {
    if (byte === SPACE && at > 0) break;
    if (byte < 0x30 || byte > 0x39 || at >= 10)
      throw new PromptProtocolError('reading what the program said: an error without a code');
    code = code * 10 + byte - 0x30;
  }
  if (code < 0x0100_0000 || code > 0xffff_ffff)
    throw new PromptProtocolError('reading what the program said: an error without a code');
  return code;
}

/** Capital letters and underscores only: a PIN in its place stays unread. */
function decodeKeyword(rest: Uint8Array): string {
  const space = rest.indexOf(SPACE);
  const word = space < 0 ? rest : rest.subarray(0, space);
  const isKeyword = word.length > 0 && word.length <= 32 && word.every((byte) => (byte >= 0x41 && byte <= 0x5a) || byte === 0x5f);
  if (!isKeyword) throw new PromptProtocolError('reading what the program said: a status without a keyword');
  return String.fromCharCode(...word);
}

function startsWith(line: Uint8Array, text: string): boolean {
  for (let at = 0; at < text.length; at++) if (line[at] !== text.charCodeAt(at)) return false;
  return true;
}

function isWord(line: Uint8Array, word: string): boolean {
  return startsWith(line, word) && (line.length === word.length || line[word.length] === SPACE);
}

function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0;
}

function hexDigit(value: number): number {
  return value < 10 ? 0x30 + value : 0x41 + value - 10;
}

function hexValue(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  if (byte >= 0x41 && byte <= 0x46) return byte - 0x41 + 10;
  if (byte >= 0x61 && byte <= 0x66) return byte - 0x61 + 10;
  return -1;
}
