/** The .msi as Windows Installer reads it, made by the real wixl and read by msiinfo: what is in its tables, and that two builds are one. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { packMsi, readTable } from './build-msi.ts';
import { serviceSid } from './service.ts';
import { parseTextArchive, textArchive } from './tables.ts';
import { PROGRAM_COMPONENT, UPGRADE_CODE, productCode } from './wix-source.ts';

const EPOCH_SECONDS = 1_767_225_600;
const FILES = {
  'bin/node.exe': 'MZ',
  'dist/main.js': 'main',
  'dist/chunk-with-a-long-name.js': 'chunk',
  'THIRD-PARTY.txt': 'licences',
};

const root = mkdtempSync(join(tmpdir(), 'kortd-msi-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});

/** Of files that were written in another order and at another time, when told so. */
function build(
  name: string,
  options: { readonly version?: string; readonly files?: Readonly<Record<string, string>> } = {},
): string {
  const { version = '1.2.3', files = FILES } = options;
  const folder = join(root, name, 'payload');
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
    utimesSync(join(folder, path), name.length * 1_000, 1);
  }
  const file = join(root, `${name}.msi`);
  packMsi(file, { folder, version, epochSeconds: EPOCH_SECONDS, workFolder: join(root, name) });
  return file;
}

/** A column of a table by the table's first column. */
function column(file: string, table: string, name: string): Readonly<Record<string, string>> {
  const { columns, rows } = readTable(file, table);
  const index = columns.findIndex(([found]) => found === name);
  return Object.fromEntries(rows.map((row) => [String(row[0]), String(row[index])]));
}

function summary(file: string): string {
  return execFileSync('msiinfo', ['suminfo', file], { encoding: 'utf8', env: { ...process.env, TZ: 'UTC', LC_ALL: 'C.UTF-8' } });
}

describe('the .msi', () => {
  const file = build('first');

  it('is the same byte for byte, whenever and in whatever order its files were written', () => {
    const again = build('again', { files: Object.fromEntries(Object.entries(FILES).reverse()) });
    expect(readFileSync(again).equals(readFileSync(file))).toBe(true);
  });

  it('is another package when a file has changed, and still the same product', () => {
    const other = build('other', { files: { ...FILES, 'dist/main.js': 'niam' } });
    const code = (text: string): string => /Revision number \(UUID\): (\{[0-9A-F-]{36}\})/.exec(text)?.[1] ?? '';
    expect(code(summary(other))).not.toBe(code(summary(file)));
    expect(column(other, 'Property', 'Value')['ProductCode']).toBe(column(file, 'Property', 'Value')['ProductCode']);
  });

  it('has the time of the sources and not that of the build', () => {
    expect(summary(file)).toContain('Created: Thu Jan  1 00:00:00 2026');
    expect(summary(file)).toContain('Template: x64;1033');
  });

  it('installs for the machine, and is found by later versions', () => {
    expect(column(file, 'Property', 'Value')).toMatchObject({
      ALLUSERS: '1',
      ProductVersion: '1.2.3',
      ProductCode: productCode('1.2.3'),
      UpgradeCode: UPGRADE_CODE,
      SecureCustomProperties: 'WIX_DOWNGRADE_DETECTED;WIX_UPGRADE_DETECTED',
    });
    expect(productCode('1.2.4')).not.toBe(productCode('1.2.3'));
  });

  it('replaces what is older within its own transaction, and refuses what is newer with a reason in both languages', () => {
    const { rows } = readTable(file, 'Upgrade');
    // Attributes: 1 takes the features over, 2 only looks (Microsoft, "Upgrade table").
    expect(rows.map((row) => row.slice(0, 5))).toEqual([
      [UPGRADE_CODE, '', '1.2.3', '', '1'],
      [UPGRADE_CODE, '1.2.3', '', '', '2'],
    ]);
    const sequence = column(file, 'InstallExecuteSequence', 'Sequence');
    expect(Number(sequence['RemoveExistingProducts'])).toBe(Number(sequence['InstallInitialize']) + 1);
    const refusal = column(file, 'LaunchCondition', 'Description')['NOT WIX_DOWNGRADE_DETECTED'];
    expect(refusal).toContain('newer version');
    expect(refusal).toContain('nyare version av kortd är installerad');
  });

  it('has one service: its own account, started late, restarted when it fails', () => {
    const [service = []] = readTable(file, 'ServiceInstall').rows;
    expect(service).toContain('NT SERVICE\\kortd');
    expect(service).toContain(PROGRAM_COMPONENT);
    expect(service.join(' ')).toContain('"[INSTALLDIR]dist\\main.js" windows-service "[DATADIR]."');
    expect(column(file, 'Component', 'KeyPath')[PROGRAM_COMPONENT]).toBe(
      Object.entries(column(file, 'File', 'FileName')).find(([, name]) => name === 'node.exe')?.[0],
    );
    expect(column(file, 'MsiServiceConfig', 'Argument')).toMatchObject({ delayedAutoStart: '1', failureActionsFlag: '1' });
    expect(column(file, 'MsiServiceConfigFailureActions', 'Actions')).toEqual({ restart: '1[~]1[~]1' });
    const sequence = column(file, 'InstallExecuteSequence', 'Sequence');
    const order = ['StopServices', 'DeleteServices', 'InstallFiles', 'InstallServices', 'MsiConfigureServices', 'StartServices'];
    expect(order.map((action) => Number(sequence[action]))).toEqual(
      order.map((action) => Number(sequence[action])).sort((a, b) => a - b),
    );
  });

  it('lets the service, administrators and the system into its data, and nobody else', () => {
    const [[, folder, , sddl] = []] = readTable(file, 'MsiLockPermissionsEx').rows;
    expect(folder).toBe('DATADIR');
    expect(String(sddl).match(/;;;([^)]+)/g)).toEqual([';;;SY', ';;;BA', `;;;${serviceSid('kortd')}`]);
    expect(sddl).toMatch(/^D:PAI/);
  });

  it('has short names for what does not fit into eight and three letters, each once', () => {
    const names = Object.values(column(file, 'File', 'FileName'));
    expect(names).toContain('node.exe');
    expect(names).toContainEqual(expect.stringMatching(/^[0-9A-F]{8}\.JS\|chunk-with-a-long-name\.js$/));
    expect(new Set(names).size).toBe(Object.keys(FILES).length);
  });
});

it('is not made of a version that Windows Installer cannot compare', () => {
  expect(() => build('unnumbered', { version: '1.2.3-rc.1' })).toThrow('1.2.3-rc.1');
});

it('a service is known by the number that Windows gives it: that of TrustedInstaller is published', () => {
  expect(serviceSid('TrustedInstaller')).toBe('S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464');
});

it('a table that is read is what was written, and one that would break its lines is not written', () => {
  const table = {
    name: 'T',
    columns: [
      ['A', 's72'],
      ['B', 'i2'],
    ] as const,
    key: ['A'],
    rows: [['x', 1]],
  };
  expect(parseTextArchive(textArchive(table))).toEqual({ ...table, rows: [['x', '1']] });
  expect(() => textArchive({ ...table, rows: [['x\ty', 1]] })).toThrow('does not fit');
});
