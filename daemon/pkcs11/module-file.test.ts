import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { moduleFilePath, readModuleFile, removeModuleFile, serverAddress, writeModuleFile } from './module-file.ts';
import { SetupError } from './setup/errors.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kortd-module-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('the address', () => {
  it('is the socket of the data folder, with what it would be cut at escaped', () => {
    expect(serverAddress('/data/kortd')).toBe('unix:path=/data/kortd/pkcs11');
    expect(serverAddress('/data/a;b 100%')).toBe('unix:path=/data/a%3Bb%20100%25/pkcs11');
  });

  it('is none for a path that programs would cut off', () => {
    expect(serverAddress(`/${'d'.repeat(99)}`)).toHaveLength('unix:path='.length + 107);
    expect(() => serverAddress(`/${'d'.repeat(100)}`)).toThrow(SetupError);
  });
});

describe('the file', () => {
  it('is where p11-kit looks for it', () => {
    const machine = { config: '/people/anna/.config', etc: '/etc' };
    expect(moduleFilePath({ ...machine, isRoot: false })).toBe('/people/anna/.config/pkcs11/modules/kortd.module');
    expect(moduleFilePath({ ...machine, isRoot: true })).toBe('/etc/pkcs11/modules/kortd.module');
  });

  it('comes, is written over, and goes', () => {
    const path = join(folder, 'a', 'b', 'kortd.module');
    expect(readModuleFile(path)).toEqual({ state: 'absent' });
    expect(removeModuleFile(path)).toBe(false);
    writeModuleFile(path, 'unix:path=/old');
    writeModuleFile(path, 'unix:path=/new');
    expect(readModuleFile(path)).toEqual({ state: 'enabled', address: 'unix:path=/new' });
    expect(removeModuleFile(path)).toBe(true);
    expect(readModuleFile(path)).toEqual({ state: 'absent' });
  });

  it('of somebody else is left as it is', () => {
    const path = join(folder, 'kortd.module');
    writeFileSync(path, 'module: other.so\n');
    expect(readModuleFile(path)).toEqual({ state: 'foreign' });
    expect(() => writeModuleFile(path, 'unix:path=/x')).toThrow(SetupError);
    expect(() => removeModuleFile(path)).toThrow(SetupError);
    expect(readFileSync(path, 'utf8')).toBe('module: other.so\n');
  });
});
