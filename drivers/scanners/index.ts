/** Every way to scanners that the configuration may name. A driver's code is loaded when the first scanner of its kind is configured. */
import { AuthentiscanOptions } from './authentiscan/options.ts';
import type { ScannerKind } from './configuration.ts';
import { FolderOptions } from './folder/options.ts';
import { HelperOptions } from './program/options.ts';
import { Id365Options } from './id365/options.ts';
import { RegulaOptions } from './regula/options.ts';
import { SerialOptions } from './serial/options.ts';

/** Sorted by kind. */
const KINDS: readonly ScannerKind[] = [
  {
    kind: 'authentiscan',
    options: AuthentiscanOptions,
    open: async (name, options) =>
      (await import('./authentiscan/driver.ts')).openAuthentiscanDriver(name, options as AuthentiscanOptions),
  },
  {
    kind: 'folder',
    options: FolderOptions,
    open: async (name, options) => (await import('./folder/driver.ts')).openFolderDriver(name, options as FolderOptions),
  },
  {
    kind: 'helper',
    options: HelperOptions,
    open: async (name, options, environment) =>
      await (await import('./program/driver.ts')).openHelperDriver(name, options as HelperOptions, environment),
  },
  {
    kind: 'id365',
    options: Id365Options,
    open: async (name, options) => (await import('./id365/driver.ts')).openId365Driver(name, options as Id365Options),
  },
  {
    kind: 'regula',
    options: RegulaOptions,
    open: async (name, options) => (await import('./regula/driver.ts')).openRegulaDriver(name, options as RegulaOptions),
  },
  {
    kind: 'serial-mrz',
    options: SerialOptions,
    open: async (name, options) => await (await import('./serial/driver.ts')).openSerialDriver(name, options as SerialOptions),
  },
];

export const SCANNER_KINDS: ReadonlyMap<string, ScannerKind> = new Map(KINDS.map((kind) => [kind.kind, kind]));
