/**
 * Words of a page, a program or a card, made fit to be shown: one line, no longer than it may be, without characters that reorder, hide or heap
 * up. The same rules as for the dialog of pinentry (daemon/prompt/pinentry/sanitise.ts), and a test holds the two together.
 */

/** As many as a person reads. */
export const MAX_LENGTH = 200;

/**
 * `start`: cut the beginning off, so that the end of a long host name, which tells whose it is, can be seen.
 * @param {string} text
 * @param {{ cut?: 'start' | 'end', max?: number }} [options]
 */
export function sanitise(text, { cut = 'end', max = MAX_LENGTH } = {}) {
  const clean = text
    // Four times what can be shown is enough to choose from, and keeps a huge text from costing anything.
    .slice(cut === 'end' ? 0 : -4 * max, cut === 'end' ? 4 * max : undefined)
    .toWellFormed()
    .normalize('NFC')
    // Fillers and other characters without a shape count as space, as does the empty braille pattern.
    .replaceAll(/[\s\u2028\u2029\u2800\u115f\u1160\u3164\uffa0]+/gu, ' ')
    // Controls, format and bidi controls, private use, unassigned, ignorable.
    .replaceAll(/[\p{C}\p{Default_Ignorable_Code_Point}]/gu, '?')
    // Marks heaped upon each other grow into the lines above.
    .replaceAll(/(\p{M}{2})\p{M}+/gu, '$1')
    // The page puts them between quotation marks.
    .replaceAll(/["\u201c-\u201f\u00ab\u00bb\u2033\u2036\u3003\uff02]/gu, "'")
    .trim();
  const characters = Array.from(clean);
  if (characters.length <= max) return clean;
  return cut === 'end' ? `${characters.slice(0, max - 1).join('')}…` : `…${characters.slice(1 - max).join('')}`;
}
