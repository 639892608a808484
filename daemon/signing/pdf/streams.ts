/** Decodes the streams that hold a PDF's own structure: cross-references and compressed objects (ISO 32000-2, clause 7.4). */
import { inflateSync } from 'node:zlib';
import { excessivePdf, invalidPdf } from './errors.ts';
import { PdfDictionary, isArray, isInteger, nameOf, type PdfStream, type PdfValue } from './values.ts';

/** What all streams of one document may come to, decoded. */
export const MAX_DECODED_BYTES = 134_217_728;
/** Predictors of PNG (7.4.4.4, table 10). */
const PREDICTOR_PNG = 10;

/** Counts what one document has had decoded. */
export class DecodingBudget {
  #left = MAX_DECODED_BYTES;

  decode({ dictionary, data }: PdfStream): Uint8Array {
    const filters = listOf(dictionary.get('Filter'));
    if (filters.length === 0) return data;
    if (filters.length > 1 || nameOf(filters[0] ?? null) !== 'FlateDecode')
      throw invalidPdf('its structure is compressed in a way that is not known');
    const decoded = this.#inflate(data);
    const parameters = listOf(dictionary.get('DecodeParms'))[0] ?? null;
    return parameters instanceof PdfDictionary ? unpredict(decoded, parameters) : decoded;
  }

  #inflate(data: Uint8Array): Uint8Array {
    try {
      const decoded = inflateSync(data, { maxOutputLength: Math.max(1, this.#left) });
      this.#left -= decoded.length;
      return decoded;
    } catch (error) {
      if (error instanceof RangeError) throw excessivePdf(`it unpacks to more than ${MAX_DECODED_BYTES} bytes`, { cause: error });
      throw invalidPdf('a compressed stream is damaged', { cause: error });
    }
  }
}

/** One thing, or an array of such. */
function listOf(value: PdfValue): readonly PdfValue[] {
  if (value === null) return [];
  return isArray(value) ? value : [value];
}

function unpredict(data: Uint8Array, parameters: PdfDictionary): Uint8Array {
  const number = (key: string, fallback: number): number => {
    const value = parameters.get(key) ?? fallback;
    if (!isInteger(value) || value < 1 || value > 65_536) throw invalidPdf(`a stream has an impossible ${key}`);
    return value;
  };
  const predictor = number('Predictor', 1);
  if (predictor === 1) return data;
  if (predictor < PREDICTOR_PNG) throw invalidPdf('its structure is compressed in a way that is not known');
  const bytesPerPixel = Math.ceil((number('Colors', 1) * number('BitsPerComponent', 8)) / 8);
  const rowLength = Math.ceil((number('Colors', 1) * number('BitsPerComponent', 8) * number('Columns', 1)) / 8);
  return unfilterRows(data, rowLength, bytesPerPixel);
}

/** Filters of PNG (ISO/IEC 15948, clause 9): each row is preceded by the number of its filter. */
function unfilterRows(data: Uint8Array, rowLength: number, bytesPerPixel: number): Uint8Array {
  const rows = Math.floor(data.length / (rowLength + 1));
  const out = new Uint8Array(rows * rowLength);
  for (let row = 0; row < rows; row++) {
    const from = row * (rowLength + 1);
    const to = row * rowLength;
    const filter = data[from];
    if (filter === undefined || filter > 4) throw invalidPdf('a compressed stream is damaged');
    for (let column = 0; column < rowLength; column++) {
      const left = column < bytesPerPixel ? 0 : (out[to + column - bytesPerPixel] ?? 0);
      const up = row === 0 ? 0 : (out[to + column - rowLength] ?? 0);
      const upLeft = row === 0 || column < bytesPerPixel ? 0 : (out[to + column - rowLength - bytesPerPixel] ?? 0);
      const predicted = [0, left, up, (left + up) >> 1, filter === 4 ? paeth(left, up, upLeft) : 0][filter] ?? 0;
      out[to + column] = ((data[from + 1 + column] ?? 0) + predicted) & 0xff;
    }
  }
  return out;
}

function paeth(left: number, up: number, upLeft: number): number {
  const guess = left + up - upLeft;
  const [toLeft, toUp, toUpLeft] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - upLeft)];
  if (toLeft <= toUp && toLeft <= toUpLeft) return left;
  return toUp <= toUpLeft ? up : upLeft;
}
