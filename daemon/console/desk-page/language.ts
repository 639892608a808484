/** Which language the page speaks: the browser's, until the person chose another for this computer. */
import { Value, useReadable } from './readable.ts';

export type Language = 'en' | 'sv';
/** The same words in both. */
export type In<T> = Readonly<Record<Language, T>>;

const STORED_LANGUAGE = 'kortd.language';
const current = new Value<Language>('en');

export function beginLanguage(): void {
  const stored = localStorage.getItem(STORED_LANGUAGE);
  const wanted = [...(stored === null ? [] : [stored]), ...navigator.languages].map((tag) => tag.toLowerCase().split('-')[0]);
  show(wanted.find((tag) => tag === 'sv' || tag === 'en') === 'sv' ? 'sv' : 'en');
}

export function chooseLanguage(language: Language): void {
  localStorage.setItem(STORED_LANGUAGE, language);
  show(language);
}

function show(language: Language): void {
  document.documentElement.lang = language;
  current.set(language);
}

export const useLanguage = (): Language => useReadable(current);

/** The texts of a view in the language of the moment. */
export function useTexts<T>(texts: In<T>): T {
  return texts[useLanguage()];
}
