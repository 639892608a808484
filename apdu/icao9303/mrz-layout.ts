/**
 * Where things stand in the five forms of a machine-readable zone, as data (ICAO Doc 9303-4, -5, -6 and -7, section 4.2 each). Positions count from zero within
 * all lines put after each other; ends are not included.
 */

export type MrzFormat = 'MRV-A' | 'MRV-B' | 'TD1' | 'TD2' | 'TD3';
export type Span = readonly [begin: number, end: number];

export interface MrzLayout {
  readonly format: MrzFormat;
  readonly lineCount: number;
  readonly lineLength: number;
  readonly documentCode: Span;
  readonly issuer: Span;
  readonly name: Span;
  readonly documentNumber: Span;
  readonly nationality: Span;
  readonly birthDate: Span;
  readonly sex: Span;
  readonly expiryDate: Span;
  readonly optionalData: readonly Span[];
  /** Where the check digit of each stands; dates and numbers have theirs right behind them. */
  readonly optionalDataCheck?: number;
  readonly compositeCheck?: number;
  /** What the composite check digit covers, in its order. */
  readonly composite: readonly Span[];
  /** A document number too long for its place goes on in the optional data, where the filler stands for its check digit (9303-5 and -6, note j). */
  readonly carriesLongNumber: boolean;
}

const TD3_LINE = 44;
const TD2_LINE = 36;
const TD1_LINE = 30;

/** The second line of all forms with two. */
function secondLine(line: number): Pick<MrzLayout, 'documentNumber' | 'nationality' | 'birthDate' | 'sex' | 'expiryDate'> {
  return {
    documentNumber: [line, line + 9],
    nationality: [line + 10, line + 13],
    birthDate: [line + 13, line + 19],
    sex: [line + 20, line + 21],
    expiryDate: [line + 21, line + 27],
  };
}

function twoLines(lineLength: number): Omit<MrzLayout, 'carriesLongNumber' | 'composite' | 'format' | 'optionalData'> {
  return {
    lineCount: 2,
    lineLength,
    documentCode: [0, 2],
    issuer: [2, 5],
    name: [5, lineLength],
    ...secondLine(lineLength),
  };
}

/** 9303-4, section 4.2.2. */
const TD3: MrzLayout = {
  format: 'TD3',
  ...twoLines(TD3_LINE),
  optionalData: [[TD3_LINE + 28, TD3_LINE + 42]],
  optionalDataCheck: TD3_LINE + 42,
  compositeCheck: TD3_LINE + 43,
  composite: [
    [TD3_LINE, TD3_LINE + 10],
    [TD3_LINE + 13, TD3_LINE + 20],
    [TD3_LINE + 21, TD3_LINE + 43],
  ],
  carriesLongNumber: false,
};

/** 9303-6, section 4.2.2. */
const TD2: MrzLayout = {
  format: 'TD2',
  ...twoLines(TD2_LINE),
  optionalData: [[TD2_LINE + 28, TD2_LINE + 35]],
  compositeCheck: TD2_LINE + 35,
  composite: [
    [TD2_LINE, TD2_LINE + 10],
    [TD2_LINE + 13, TD2_LINE + 20],
    [TD2_LINE + 21, TD2_LINE + 35],
  ],
  carriesLongNumber: true,
};

/** 9303-5, section 4.2.2. */
const TD1: MrzLayout = {
  format: 'TD1',
  lineCount: 3,
  lineLength: TD1_LINE,
  documentCode: [0, 2],
  issuer: [2, 5],
  documentNumber: [5, 14],
  birthDate: [TD1_LINE, TD1_LINE + 6],
  sex: [TD1_LINE + 7, TD1_LINE + 8],
  expiryDate: [TD1_LINE + 8, TD1_LINE + 14],
  nationality: [TD1_LINE + 15, TD1_LINE + 18],
  name: [2 * TD1_LINE, 3 * TD1_LINE],
  optionalData: [
    [15, 30],
    [TD1_LINE + 18, TD1_LINE + 29],
  ],
  compositeCheck: TD1_LINE + 29,
  composite: [
    [5, 30],
    [TD1_LINE, TD1_LINE + 7],
    [TD1_LINE + 8, TD1_LINE + 15],
    [TD1_LINE + 18, TD1_LINE + 29],
  ],
  carriesLongNumber: true,
};

/** 9303-7, section 4.2: visas have no composite check digit, and none of their optional data. */
const MRV_A: MrzLayout = {
  format: 'MRV-A',
  ...twoLines(TD3_LINE),
  optionalData: [[TD3_LINE + 28, 2 * TD3_LINE]],
  composite: [],
  carriesLongNumber: false,
};

const MRV_B: MrzLayout = {
  format: 'MRV-B',
  ...twoLines(TD2_LINE),
  optionalData: [[TD2_LINE + 28, 2 * TD2_LINE]],
  composite: [],
  carriesLongNumber: false,
};

/** Visas begin with V, in the length of the document that they are put into. Undefined when no form is as long. */
export function layoutOf(length: number, isVisa: boolean): MrzLayout | undefined {
  if (length === 3 * TD1_LINE) return TD1;
  if (length === 2 * TD3_LINE) return isVisa ? MRV_A : TD3;
  if (length === 2 * TD2_LINE) return isVisa ? MRV_B : TD2;
  return undefined;
}
