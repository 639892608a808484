/**
 * Reads one configuration file. It is taken whole or refused whole, and everything that is wrong with it is told at once. As with policy files, one that others than
 * root and kortd's own user can write is refused: it says which policy counts.
 */
import { isAbsolute } from 'node:path';
import { join } from 'node:path/posix';
import type { TProperties, TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import { readAdministratorFile } from '../access/administrator-file.ts';
import { allowedBy } from './allowed.ts';
import { nearestTo } from './nearest.ts';
import { parseLocated, type LocatedJson } from './places.ts';
import { ConfigurationError, shown, type ConfigurationProblem } from './problem.ts';
import { inSwedish } from './swedish.ts';
import { FileSchema, OPTIONS, type Option } from './schema.ts';

const MAX_BYTES = 262_144;

/** Where an administrator's files of a service are (Filesystem Hierarchy Standard 3.0, section 3.7; KNOWNFOLDERID FOLDERID_ProgramData). */
export function defaultConfigurationFile(): string {
  if (process.platform !== 'win32') return '/etc/kortd/kortd.json';
  return `${process.env['ProgramData'] ?? 'C:\\ProgramData'}\\kortd\\kortd.json`;
}

/** What one file says: by the path of the option, with the line. */
export type FileValues = ReadonlyMap<string, { readonly value: unknown; readonly line: number }>;

export interface ReadOptions {
  /** A file that nobody named need not be there. */
  readonly mayBeMissing: boolean;
  readonly ownUid?: number | undefined;
}

/** Throws ConfigurationError. */
export function readConfigurationFile(file: string, { mayBeMissing, ownUid = process.getuid?.() }: ReadOptions): FileValues {
  const text = readText(file, { mayBeMissing, ownUid });
  return text === undefined ? new Map() : parseConfiguration(text, file);
}

/** Throws ConfigurationError. */
export function parseConfiguration(text: string, file: string): FileValues {
  const json = parseLocated(text.replace(/^\uFEFF/, ''), file);
  const validator = (compiled ??= compileFile());
  const { value: content } = json;
  const problems = validator.Check(content) ? [] : problemsOf(validator, { json, file });
  const values = valuesIn(content, json);
  const relative = OPTIONS.flatMap((option) => pathProblem(option, { values, file }));
  if (problems.length + relative.length > 0) throw new ConfigurationError([...problems, ...relative]);
  return values;
}

type FileValidator = Validator<TProperties, typeof FileSchema>;

const compileFile = (): FileValidator => Compile(FileSchema);
let compiled: FileValidator | undefined;

function readText(file: string, { mayBeMissing, ownUid }: ReadOptions): string | undefined {
  try {
    return readAdministratorFile(file, { maxBytes: MAX_BYTES, ownUid });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const isMissing = 'code' in error && error.code === 'ENOENT';
    if (isMissing && mayBeMissing) return undefined;
    const [en, sv] = isMissing
      ? ['there is no such file', 'filen finns inte']
      : [`it cannot be used: ${error.message}`, `den kan inte användas: ${inSwedish(error.message)}`];
    throw new ConfigurationError([{ file, en, sv }], { cause: error });
  }
}

interface Source {
  readonly json: LocatedJson;
  readonly file: string;
}

/** One for each place, in the order of the lines. */
function problemsOf(validator: FileValidator, source: Source): ConfigurationProblem[] {
  const { json, file } = source;
  const places = new Map<string, string>();
  for (const { keyword, instancePath } of validator.Errors(json.value))
    if (keyword !== 'additionalProperties' && !places.has(instancePath)) places.set(instancePath, keyword);
  return [...places]
    .map(([place, keyword]) => ({
      ...{ file, line: json.lineOf(place) },
      ...(place === '' ? {} : { path: pathOf(place) }),
      ...(keyword === 'boolean' ? unknownName(place) : wrongValue(place, json.value)),
    }))
    .sort((one, other) => one.line - other.line);
}

function wrongValue(place: string, content: unknown): { readonly en: string; readonly sv: string } {
  const allowed = allowedBy(schemaAt(place));
  const isSecret = OPTIONS.some(({ path, notes }) => path === pathOf(place) && notes.isSecret);
  const came = isSecret
    ? { en: 'something else', sv: 'något annat' }
    : { en: shown(at(content, place)), sv: shown(at(content, place)) };
  const name = place === '' ? { en: 'the whole', sv: 'hela innehållet' } : { en: pathOf(place), sv: pathOf(place) };
  return { en: `${name.en} is ${came.en}; allowed is ${allowed.en}`, sv: `${name.sv} är ${came.sv}; tillåtet är ${allowed.sv}` };
}

function unknownName(place: string): { readonly en: string; readonly sv: string } {
  const around = place.slice(0, place.lastIndexOf('/'));
  const name = unescapePart(place.slice(around.length + 1));
  const known = Object.keys(propertiesOf(schemaAt(around)));
  const nearest = nearestTo(name, known) ?? OPTIONS.find((option) => option.name === name)?.path;
  const end = nearest === undefined ? { en: '.', sv: '.' } : { en: `; did you mean ${nearest}?`, sv: `; menade du ${nearest}?` };
  const list = known.join(', ');
  return {
    en: `${pathOf(place)} is no option${end.en} Allowed here: ${list}`,
    sv: `${pathOf(place)} är inget val${end.sv} Tillåtet här: ${list}`,
  };
}

function pathProblem(
  { path, notes }: Option,
  { values, file }: { readonly values: FileValues; readonly file: string },
): readonly ConfigurationProblem[] {
  const given = values.get(path);
  if (!notes.isPath || typeof given?.value !== 'string' || given.value === '' || isAbsolute(given.value)) return [];
  const came = shown(given.value);
  return [
    {
      ...{ file, line: given.line, path },
      en: `${path} is ${came}; allowed is an absolute path`,
      sv: `${path} är ${came}; tillåtet är en absolut sökväg`,
    },
  ];
}

function valuesIn(content: unknown, json: LocatedJson): FileValues {
  return new Map(
    OPTIONS.flatMap(({ section, name, path }) => {
      const place = join('/', section, name);
      const value = at(content, place);
      return value === undefined ? [] : [[path, { value, line: json.lineOf(place) }] as const];
    }),
  );
}

function partsOf(place: string): readonly string[] {
  return place.split('/').slice(1).map(unescapePart);
}

/** RFC 6901, section 4. */
function unescapePart(part: string): string {
  return part.replaceAll('~1', '/').replaceAll('~0', '~');
}

function pathOf(place: string): string {
  return partsOf(place).join('.');
}

function at(content: unknown, place: string): unknown {
  return partsOf(place).reduce<unknown>(
    (value, part) =>
      typeof value === 'object' && value !== null ? Object.entries(value).find(([name]) => name === part)?.[1] : undefined,
    content,
  );
}

function propertiesOf(schema: TSchema): Readonly<Record<string, TSchema>> {
  return (schema as { readonly properties?: Readonly<Record<string, TSchema>> }).properties ?? {};
}

function schemaAt(place: string): TSchema {
  return partsOf(place).reduce<TSchema>(
    (schema, part) => propertiesOf(schema)[part] ?? (schema as { readonly items?: TSchema }).items ?? {},
    FileSchema,
  );
}
