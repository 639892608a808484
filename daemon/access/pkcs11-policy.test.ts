import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readPolicy } from './policy.ts';

function mayWrite(...files: readonly string[]): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'kortd-pkcs11-policy-'));
  for (const [index, content] of files.entries()) {
    const file = join(folder, `${index}.json`);
    writeFileSync(file, content);
    chmodSync(file, 0o600);
  }
  return readPolicy(folder).programsMayWrite;
}

test.each([
  [[], true],
  [['{}'], true],
  [['{"pkcs11":{}}'], true],
  [['{"pkcs11":{"writes":"allowed"}}'], true],
  [['{"pkcs11":{"writes":"denied"}}'], false],
  [['{"pkcs11":{"writes":"denied"}}', '{"pkcs11":{"writes":"allowed"}}'], false],
])('files %j let programs change cards: %s', (files, expected) => {
  expect(mayWrite(...files)).toBe(expected);
});

test.each([
  ['{"pkcs11":{"writes":"no"}}', false],
  ['{"pkcs11":{"writes":"allowed"}}, ', false],
  ['[]', false],
  ['{"unknown":1}', true],
])('a file that is refused is taken to deny it unless it can be read and says nothing of it: %s', (file, expected) => {
  expect(mayWrite(file)).toBe(expected);
});
