/** Every way to scanners that the configuration may name. A driver's code is loaded when the first scanner of its kind is configured. */
import type { ScannerKind } from './configuration.ts';

const KINDS: readonly ScannerKind[] = [];

export const SCANNER_KINDS: ReadonlyMap<string, ScannerKind> = new Map(KINDS.map((kind) => [kind.kind, kind]));
