/**
 * Readers that are none: no card of a person ever goes into them, and some of them answer late or hold up the service. They never reach the desk.
 * The administrator's policy adds patterns (`ignoredReaders`), and takes one back with `!` before it.
 */

export interface IgnoredReader {
  /** `*` stands for any text; the case does not matter. */
  readonly pattern: string;
  readonly reason: string;
  /** Where it was seen. None of them has been seen here: kortd has not run on Windows. */
  readonly source: string;
}

/** Sorted by pattern. Real devices without readers of their own (YubiHSM, FIDO keys) do not appear in PC/SC, and so not here. */
export const IGNORED_READERS: readonly IgnoredReader[] = [
  {
    pattern: 'Microsoft Virtual Smart Card*',
    reason: "a card in the TPM of the workstation (tpmvscmgr): the computer's, of no person at the desk",
    source: 'tpmvscmgr (Windows): the reader that it makes, "Microsoft Virtual Smart Card 0", as certutil -scinfo lists it',
  },
  {
    pattern: 'Windows Hello for Business*',
    reason: "shows the signed-in user's Windows Hello key as a card; it comes and goes when real cards do",
    source: 'Fedict/eid-mw issue 57 (it blocks the middleware); listed by opensc-tool as "Windows Hello for Business 1"',
  },
];

/** `patterns`: those of the policy. */
export function isIgnoredReader(name: string, patterns: readonly string[]): boolean {
  const matches = (pattern: string): boolean => matchesPattern(name, pattern);
  if (patterns.some((pattern) => pattern.startsWith('!') && matches(pattern.slice(1)))) return false;
  return IGNORED_READERS.some(({ pattern }) => matches(pattern)) || patterns.some(matches);
}

/** The whole name, piece after piece: no pattern can make this slow. */
function matchesPattern(name: string, pattern: string): boolean {
  const text = name.toLowerCase();
  const [first = '', ...pieces] = pattern.toLowerCase().split('*');
  const last = pieces.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first)) return false;
  let position = first.length;
  for (const piece of pieces) {
    const at = text.indexOf(piece, position);
    if (at < 0) return false;
    position = at + piece.length;
  }
  return text.length - last.length >= position && text.endsWith(last);
}
