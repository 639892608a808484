/**
 * What may leave the computer in a support bundle, by what it is made of: words that are kortd's own (vocabulary.ts), short numbers, times and versions. All else
 * becomes a pseudonym, the same for the same text throughout a bundle, and never the same in two: numbers are given in the order in which texts are met.
 *
 * Digits: a PIN has four or more, a card number and a personal number have more still, also when they are written in groups.
 */
import { partsOf, vocabulary } from './vocabulary.ts';

export interface Redaction {
  text(text: string): string;
  /** Of JSON: its shape stays, but for what names of members give away. */
  value(value: unknown): unknown;
}

/** Members whose numbers say how the machine is, and none of which a person has. */
const MEASURES =
  /^(port|httpPort|httpsPort|consolePort|tlsPort|count|last|limit|sequence|recoveries|uptime|version|lowest|highest|level|records|checkpoints)$|(Ms|Bytes|Days|Seconds|Mm|Px|Hz|PerDay|Count)$/;
/** What a log means by its time, in milliseconds since 1970: this century. */
const EARLIEST_MS = Date.UTC(2020);
const LATEST_MS = Date.UTC(2100);
const MAX_DEPTH = 24;
const MAX_TEXT = 20_000;

/** In the order in which they are looked for. */
const KEPT = [
  // ISO 8601, UTC.
  String.raw`\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?Z`,
  String.raw`(?<=\bport )\d{1,5}\b`,
  String.raw`(?<=\bmode )0?[0-7]{3,4}\b`,
  // How pcscd ends the name of a reader: which driver, which slot.
  String.raw`\b0\d 0\d$`,
  // What the kernel calls its addresses of itself.
  String.raw`\b127\.0\.0\.1\b`,
] as const;
/** Then: digits in groups; words, digits and what is made of both. */
const TOKENS = new RegExp(`(${KEPT.join('|')})|(\\d+(?:[ \\-/]\\d+)+)|([\\p{L}\\p{N}\\p{M}]+)`, 'gu');

export function createRedaction(): Redaction {
  const numbers = new Map<string, string>();
  const given = new Map<string, number>();
  const pseudonym = (kind: 'name' | 'number' | 'text', text: string): string => {
    const key = text.toLowerCase();
    const known = numbers.get(key);
    if (known !== undefined) return known;
    const next = (given.get(kind) ?? 0) + 1;
    given.set(kind, next);
    const name = `${kind}-${next}`;
    numbers.set(key, name);
    return name;
  };

  const token = (word: string): string => {
    if (isDigits(word)) return word.length <= 3 ? word : pseudonym('number', word);
    if (isKnown(word)) return word;
    return pseudonym(/^[\p{L}\p{M}]+$/u.test(word) ? 'name' : 'text', word);
  };
  const text = (whole: string): string =>
    whole
      .slice(0, MAX_TEXT)
      .replaceAll(TOKENS, (_, kept: string | undefined, groups: string | undefined, word: string | undefined) => {
        if (kept !== undefined) return kept;
        if (groups !== undefined) return digitsIn(groups) < 4 ? groups : pseudonym('number', groups);
        return token(word ?? '');
      });
  const member = (name: string, value: unknown, depth: number): unknown => {
    if (typeof value === 'number' && MEASURES.test(name)) return value;
    if (typeof value === 'number' && name === 'time' && value > EARLIEST_MS && value < LATEST_MS)
      return new Date(value).toISOString();
    // Of a vendor's file: which release it is.
    return name === 'sha256' && typeof value === 'string' && /^[0-9a-fA-F]{64}$/.test(value) ? value : at(value, depth);
  };
  const at = (value: unknown, depth: number): unknown => {
    if (depth > MAX_DEPTH) return '…';
    if (typeof value === 'string') return text(value);
    if (typeof value === 'number')
      return Math.abs(value) < 1_000 && Number.isInteger(value) ? value : pseudonym('number', String(value));
    if (Array.isArray(value)) return value.map((entry) => at(entry, depth + 1));
    if (typeof value !== 'object' || value === null) return typeof value === 'boolean' ? value : null;
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [text(name), member(name, inner, depth + 1)]));
  };
  return { text, value: (value) => at(value, 0) };
}

function isDigits(word: string): boolean {
  return /^\p{N}+$/u.test(word);
}

function digitsIn(text: string): number {
  return text.replaceAll(/\D/g, '').length;
}

/** As a word, a name of several (systemHealth), or one with a short number (hidraw0). */
function isKnown(word: string): boolean {
  const [, letters = word] = /^(\p{L}{2,})\p{N}{1,3}$/u.exec(word) ?? [];
  const known = vocabulary();
  if (known.has(letters)) return true;
  const parts = partsOf(letters);
  return parts.length > 0 && parts.every((part) => part.length > 1 && (known.has(part) || known.has(part.toLowerCase())));
}
