/**
 * Words of a page, a program or a card, made fit to stand in a dialog: one line, no longer than it may be, and unable to pass for
 * words of ours. They are shown between quotation marks that they cannot hold themselves.
 */
import { escapeText } from './assuan.ts';

/** Characters of a value, and bytes of it as it is sent: three values and our own words fit into one line of the protocol. */
export const MAX_VALUE_LENGTH = 200;

/** `start`: cut the beginning off, so that the end of a long host name, which tells whose it is, can be seen. */
export interface SanitiseOptions {
  readonly cut?: 'start' | 'end';
  /** Characters, and bytes as it is sent. */
  readonly maxLength?: number;
}

export function sanitise(text: string, { cut = 'end', maxLength = MAX_VALUE_LENGTH }: SanitiseOptions = {}): string {
  const clean = text
    // Four times what can be shown is enough to choose from, and keeps a huge text from costing anything.
    .slice(cut === 'end' ? 0 : -4 * MAX_VALUE_LENGTH, cut === 'end' ? 4 * MAX_VALUE_LENGTH : undefined)
    .toWellFormed()
    .normalize('NFC')
    // Fillers and other characters without a shape count as space, as does the empty braille pattern.
    .replaceAll(/[\s\u2028\u2029\u2800\u115f\u1160\u3164\uffa0]+/gu, ' ')
    // Controls, format and bidi controls, private use, unassigned, ignorable.
    .replaceAll(/[\p{C}\p{Default_Ignorable_Code_Point}]/gu, '?')
    // Marks heaped upon each other grow into the lines above.
    .replaceAll(/(\p{M}{2})\p{M}+/gu, '$1')
    .replaceAll(/["\u201c-\u201f\u00ab\u00bb\u2033\u2036\u3003\uff02]/gu, "'")
    // A front end may take markup for markup.
    .replaceAll('<', '\u2039')
    .replaceAll('>', '\u203a')
    .trim();
  return shorten(Array.from(clean), cut, maxLength);
}

function shorten(characters: readonly string[], cut: 'start' | 'end', maxLength: number): string {
  if (fits(characters, maxLength)) return characters.join('');
  const kept = [...characters];
  while (kept.length > 0 && !fits(['…', ...kept], maxLength)) {
    if (cut === 'end') kept.pop();
    else kept.shift();
  }
  return cut === 'end' ? [...kept, '…'].join('') : ['…', ...kept].join('');
}

function fits(characters: readonly string[], maxLength: number): boolean {
  return characters.length <= maxLength && escapeText(characters.join('')).length <= maxLength;
}
