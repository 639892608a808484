/** The language of a person's session, as gettext finds it (GNU gettext manual, "Locale Environment Variables"). */
import type { Environment } from '../pinentry/find-program.ts';
import type { PromptLanguage } from '../pinentry/texts.ts';

/** English, unless the person's first choice among what there is is Swedish. */
export function languageOf(environment: Environment): PromptLanguage {
  const [locale] = ['LC_ALL', 'LC_MESSAGES', 'LANG'].flatMap((name) => environment[name] || []);
  if (locale === undefined || /^(C|POSIX)(\.|$)/.test(locale)) return 'en';
  // LANGUAGE is a list, and counts only where there is a locale.
  for (const choice of [...(environment['LANGUAGE'] ?? '').split(':'), locale]) {
    const language = /^[a-z]+/.exec(choice)?.[0];
    if (language === 'sv' || language === 'en') return language;
  }
  return 'en';
}
