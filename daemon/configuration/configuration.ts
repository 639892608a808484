/**
 * The configuration of a running daemon. A reload is prepared first, and applied only when everything that is read with it can be: all or nothing. What cannot
 * change while the daemon runs keeps its value, and is named until the restart.
 */
import { defaultSettings, effectiveOf, type Effective, type FlagValues } from './effective.ts';
import { ConfigurationError, type ConfigurationProblem } from './problem.ts';
import { readConfigurationFile, type ReadOptions } from './read.ts';
import { OPTIONS, type Settings } from './schema.ts';

export interface ConfigurationSource extends ReadOptions {
  readonly file: string;
  readonly flags: FlagValues;
}

/** Throws ConfigurationError. */
export function readEffective({ file, flags, ...options }: ConfigurationSource): Effective {
  return effectiveOf(flags, readConfigurationFile(file, options), file);
}

/** What a reload would do. */
export type Prepared =
  | { readonly problems: readonly ConfigurationProblem[] }
  | { readonly problems: readonly []; readonly settings: Settings; readonly needsRestart: readonly string[] };

export class Configuration {
  readonly #source: ConfigurationSource | undefined;
  readonly #started: Settings;
  readonly #listeners: ((settings: Settings) => void)[] = [];
  #settings: Settings;
  #needsRestart: readonly string[] = [];

  private constructor(source: ConfigurationSource | undefined, settings: Settings) {
    this.#source = source;
    this.#started = settings;
    this.#settings = settings;
  }

  /** Throws ConfigurationError. */
  static open(source: ConfigurationSource): Configuration {
    return new Configuration(source, readEffective(source).settings);
  }

  /** Of no file: sections as given, the others as they are when nobody says anything. */
  static default(given: Partial<Settings> = {}): Configuration {
    return new Configuration(undefined, { ...defaultSettings(), ...given });
  }

  get settings(): Settings {
    return this.#settings;
  }

  /** Paths of options that the file has otherwise than the running daemon. */
  get needsRestart(): readonly string[] {
    return this.#needsRestart;
  }

  /** Reads the file anew, and changes nothing. */
  prepare(): Prepared {
    if (!this.#source) return { problems: [], settings: this.#settings, needsRestart: [] };
    try {
      const { settings } = readEffective(this.#source);
      return { problems: [], ...merge(this.#started, settings) };
    } catch (error) {
      if (error instanceof ConfigurationError) return { problems: error.problems };
      throw error;
    }
  }

  apply(prepared: Prepared): void {
    if (!('settings' in prepared)) return;
    this.#settings = prepared.settings;
    this.#needsRestart = prepared.needsRestart;
    for (const listener of this.#listeners) listener(this.#settings);
  }

  onApplied(listener: (settings: Settings) => void): void {
    this.#listeners.push(listener);
  }
}

/** Live options as they are now, the others as they were at the start. */
function merge(started: Settings, now: Settings): { readonly settings: Settings; readonly needsRestart: readonly string[] } {
  const valueIn = (settings: object, section: string, name: string): unknown => {
    const values: unknown = Object.entries(settings).find(([key]) => key === section)?.[1];
    return Object.entries(values ?? {}).find(([key]) => key === name)?.[1];
  };
  const fixed = OPTIONS.filter(({ notes }) => notes.reload === 'restart');
  const needsRestart = fixed
    .filter(
      ({ section, name }) => JSON.stringify(valueIn(started, section, name)) !== JSON.stringify(valueIn(now, section, name)),
    )
    .map(({ path }) => path);
  const kept = structuredClone(now) as unknown as Record<string, Record<string, unknown>>;
  for (const { section, name } of fixed) {
    const values = (kept[section] ??= {});
    const value = valueIn(started, section, name);
    if (value === undefined) Reflect.deleteProperty(values, name);
    else values[name] = value;
  }
  return { settings: kept as unknown as Settings, needsRestart };
}
