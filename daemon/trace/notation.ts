/**
 * Bytes as a trace writes them: hexadecimal for what is kept, braces for what is hidden. `{3:12}` is hidden text number 3, 12 bytes, the same text wherever 3
 * stands; `{3+4:8}` is 8 bytes of it from the 5th on; `{*:12}` is a secret; `{*}` is the rest, of which not even the length is told. A letter after the length is its form.
 */
import { formatHex } from '../../apdu/bytes.ts';
import type { Form, Mask } from './run.ts';

export type Piece =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | {
      readonly kind: 'hidden';
      /** Undefined: a secret. */
      readonly pseudonym: number | undefined;
      readonly offset: number;
      readonly lengthBytes: number;
      readonly form: Form;
    }
  /** Any number of bytes. */
  | { readonly kind: 'rest' };

export type Pieces = readonly Piece[];

const LETTERS: Readonly<Record<Form, string>> = { bytes: '', high: 'h', point: 'p', time: 't' };
const FORMS: ReadonlyMap<string, Form> = new Map([
  ['', 'bytes'],
  ['h', 'high'],
  ['p', 'point'],
  ['t', 'time'],
]);

/** An extended command, and more than any answer of one exchange. */
export const MAX_PIECE_BYTES = 65_546;
/** Pseudonyms of one trace. */
const MAX_PSEUDONYM = 10_000_000;
/** Of a hidden text that came in many answers. */
const MAX_OFFSET = 0x20_0000;

export class NotationError extends Error {
  override readonly name = 'NotationError';
}

export function formatPieces(pieces: Pieces): string {
  return pieces.map(formatPiece).join('');
}

function formatPiece(piece: Piece): string {
  if (piece.kind === 'bytes') return formatHex(piece.bytes);
  if (piece.kind === 'rest') return '{*}';
  const offset = piece.offset === 0 ? '' : `+${piece.offset}`;
  return `{${piece.pseudonym ?? '*'}${piece.pseudonym === undefined ? '' : offset}:${piece.lengthBytes}${LETTERS[piece.form]}}`;
}

const TOKEN = /\{\*\}|\{(\*|\d{1,8})(?:\+(\d{1,8}))?:(\d{1,6})([hpt]?)\}|(?:[0-9A-F]{2})+/y;

/** Throws NotationError. */
export function parsePieces(text: string): Pieces {
  const pieces: Piece[] = [];
  let length = 0;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (!match) throw new NotationError(`column ${at + 1}: neither bytes nor something hidden`);
    const piece = toPiece(match);
    pieces.push(piece);
    length += lengthOf(piece);
    if (length > MAX_PIECE_BYTES) throw new NotationError(`more than ${MAX_PIECE_BYTES} bytes`);
    if (piece.kind === 'rest' && TOKEN.lastIndex < text.length)
      throw new NotationError('{*} stands for all that follows, and more does');
  }
  return pieces;
}

function toPiece([whole, pseudonym, offset = '0', length, letter = '']: RegExpExecArray): Piece {
  if (whole === '{*}') return { kind: 'rest' };
  if (pseudonym === undefined || length === undefined) return { kind: 'bytes', bytes: Buffer.from(whole, 'hex') };
  const lengthBytes = Number(length);
  const form = FORMS.get(letter) ?? 'bytes';
  const number = pseudonym === '*' ? undefined : Number(pseudonym);
  if (lengthBytes === 0) throw new NotationError(`${whole}: nothing is hidden`);
  if ((number ?? 0) > MAX_PSEUDONYM || Number(offset) > MAX_OFFSET) throw new NotationError(`${whole}: too large a number`);
  return { kind: 'hidden', pseudonym: number, offset: Number(offset), lengthBytes, form };
}

/** Of `rest`: none. */
export function lengthOf(piece: Piece): number {
  if (piece.kind === 'bytes') return piece.bytes.length;
  return piece.kind === 'hidden' ? piece.lengthBytes : 0;
}

/** Names what is hidden of these bytes. */
export function toPieces(bytes: Uint8Array, mask: Mask, name: (hidden: Uint8Array) => number): Pieces {
  const pieces: Piece[] = [];
  let offset = 0;
  for (const run of mask) {
    const part = bytes.subarray(offset, offset + run.lengthBytes);
    offset += run.lengthBytes;
    if (run.kind === 'kept') pieces.push({ kind: 'bytes', bytes: part.slice() });
    else {
      const pseudonym = run.isSecret ? undefined : name(part);
      pieces.push({ kind: 'hidden', pseudonym, offset: 0, lengthBytes: part.length, form: run.form });
    }
  }
  return pieces;
}

/** Cuts pieces where exchanges were cut. */
export function cutPieces(pieces: Pieces, lengths: readonly number[]): readonly Pieces[] {
  const left = [...pieces];
  return lengths.map((lengthBytes) => {
    const part: Piece[] = [];
    for (let wanted = lengthBytes; wanted > 0;) {
      const piece = left.shift();
      if (!piece) break;
      const length = lengthOf(piece);
      part.push(length > wanted ? slicePiece(piece, 0, wanted) : piece);
      if (length > wanted) left.unshift(slicePiece(piece, wanted, length));
      wanted -= Math.min(length, wanted);
    }
    return part;
  });
}

function slicePiece(piece: Piece, start: number, end: number): Piece {
  if (piece.kind === 'bytes') return { kind: 'bytes', bytes: piece.bytes.subarray(start, end) };
  return piece.kind === 'rest' ? piece : { ...piece, offset: piece.offset + start, lengthBytes: end - start };
}
