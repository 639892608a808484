/** What the command line says to a person, in the language of their session. */
import { languageOf } from '../prompt/agent/language.ts';

export interface Texts {
  readonly en: string;
  readonly sv: string;
}

export function said(texts: Texts): string {
  return texts[languageOf(process.env)];
}
