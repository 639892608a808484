/**
 * What a camera misread in a machine-readable zone, put right where check digits prove it: letters that look like digits and the other way round. A repair is only
 * made when it is the only one with which every check digit agrees, and it is shown; names, which no check digit covers, are left as they were read.
 */
import { layoutOf, type MrzLayout, type Span } from './mrz-layout.ts';
import { parseMrz, type Mrz } from './mrz.ts';

export interface MrzRepair {
  /** From zero, within all lines put after each other. */
  readonly position: number;
  readonly from: string;
  readonly to: string;
}

export interface RepairedMrz {
  readonly mrz: Mrz;
  /** Empty when nothing was to be repaired, or nothing is proven. */
  readonly repairs: readonly MrzRepair[];
}

/** Shapes of OCR-B that are taken for one another, the digit first (ICAO Doc 9303-3, section 4.3, has the characters; the groups are what readers are known to confuse). */
const LOOKALIKES = ['0OQD', '1IL', '2Z', '5S', '6G', '8B'] as const;
const TO_DIGIT: ReadonlyMap<string, string> = new Map(
  LOOKALIKES.flatMap(([digit = '', ...letters]) => letters.map((letter) => [letter, digit] as const)),
);
/** Misread characters of a document number: more of them, and one check digit proves nothing. */
const MAX_REPAIRS = 2;

/** Throws MrzError for text that is no machine-readable zone. */
export function repairMrz(text: string): RepairedMrz {
  const read = parseMrz(text);
  const zone = read.lines.join('');
  const layout = layoutOf(zone.length, zone.startsWith('V'));
  const proven = read.isConsistent || !layout ? undefined : provenOf(withDigits(zone, layout), layout);
  return proven === undefined ? { mrz: read, repairs: [] } : { mrz: parseMrz(proven), repairs: differences(zone, proven) };
}

/** Where only a digit can stand, what looks like one is one. */
function withDigits(zone: string, layout: MrzLayout): string {
  return Array.from(zone)
    .map((read, index) => (isDigitPlace(layout, index) ? (TO_DIGIT.get(read) ?? read) : read))
    .join('');
}

/** With as few other characters as there can be: of those, one alone must agree. */
function provenOf(zone: string, layout: MrzLayout): string | undefined {
  const uncertain = uncertainOf(zone, layout);
  for (let count = 0; count <= Math.min(uncertain.length, MAX_REPAIRS); count++) {
    const agreeing = [...choicesOf(zone, uncertain, count)].filter((candidate) => parseMrz(candidate).isConsistent);
    if (agreeing.length > 0) return agreeing.length === 1 ? agreeing[0] : undefined;
  }
  return undefined;
}

/** Dates and check digits. */
function isDigitPlace(layout: MrzLayout, index: number): boolean {
  const within = ([begin, end]: Span): boolean => index >= begin && index < end;
  const [, numberEnd] = layout.documentNumber;
  const withCheck = ([begin, end]: Span): Span => [begin, end + 1];
  return (
    within(withCheck(layout.birthDate)) ||
    within(withCheck(layout.expiryDate)) ||
    index === numberEnd ||
    index === layout.optionalDataCheck ||
    index === layout.compositeCheck
  );
}

interface Uncertain {
  readonly at: number;
  readonly others: string;
}

function uncertainOf(zone: string, { documentNumber: [begin, end] }: MrzLayout): readonly Uncertain[] {
  return Array.from(zone.slice(begin, end)).flatMap((read, index) => {
    const others = LOOKALIKES.find((group) => group.includes(read))?.replace(read, '') ?? '';
    return others === '' ? [] : [{ at: begin + index, others }];
  });
}

/** With `count` of the uncertain characters taken for the other one. */
function* choicesOf(zone: string, uncertain: readonly Uncertain[], count: number): Generator<string> {
  if (count === 0) {
    yield zone;
    return;
  }
  for (const [index, { at, others }] of uncertain.entries())
    for (const other of others)
      yield* choicesOf(zone.slice(0, at) + other + zone.slice(at + 1), uncertain.slice(index + 1), count - 1);
}

function differences(from: string, to: string): readonly MrzRepair[] {
  return Array.from(from).flatMap((character, position) => {
    const other = to.charAt(position);
    return character === other ? [] : [{ position, from: character, to: other }];
  });
}
