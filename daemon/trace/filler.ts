/** What a replay puts where a trace hides something: the same bytes for the same pseudonym, of a form that parses, and nothing of what was there. */
import { createHash } from 'node:crypto';
import { concat, parseHex } from '../../apdu/bytes.ts';
import type { Piece, Pieces } from './notation.ts';

const LETTERS = 26;
const FIRST_LETTER = 0x41;
const HIGH_BIT = 0x80;
/** Between now and the end of every certificate. */
const TIMES: ReadonlyMap<number, string> = new Map([
  [13, '300101000000Z'],
  [15, '20300101000000Z'],
]);
/** Generators of P-256 and P-384 (SEC 2, sections 2.4.2 and 2.5.1): points that are on their curve, uncompressed. */
const POINTS: ReadonlyMap<number, Uint8Array> = new Map(
  [
    '046B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C2964FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5',
    '04AA87CA22BE8B05378EB1C71EF320AD746E1D3B628BA79B9859F741E082542A385502F25DBF55296C3A545E3872760AB73617DE4A96262C6F5D9E98BF9292DC29F8F41DBD289A147CE9DA3113B5F0B8C00A60B1CE1D7E819D7A431D7C90EA0E5F',
  ].map((point) => [point.length / 2, parseHex(point)]),
);

/** Of a response; `{*}` stands for nothing there. */
export function fillPieces(pieces: Pieces): Uint8Array {
  return concat(...pieces.map(fillPiece));
}

function fillPiece(piece: Piece): Uint8Array {
  if (piece.kind === 'bytes') return piece.bytes;
  if (piece.kind === 'rest') return new Uint8Array();
  const { pseudonym = 0, offset, lengthBytes, form } = piece;
  const whole = formed(form, lengthBytes);
  if (whole && offset === 0) return whole;
  const letters = lettersOf(pseudonym, offset, lengthBytes);
  return form === 'high' ? letters.map((letter) => letter | HIGH_BIT) : letters;
}

function formed(form: 'bytes' | 'high' | 'point' | 'time', lengthBytes: number): Uint8Array | undefined {
  if (form === 'point') return POINTS.get(lengthBytes);
  const time = form === 'time' ? TIMES.get(lengthBytes) : undefined;
  return time === undefined ? undefined : Buffer.from(time, 'latin1');
}

/** Letters, since text must be text. */
function lettersOf(pseudonym: number, offset: number, lengthBytes: number): Uint8Array {
  const seed = createHash('sha256').update(String(pseudonym)).digest();
  return Uint8Array.from({ length: lengthBytes }, (_, index) => {
    const at = offset + index;
    return FIRST_LETTER + (((seed[at % seed.length] ?? 0) + Math.floor(at / seed.length)) % LETTERS);
  });
}

/** Whether this is the recorded command, whatever stands where something is hidden. */
export function matchesPieces(pieces: Pieces, command: Uint8Array): boolean {
  let offset = 0;
  for (const piece of pieces) {
    if (piece.kind === 'rest') return true;
    if (piece.kind === 'bytes') {
      if (!piece.bytes.every((byte, index) => command[offset + index] === byte)) return false;
      offset += piece.bytes.length;
    } else offset += piece.lengthBytes;
  }
  return offset === command.length;
}
