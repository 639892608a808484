/** The file that names a workstation's scanners, as a schema: each row is one driver with its own options. See README.md, "Configuration". */
import Type, { type Static, type TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import type { ScannerDriver } from './driver.ts';

const MAX_DRIVERS = 16;

const Row = Type.Object(
  {
    /** The ids of its scanners begin with it. */
    name: Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,22}$' }),
    /** A name in `SCANNER_KINDS`. */
    driver: Type.String({ minLength: 1, maxLength: 32 }),
    options: Type.Optional(Type.Object({})),
  },
  { additionalProperties: false },
);

const ScannersFile = Type.Object(
  { comment: Type.Optional(Type.String()), scanners: Type.Array(Row, { maxItems: MAX_DRIVERS }) },
  { additionalProperties: false },
);

export type ScannerConfiguration = Static<typeof Row>;

/** What a driver is given of where it runs. */
export interface DriverEnvironment {
  /** A private folder of its own, which it may fill: it is emptied when kortd starts. */
  readonly folder: string;
  /** For the log: one line, without anything of a document. */
  readonly note: (problem: string) => void;
}

/** One way to scanners: how its options look, and how it is opened. Its code is loaded with its first use. */
export interface ScannerKind {
  /** The driver's name on the wire. */
  readonly kind: string;
  readonly options: TSchema;
  /** Throws Error, in one line, for options that the schema lets through and that cannot be. Does no I/O on a device. */
  open(name: string, options: unknown, environment: DriverEnvironment): Promise<ScannerDriver>;
}

/** Throws Error with the place and what is wrong there. */
export function parseConfiguration(text: string, kinds: ReadonlyMap<string, ScannerKind>): readonly ScannerConfiguration[] {
  const content: unknown = JSON.parse(text);
  requireFit(ScannersFile, content, '');
  const { scanners } = content as Static<typeof ScannersFile>;
  const names = new Set<string>();
  for (const [index, { name, driver, options = {} }] of scanners.entries()) {
    const place = `/scanners/${index}`;
    if (names.has(name)) throw new Error(`${place}/name: another has it too`);
    names.add(name);
    const kind = kinds.get(driver);
    if (!kind) throw new Error(`${place}/driver: there is no such driver (there is: ${[...kinds.keys()].join(', ')})`);
    requireFit(kind.options, options, `${place}/options`);
  }
  return scanners;
}

function requireFit(schema: TSchema, value: unknown, place: string): void {
  const validator = Compile(schema);
  if (validator.Check(value)) return;
  const [error] = validator.Errors(value);
  throw new Error(`${place}${error?.instancePath ?? ''}: ${error?.message ?? 'does not fit'}`);
}
