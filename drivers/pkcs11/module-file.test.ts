import { createHash } from 'node:crypto';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ModuleFileError, checkModuleFile } from './module-file.ts';

const CONTENT = 'a module';
const SHA256 = createHash('sha256').update(CONTENT).digest('hex');

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kortd-module-'));
  mkdirSync(join(folder, 'inner'), { mode: 0o755 });
  file = join(folder, 'inner', 'module.so');
  writeFileSync(file, CONTENT, { mode: 0o644 });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function problemOf(path = file, sha256 = SHA256, uid = process.getuid?.()): Promise<string> {
  return await checkModuleFile(path, sha256, uid).then(
    () => '',
    (error: unknown) => (error instanceof ModuleFileError ? error.message : Promise.reject(error as Error)),
  );
}

describe('the file of a module', () => {
  it('is the one that was named, also by a link', async () => {
    expect(await problemOf()).toBe('');
    symlinkSync(file, join(folder, 'link.so'));
    expect((await checkModuleFile(join(folder, 'link.so'), SHA256)).path).toBe(file);
  });

  it('is refused by a relative path, with another hash, when it is none or leads back', async () => {
    expect(await problemOf('module.so')).toContain('no absolute path');
    expect(await problemOf(file, '0'.repeat(64))).toContain(`another SHA-256: ${SHA256}`);
    expect(await problemOf(join(folder, 'none.so'))).toContain('ENOENT');
    expect(await problemOf(join(folder, 'inner'))).toContain('is no file');
    for (const name of ['p11-kit-proxy.so', 'p11-kit-client.so']) {
      symlinkSync(file, join(folder, name));
      expect(await problemOf(join(folder, name))).toContain('leads back');
    }
  });

  it.each([
    ['the file', 0o664, 'inner/module.so'],
    ['the file', 0o646, 'inner/module.so'],
    ['its folder', 0o777, 'inner'],
    ['a folder above', 0o777, '.'],
  ])('is refused when others can write %s (%o)', async (_, mode, path) => {
    chmodSync(join(folder, path), mode);
    expect(await problemOf()).toContain('others than its owner can write');
  });

  it('is refused when it belongs to a third user', async () => {
    if (process.getuid?.() === 0) chownSync(file, 4_001, 4_001);
    expect(await problemOf(file, SHA256, 4_000_000_001)).toContain('neither root nor the user of kortd');
  });
});
