/** The name that was probably meant: the one with the fewest letters to change (Levenshtein), if they are few. */
const MOST_CHANGES = 3;

export function nearestTo(name: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((candidate) => ({ candidate, changes: changesBetween(name.toLowerCase(), candidate.toLowerCase()) }))
    .sort((one, other) => one.changes - other.changes);
  const [best] = ranked;
  return best && best.changes <= Math.min(MOST_CHANGES, Math.floor(name.length / 2)) ? best.candidate : undefined;
}

function changesBetween(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [index, letter] of Array.from(one).entries()) {
    const next = [index + 1];
    for (const [column, another] of Array.from(other).entries()) {
      const [above = 0, aside = 0, diagonal = 0] = [row[column + 1], next[column], row[column]];
      next.push(Math.min(above + 1, aside + 1, diagonal + (letter === another ? 0 : 1)));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}
