/** The configuration in force, put together: what the command line says, else the file, else the default; with where each value came from. */
import { defaultDataFolder } from '../data-folder.ts';
import { defaultOf } from './option.ts';
import { ConfigurationError, type ConfigurationProblem } from './problem.ts';
import type { FileValues } from './read.ts';
import { OPTIONS, type Settings } from './schema.ts';

/** Of the command line, by the path of the option. */
export type FlagValues = Readonly<Record<string, unknown>>;

export interface EffectiveOption {
  readonly path: string;
  /** Undefined: not set, and there is no default. */
  readonly value: unknown;
  readonly from: 'default' | 'file' | 'flag';
  /** In the file. */
  readonly line?: number;
}

export interface Effective {
  readonly settings: Settings;
  /** Every option, in the order of the schema. */
  readonly options: readonly EffectiveOption[];
}

/** Throws ConfigurationError for values that do not go together. */
export function effectiveOf(flags: FlagValues, values: FileValues, file: string): Effective {
  const options = OPTIONS.map(({ path, schema }): EffectiveOption => {
    if (flags[path] !== undefined) return { path, value: flags[path], from: 'flag' };
    const given = values.get(path);
    if (given) return { path, value: given.value, from: 'file', line: given.line };
    return { path, value: defaultOf(schema), from: 'default' };
  });
  const derived = options.map((option) => derive(option, options));
  const settings = settingsOf(derived);
  const problems = problemsBetween(derived, file);
  if (problems.length > 0) throw new ConfigurationError(problems);
  return { settings, options: derived };
}

/** Of nobody's file and no flags. */
export function defaultSettings(): Settings {
  return effectiveOf({}, new Map(), '').settings;
}

/** What follows from other values where nobody says it. */
function derive(option: EffectiveOption, all: readonly EffectiveOption[]): EffectiveOption {
  if (option.from !== 'default' || option.value !== undefined) return option;
  const port = Number(all.find(({ path }) => path === 'listen.port')?.value);
  switch (option.path) {
    case 'folders.data':
      return { ...option, value: defaultDataFolder() };
    case 'listen.consolePort':
      return { ...option, value: port === 0 ? 0 : port + 1 };
    case 'listen.tlsPort':
      return { ...option, value: port === 0 ? 0 : port + 2 };
    default:
      return option;
  }
}

function settingsOf(options: readonly EffectiveOption[]): Settings {
  const sections = new Map<string, Record<string, unknown>>();
  for (const { path, value } of options) {
    const [section = '', name = ''] = path.split('.');
    const values = sections.get(section) ?? {};
    if (value !== undefined) values[name] = value;
    sections.set(section, values);
  }
  // Each value was checked where it came from, and every option is there: to compile the schema again costs a start what it does not give.
  return Object.fromEntries(sections) as unknown as Settings;
}

/** Each is named at the option that goes too far. */
function problemsBetween(options: readonly EffectiveOption[], file: string): readonly ConfigurationProblem[] {
  const set = (path: string): EffectiveOption | undefined => options.find((one) => one.path === path && one.value !== undefined);
  const problem = (path: string, en: string, sv: string): ConfigurationProblem => {
    const { line } = set(path) ?? {};
    return { file, path, ...(line === undefined ? {} : { line }), en: `${path} ${en}`, sv: `${path} ${sv}` };
  };
  const needs = (path: string, needed: string): readonly ConfigurationProblem[] =>
    set(path) && !set(needed)
      ? [problem(path, `goes with ${needed}, which is not set`, `hör ihop med ${needed}, som inte är satt`)]
      : [];
  return [
    ...needs('simulation.authorityPort', 'simulation.scenario'),
    ...needs('simulation.authorityState', 'simulation.authorityPort'),
    ...sharedPorts(options).map(({ path, value, earlier }) =>
      problem(
        path,
        `is ${value}, as ${earlier} is; each port serves one thing`,
        `är ${value}, liksom ${earlier}; varje port har en uppgift`,
      ),
    ),
  ];
}

/** Of those that somebody has chosen: one that follows from another may never be opened. */
function sharedPorts(
  options: readonly EffectiveOption[],
): readonly { readonly path: string; readonly value: number; readonly earlier: string }[] {
  const ports = options.flatMap(({ path, value, from }) =>
    /Port$|\.port$/.test(path) && from !== 'default' && typeof value === 'number' && value !== 0 ? [{ path, value }] : [],
  );
  return ports.flatMap(({ path, value }, index) => {
    const earlier = ports.slice(0, index).find((other) => other.value === value)?.path;
    return earlier === undefined ? [] : [{ path, value, earlier }];
  });
}
