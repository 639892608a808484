/** The options of the command line that stand for options of the configuration: made from its schema, so that a new one is there at once. */
import { InvalidArgumentError, type Command } from 'commander';
import { allowedBy } from '../configuration/allowed.ts';
import type { ConfigurationSource } from '../configuration/configuration.ts';
import { defaultOf } from '../configuration/option.ts';
import { defaultConfigurationFile } from '../configuration/read.ts';
import { OPTIONS, type Option } from '../configuration/schema.ts';
import { said } from './language.ts';

/** By the name that commander gives them; those that are not given are absent. */
export type SettingFlags = Readonly<Record<string, unknown>> & { readonly config?: string };

/** Returns the command. */
export function addSettingOptions(command: Command): Command {
  command.option('--config <FILE>', `configuration file (default: ${defaultConfigurationFile()}, which may be missing)`);
  for (const option of OPTIONS) {
    const { flag } = option.notes;
    if (flag !== undefined) command.option(flag, describe(option), (text) => parse(option, text));
  }
  return command;
}

/** Where the configuration comes from, as the flags say. */
export function sourceOf(flags: SettingFlags): ConfigurationSource {
  return {
    file: flags.config ?? defaultConfigurationFile(),
    mayBeMissing: flags.config === undefined,
    flags: Object.fromEntries(
      OPTIONS.flatMap(({ path, notes: { flag } }) => (flag === undefined ? [] : [[path, flags[attributeOf(flag)]]])),
    ),
  };
}

function describe({ path, schema, notes }: Option): string {
  const fixed = defaultOf(schema);
  const otherwise =
    fixed === undefined ? (notes.otherwise?.en.replaceAll('`', '') ?? 'none') : JSON.stringify(fixed).replaceAll('"', '');
  const text = notes.en.replaceAll('`', '').replace(/\.$/, '');
  return `${text.charAt(0).toLowerCase()}${text.slice(1)} (${path}; default: ${otherwise})`;
}

function parse({ schema }: Option, text: string): unknown {
  const {
    type,
    minimum = 0,
    maximum = Infinity,
    enum: values,
  } = schema as {
    readonly type?: string;
    readonly minimum?: number;
    readonly maximum?: number;
    readonly enum?: readonly string[];
  };
  const isNumber = type === 'integer';
  const fits = isNumber
    ? /^\d{1,9}$/.test(text) && Number(text) >= minimum && Number(text) <= maximum
    : text !== '' && (values === undefined || values.includes(text));
  if (!fits) {
    const allowed = allowedBy(isNumber || values ? schema : { type: 'string' });
    throw new InvalidArgumentError(said({ en: `allowed is ${allowed.en}`, sv: `tillåtet är ${allowed.sv}` }));
  }
  return isNumber ? Number(text) : text;
}

/** As commander names it: "--data-dir <DIR>" is dataDir. */
function attributeOf(flag: string): string {
  const [name = ''] = flag.replace(/^--/, '').split(' ');
  return name.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}
