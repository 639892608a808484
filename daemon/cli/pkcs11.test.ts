import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const MAIN = join(import.meta.dirname, '..', 'main.ts');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kortd-cli-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function status(...flags: readonly string[]): {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
} {
  const parameters = [MAIN, 'pkcs11', 'status', '--data-dir', join(folder, 'data'), ...flags];
  const env = { PATH: process.env['PATH'], HOME: folder };
  return spawnSync(process.execPath, parameters, { encoding: 'utf8', env });
}

describe('kortd pkcs11 status', () => {
  it('tells of every program, of one whose files cannot be read too, and fails then', () => {
    const profiles = join(folder, '.mozilla', 'firefox');
    mkdirSync(join(profiles, 'odd', 'pkcs11.txt'), { recursive: true });
    writeFileSync(join(profiles, 'profiles.ini'), '[Profile0]\nName=odd\nIsRelative=1\nPath=odd\n');
    const told = status();
    expect(told.stdout).toMatch(/^address: .*\np11-kit: .*\nFirefox: not known\nChromium.*: .*\nOpenSSH: /);
    expect(told.stderr).toMatch(/odd\/pkcs11\.txt: something else is where the file .* belongs/);
    expect(told.status).toBe(1);
    const asJson = status('--json');
    expect(JSON.parse(asJson.stdout)).toMatchObject({
      programs: { p11Kit: {}, firefox: { places: [], problem: 'in_the_way' }, ssh: {} },
    });
    expect(asJson.status).toBe(1);
    rmSync(join(profiles, 'odd', 'pkcs11.txt'), { recursive: true });
    expect(status().status).toBe(0);
  });
});
