/** Every way to scanners that the configuration may name. A driver's code is loaded when the first scanner of its kind is configured. */
import { AuthentiscanOptions } from './authentiscan/options.ts';
import type { ScannerKind } from './configuration.ts';
import { Id365Options } from './id365/options.ts';
import { RegulaOptions } from './regula/options.ts';
import { VENDOR_SCANNERS } from './vendor-scanners.ts';

/** Sorted by kind. */
const KINDS: readonly ScannerKind[] = [
  {
    kind: 'authentiscan',
    options: AuthentiscanOptions,
    open: async (name, options) => VENDOR_SCANNERS.authentiscan(name, options as AuthentiscanOptions),
  },
  {
    kind: 'id365',
    options: Id365Options,
    open: async (name, options) => VENDOR_SCANNERS.id365(name, options as Id365Options),
  },
  {
    kind: 'regula',
    options: RegulaOptions,
    open: async (name, options) => VENDOR_SCANNERS.regula(name, options as RegulaOptions),
  },
];

export const SCANNER_KINDS: ReadonlyMap<string, ScannerKind> = new Map(KINDS.map((kind) => [kind.kind, kind]));
