import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { PRODUCT, VERSION } from './version.ts';

it('the daemon calls itself what its package is called', () => {
  const { name, version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as Record<
    string,
    string
  >;
  expect([PRODUCT, VERSION]).toEqual([name, version]);
});
