/** The checksums are what coreutils checks. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { writeChecksums } from './checksums.ts';

it('of the packages are those that sha256sum finds, and a changed package is found', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kortd-sums-'));
  for (const name of ['b.deb', 'a.msi']) writeFileSync(join(folder, name), name);
  writeChecksums(folder);
  const file = writeChecksums(folder);
  const check = ['--check', '--strict', file];
  expect(
    execFileSync('sha256sum', check, { cwd: folder, encoding: 'utf8', env: { LC_ALL: 'C', PATH: process.env['PATH'] } }),
  ).toBe('a.msi: OK\nb.deb: OK\n');
  writeFileSync(join(folder, 'a.msi'), 'x');
  expect(spawnSync('sha256sum', check, { cwd: folder }).status).toBe(1);
  rmSync(folder, { recursive: true });
});
