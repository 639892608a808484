/** Swedish or English: which one, remembered in the browser, and everything that the page itself says. What kortd says comes in both languages from there. */
export type Language = 'en' | 'sv';

/** As kortd gives texts for people. */
export interface Text {
  readonly en: string;
  readonly sv: string;
}

const STORED_AS = 'card-office.language';
let current: Language = stored() ?? (navigator.language.startsWith('sv') ? 'sv' : 'en');

export function language(): Language {
  return current;
}

export function chooseLanguage(chosen: Language): void {
  current = chosen;
  localStorage.setItem(STORED_AS, chosen);
  document.documentElement.lang = chosen;
}

function stored(): Language | undefined {
  const text = localStorage.getItem(STORED_AS);
  return text === 'en' || text === 'sv' ? text : undefined;
}

/** In the language chosen, with `{name}` filled in. */
export function say(text: Text, values: Readonly<Record<string, string | number>> = {}): string {
  return text[current].replaceAll(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** "22 Nov 2026, 14:05". */
export function sayTime(iso: string): string {
  const locale = current === 'sv' ? 'sv-SE' : 'en-GB';
  return new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(iso));
}
