/** A vendor's module as the administrator names it. */
export interface ModuleConfiguration {
  /** For people and in the names of sources: "netid". */
  readonly name: string;
  readonly path: string;
  /** Of the file, in lower-case hexadecimal. */
  readonly sha256: string;
  /** Cards that are used through this module even when kortd knows them itself. */
  readonly cards?: readonly CardPattern[];
  /** All that the module's process finds in its environment, beside PATH and LANG. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface CardPattern {
  readonly atr: Uint8Array;
  /** Bits that count; all of them unless given. */
  readonly mask?: Uint8Array;
}

export function matchesAtr({ atr, mask }: CardPattern, found: Uint8Array): boolean {
  return (
    found.length === atr.length && found.every((byte, index) => ((byte ^ (atr[index] ?? 0)) & (mask?.[index] ?? 0xff)) === 0)
  );
}
