/**
 * Tables of the .msi that wixl has no words for, as text archives (.idt), which msibuild imports: how the service is configured, who may enter its folder, the search path,
 * and when the old version goes. And the summary, without the time of the build.
 */
import { createHash } from 'node:crypto';
import { product } from '../product.ts';
import { CONFIG_TYPE, FAILURE_ACTIONS, SERVICE_CONFIGURATION, dataFolderSddl } from './service.ts';
import { DATA_COMPONENT, DATA_FOLDERS, PROGRAM_COMPONENT } from './wix-source.ts';

type Cell = string | number;

export interface Table {
  readonly name: string;
  /** Column and its type as an archive has it: s72 is a string of at most 72 characters, in capitals when it may be empty, i2 and i4 are numbers. */
  readonly columns: readonly (readonly [name: string, type: string])[];
  /** Columns that tell rows apart; the first unless given. */
  readonly key?: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** msidbServiceConfigEventInstall and …Reinstall (Microsoft, "MsiServiceConfig table"). */
const ON_INSTALLATION = 1 | 4;
/** Separates values within one (Microsoft, "Formatted"). */
const NUL = '[~]';
/**
 * Removing the old version belongs to the same transaction as installing the new one: right after InstallInitialize (1500). When the new one fails, the old one is there
 * again (Microsoft, "RemoveExistingProducts action").
 */
const REMOVE_EXISTING_SEQUENCE = 1_501;

/** What is added to the tables of wixl. */
export function addedTables(): readonly Table[] {
  return [serviceConfig(), failureActions(), createFolders(), lockPermissions(), environment()];
}

/** Actions that carry these tables out, and when; sequence numbers as Microsoft suggests them ("Suggested InstallExecuteSequence"). */
export const ADDED_ACTIONS: readonly (readonly [action: string, condition: string, sequence: number])[] = [
  ['RemoveEnvironmentStrings', '', 3_300],
  ['RemoveFolders', '', 3_600],
  ['CreateFolders', '', 3_700],
  ['WriteEnvironmentStrings', '', 5_200],
  ['MsiConfigureServices', 'VersionMsi >= "5.00"', 5_850],
];

/** The sequence of wixl with ours, sorted by number. */
export function installSequence(ofWixl: Table): Table {
  const moved = ofWixl.rows.map(([action = '', condition = '', sequence = '']): readonly Cell[] =>
    action === 'RemoveExistingProducts' ? [action, condition, REMOVE_EXISTING_SEQUENCE] : [action, condition, Number(sequence)],
  );
  const rows = [...moved, ...ADDED_ACTIONS].sort((one, other) => Number(one[2]) - Number(other[2]));
  return { ...ofWixl, rows };
}

/**
 * With names as Windows Installer wants them, which wixl leaves out: "SHORT.EXT|long name" where the long one does not fit into eight and three (Microsoft, "Filename").
 * `column` is that of the name, `key` and the types are as wixl has them.
 */
export function withShortNames(table: Table, column: string): Table {
  const index = table.columns.findIndex(([name]) => name === column);
  return {
    ...table,
    rows: table.rows.map((row) => row.map((cell, at) => (at === index ? bothNames(String(cell), String(row[0])) : cell))),
  };
}

function bothNames(name: string, id: string): string {
  if (/^[\w-]{1,8}(\.\w{1,3})?$/.test(name) || /^(SourceDir|\.)$/.test(name) || name.includes('|')) return name;
  const [, extension = ''] = /\.(\w{1,3})\w*$/.exec(name) ?? [];
  const short = createHash('sha256').update(id).digest('hex').slice(0, 8);
  return `${[short, extension]
    .filter((part) => part !== '')
    .join('.')
    .toUpperCase()}|${name}`;
}

/** A table as msiinfo prints it. */
export function parseTextArchive(text: string): Table {
  const [names = [], types = [], [name = '', ...key] = [], ...rows] = text
    .split('\r\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t'));
  return { name, columns: names.map((column, index) => [column, types[index] ?? '']), key, rows };
}

export interface Summary {
  readonly version: string;
  readonly packageCode: string;
  /** Seconds since 1970, of the sources. */
  readonly epochSeconds: number;
}

/** Property numbers: Microsoft, "Summary Information Stream Property Set". */
export function summaryInformation({ version, packageCode, epochSeconds }: Summary): Table {
  const time = new Date(epochSeconds * 1_000).toISOString().slice(0, 19).replace('T', ' ').replaceAll('-', '/');
  return {
    name: '_SummaryInformation',
    columns: [
      ['PropertyId', 'i2'],
      ['Value', 'l255'],
    ],
    rows: [
      [1, 1252],
      [2, 'Installation Database'],
      [3, `${product.name} ${version}`],
      [4, product.vendor],
      [5, 'Installer'],
      [6, product.summary],
      [7, 'x64;1033'],
      [9, packageCode],
      [12, time],
      [13, time],
      [14, 500],
      [15, 2],
      [18, product.name],
      [19, 2],
    ],
  };
}

/** Lines end as Windows has them; the third names the columns of the key. A value may hold no tab and no end of line. */
export function textArchive({ name, columns, key, rows }: Table): string {
  const names = columns.map(([column]) => column);
  const lines = [names, columns.map(([, type]) => type), [name, ...(key ?? names.slice(0, 1))], ...rows];
  const cells = lines.flat().map(String);
  const unfit = cells.find((cell) => /[\t\r\n]/.test(cell));
  if (unfit !== undefined) throw new Error(`writing the table ${name}: "${unfit}" does not fit into one line`);
  return lines.map((line) => `${line.join('\t')}\r\n`).join('');
}

function serviceConfig(): Table {
  const names = new Map<number, string>(Object.entries(CONFIG_TYPE).map(([name, type]) => [type, name]));
  return {
    name: 'MsiServiceConfig',
    columns: [
      ['MsiServiceConfig', 's72'],
      ['Name', 's255'],
      ['Event', 'i2'],
      ['ConfigType', 'i4'],
      ['Argument', 'S255'],
      ['Component_', 's72'],
    ],
    rows: SERVICE_CONFIGURATION.map(({ type, argument }) => [
      names.get(type) ?? String(type),
      product.service.name,
      ON_INSTALLATION,
      type,
      argument,
      PROGRAM_COMPONENT,
    ]),
  };
}

function failureActions(): Table {
  const { action, delaysMs, resetSeconds } = FAILURE_ACTIONS;
  const actions = delaysMs.map(() => action).join(NUL);
  return {
    name: 'MsiServiceConfigFailureActions',
    columns: [
      ['MsiServiceConfigFailureActions', 's72'],
      ['Name', 's255'],
      ['Event', 'i2'],
      ['ResetPeriod', 'I4'],
      ['RebootMessage', 'L255'],
      ['Command', 'L255'],
      ['Actions', 'S255'],
      ['DelayActions', 'S255'],
      ['Component_', 's72'],
    ],
    rows: [
      ['restart', product.service.name, ON_INSTALLATION, resetSeconds, '', '', actions, delaysMs.join(NUL), PROGRAM_COMPONENT],
    ],
  };
}

/** Made empty, and gone at removal only when empty: data outlives the program. */
function createFolders(): Table {
  return {
    name: 'CreateFolder',
    columns: [
      ['Directory_', 's72'],
      ['Component_', 's72'],
    ],
    key: ['Directory_', 'Component_'],
    rows: ['DATADIR', ...Object.values(DATA_FOLDERS)].map((directory) => [directory, DATA_COMPONENT]),
  };
}

/** Microsoft, "MsiLockPermissionsEx table": of a folder that CreateFolder has. What is made inside inherits it. */
function lockPermissions(): Table {
  return {
    name: 'MsiLockPermissionsEx',
    columns: [
      ['MsiLockPermissionsEx', 's72'],
      ['LockObject', 's72'],
      ['Table', 's32'],
      ['SDDLText', 's0'],
      ['Condition', 'S255'],
    ],
    rows: [['data_folder', 'DATADIR', 'CreateFolder', dataFolderSddl(), '']],
  };
}

/** `=-*`: of the machine, made anew at installation, taken back at removal; `[~];`: behind what is there (Microsoft, "Environment table"). */
function environment(): Table {
  return {
    name: 'Environment',
    columns: [
      ['Environment', 's72'],
      ['Name', 'l255'],
      ['Value', 'L255'],
      ['Component_', 's72'],
    ],
    rows: [['path', '=-*PATH', `${NUL};[INSTALLDIR]`, DATA_COMPONENT]],
  };
}
