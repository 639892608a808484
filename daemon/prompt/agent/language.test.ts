import { expect, it } from 'vitest';
import type { Environment } from '../pinentry/find-program.ts';
import { languageOf } from './language.ts';

it.each<[Environment, 'en' | 'sv']>([
  [{}, 'en'],
  [{ LANG: 'sv_SE.UTF-8' }, 'sv'],
  [{ LANG: 'sv' }, 'sv'],
  [{ LANG: 'en_GB.UTF-8', LC_MESSAGES: 'sv_FI.UTF-8' }, 'sv'],
  [{ LANG: 'sv_SE.UTF-8', LC_ALL: 'en_US.UTF-8' }, 'en'],
  [{ LANG: 'sv_SE.UTF-8', LC_ALL: '' }, 'sv'],
  [{ LANG: 'en_GB.UTF-8', LANGUAGE: 'sv:en' }, 'sv'],
  [{ LANG: 'sv_SE.UTF-8', LANGUAGE: 'fi:en:sv' }, 'en'],
  [{ LANG: 'sv_SE.UTF-8', LANGUAGE: 'fi' }, 'sv'],
  [{ LANG: 'C.UTF-8', LANGUAGE: 'sv' }, 'en'],
  [{ LANG: 'POSIX', LANGUAGE: 'sv' }, 'en'],
  [{ LANGUAGE: 'sv' }, 'en'],
  [{ LANG: 'de_DE.UTF-8' }, 'en'],
  [{ LANG: 'svx_SE.UTF-8' }, 'en'],
])('the language of %j is %s', (environment, language) => {
  expect(languageOf(environment)).toBe(language);
});
