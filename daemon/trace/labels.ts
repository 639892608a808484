/** What names a reader and a card in a trace, without what is of one piece alone. */
import { AtrError, parseAtr } from '../../apdu/iso7816/atr.ts';
import { hidden, kept, type Mask } from './run.ts';

const MAX_NAME = 200;
/** Compact-TLV objects of the historical bytes (ISO/IEC 7816-4:2020, sections 12.1.1.6 and 12.1.1.7): issuer's and pre-issuing data. */
const ISSUER_DATA = 5;
const PRE_ISSUING_DATA = 6;
/** Category indicators before compact-TLV; after 00 three bytes of status follow (section 12.1.1.2). */
const WITH_STATUS = 0x00;
const WITHOUT_STATUS = 0x80;
const STATUS_BYTES = 3;

/** Many readers have their serial number in their name, in parentheses or as a long number. */
export function describeReaderName(name: string): string {
  return name
    .replaceAll(/["\p{Cc}]/gu, ' ')
    .replaceAll(/\([^)]*\)/g, '(…)')
    .replaceAll(/[0-9A-Fa-f]*\d[0-9A-Fa-f]*/g, (digits) => (digits.length > 4 ? '…' : digits))
    .slice(0, MAX_NAME);
}

/** An ATR is that of its model, but for what the issuer wrote into it. */
export function maskAtr(atr: Uint8Array): Mask {
  const historical = historicalOf(atr);
  const [category] = historical;
  if (category !== WITH_STATUS && category !== WITHOUT_STATUS) return kept(atr.length);
  const end = category === WITH_STATUS ? historical.length - STATUS_BYTES : historical.length;
  const start = historical.byteOffset - atr.byteOffset;
  for (let offset = 1; offset < end;) {
    const head = historical[offset] ?? 0;
    const value = historical.subarray(offset + 1, offset + 1 + (head & 0x0f));
    if (isOfOneCard(head >> 4, value)) {
      const before = start + offset + 1;
      return [...kept(before), ...hidden(value.length), ...maskRest(atr, before + value.length)];
    }
    offset += 1 + (head & 0x0f);
  }
  return kept(atr.length);
}

function maskRest(atr: Uint8Array, from: number): Mask {
  return kept(atr.length - from);
}

/** The name of a product is letters; a number is what one card has. */
function isOfOneCard(tag: number, value: Uint8Array): boolean {
  if (tag === PRE_ISSUING_DATA) return value.length > 0;
  return tag === ISSUER_DATA && !/^[A-Za-z .-]*$/.test(Buffer.from(value).toString('latin1'));
}

function historicalOf(atr: Uint8Array): Uint8Array {
  try {
    return parseAtr(atr).historicalBytes;
  } catch (error) {
    if (error instanceof AtrError) return new Uint8Array();
    throw error;
  }
}

/** "T=1": what the card offers first; undefined for an ATR that does not parse. */
export function protocolOf(atr: Uint8Array): string | undefined {
  try {
    const [first] = parseAtr(atr).protocols;
    return first === 0 || first === 1 ? `T=${first}` : undefined;
  } catch (error) {
    if (error instanceof AtrError) return undefined;
    throw error;
  }
}
