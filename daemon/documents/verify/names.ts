/**
 * Whether two ways of writing a person's name can be the same name: as people write it, and as a machine-readable zone must, in A to Z, with letters spelled out and
 * the end cut off (ICAO Doc 9303-3, section 6; truncation: Doc 9303-4, section 4.2.3). Who is meant is not said by this: only that the writing does not tell them apart.
 */

export interface WrittenName {
  readonly surname: string;
  readonly givenNames: string;
  /** It stands in a machine-readable zone, and fills its place to the end. */
  readonly mayBeTruncated?: boolean;
}

/** `accents`: they differ in nothing but marks on letters. `inPart`: one has more words than the other, which are not contradicted. */
export type NameAgreement = 'accents' | 'agree' | 'differ' | 'inPart' | 'truncated';

/**
 * Letters that are spelled out (Doc 9303-3, section 6.A, table), the recommended way first, then the others that it allows or that states use. A letter with a mark
 * that is not here loses the mark.
 */
const SPELLINGS: Readonly<Record<string, readonly string[]>> = {
  Ä: ['AE', 'A'],
  Å: ['AA'],
  Æ: ['AE'],
  Ð: ['D'],
  Đ: ['D'],
  Ħ: ['H'],
  Ĳ: ['IJ'],
  ĸ: ['Q', 'K'],
  Ł: ['L'],
  Ñ: ['N', 'NXX'],
  Ŋ: ['N'],
  Ö: ['OE', 'O'],
  Ø: ['OE'],
  Œ: ['OE'],
  ß: ['SS'],
  ẞ: ['SS'],
  Þ: ['TH'],
  Ŧ: ['T'],
  Ü: ['UE', 'UXX', 'U'],
  ı: ['I'],
};
/** Longer than any name: what is longer is not compared. */
export const MAX_NAME = 200;

export function compareNames(one: string, other: string): Exclude<NameAgreement, 'truncated'> {
  const [a, b] = [wordsOf(one), wordsOf(other)];
  if (agree(a.join(' '), b.join(' '))) return 'agree';
  if (bare(a.join(' ')) === bare(b.join(' '))) return 'accents';
  const [few, many] = a.length <= b.length ? [a, b] : [b, a];
  return few.every((word) => many.some((candidate) => agree(word, candidate))) ? 'inPart' : 'differ';
}

/** Both parts at once: a name without given names has all of it in the first (Doc 9303-3, section 4.6), and only all of it tells where it was cut off. */
export function compareWholeNames(one: WrittenName, other: WrittenName): NameAgreement {
  if (agree(whole(one), whole(other))) return 'agree';
  if (one.mayBeTruncated === true && isTruncationOf(one, other)) return 'truncated';
  if (other.mayBeTruncated === true && isTruncationOf(other, one)) return 'truncated';
  const parts = [compareNames(one.surname, other.surname), compareNames(one.givenNames, other.givenNames)];
  if (parts.includes('differ')) return 'differ';
  return parts.find((part) => part !== 'agree') ?? 'agree';
}

/**
 * Word by word, as far as the shorter one goes: each begins the word that it stands for, which may be down to its initial, and none is put in (Doc 9303-4,
 * section 4.2.3). The given names may be cut off altogether, the surname not.
 */
function isTruncationOf(short: WrittenName, long: WrittenName): boolean {
  const surname = wordsOf(short.surname);
  return (
    surname.length > 0 &&
    startsParts(surname, wordsOf(long.surname)) &&
    startsParts(wordsOf(short.givenNames), wordsOf(long.givenNames))
  );
}

function startsParts(short: readonly string[], long: readonly string[]): boolean {
  return short.length <= long.length && short.every((word, index) => reaches(word, long[index] ?? '', { mayEnd: true }));
}

function whole({ surname, givenNames }: WrittenName): string {
  return wordsOf(`${surname} ${givenNames}`).join(' ');
}

/** Hyphens, commas, fillers and full stops part words; apostrophes are left out (Doc 9303-3, section 4.6). */
function wordsOf(name: string): readonly string[] {
  return name
    .slice(0, MAX_NAME)
    .normalize('NFC')
    .toUpperCase()
    .replaceAll(/['’‘`´ʼ]/gu, '')
    .split(/[\s\-‐‑–<,.]+/u)
    .filter((word) => word !== '');
}

function agree(one: string, other: string): boolean {
  return one === other || reaches(plain(one), other) || reaches(plain(other), one);
}

/** Each letter as it is recommended. */
function plain(text: string): string {
  return Array.from(text, (letter) => spellingsOf(letter)[0] ?? letter).join('');
}

/** Without the marks on letters. */
function bare(text: string): string {
  return text.normalize('NFD').replaceAll(/\p{M}/gu, '');
}

function spellingsOf(letter: string): readonly string[] {
  return SPELLINGS[letter] ?? [bare(letter)];
}

/** Whether some spelling of `written` is `zone`, or begins with it when it may end there. Each letter is looked at once for each place that it can stand at. */
function reaches(zone: string, written: string, { mayEnd = false }: { readonly mayEnd?: boolean } = {}): boolean {
  let places = new Set([0]);
  for (const letter of written) {
    const next = new Set<number>();
    for (const place of places)
      for (const spelling of [letter, ...spellingsOf(letter)]) {
        if (zone.startsWith(spelling, place)) next.add(place + spelling.length);
        else if (mayEnd && spelling.startsWith(zone.slice(place))) return true;
      }
    if (mayEnd && places.has(zone.length)) return true;
    places = next;
  }
  return places.has(zone.length);
}
