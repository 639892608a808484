/** `kortd config check`, `show` and `schema`. */
import { checkConfiguration } from '../configuration/check.ts';
import { readEffective } from '../configuration/configuration.ts';
import type { EffectiveOption } from '../configuration/effective.ts';
import { configurationJsonSchema, OPTIONS } from '../configuration/schema.ts';
import { printProblems } from './config-problems.ts';
import { printResult } from './output.ts';
import { sourceOf, type SettingFlags } from './setting-options.ts';

type Flags = SettingFlags & { readonly json?: true };

/** Resolves with the exit status: 0, or 1 when something is wrong. */
export async function runConfigCheck(flags: Flags): Promise<number> {
  const source = sourceOf(flags);
  const { effective, problems } = await checkConfiguration(source);
  if (flags.json) printResult(JSON.stringify({ file: source.file, problems }, undefined, 2));
  else printProblems(problems);
  if (problems.length > 0) return 1;
  const { policy = '', data = '' } = effective?.settings.folders ?? {};
  if (!flags.json) printResult(`${source.file}, ${policy} and ${data}: nothing is wrong with the configuration`);
  return 0;
}

/** Throws ConfigurationError. */
export function runConfigShow(flags: Flags): void {
  const source = sourceOf(flags);
  const options = readEffective(source).options.map(hideSecret);
  if (flags.json) {
    printResult(JSON.stringify({ file: source.file, options }, undefined, 2));
    return;
  }
  const width = Math.max(...options.map(({ path }) => path.length));
  const rows = options.map((option) => {
    const value = option.value === undefined ? '-' : JSON.stringify(option.value);
    return `${option.path.padEnd(width)}  ${value}  (${whence(option, source.file)})`;
  });
  printResult(rows.join('\n'));
}

export function runConfigSchema(): void {
  printResult(JSON.stringify(configurationJsonSchema(), undefined, 2));
}

function whence({ path, from, line, value }: EffectiveOption, file: string): string {
  const { flag, otherwise } = OPTIONS.find((option) => option.path === path)?.notes ?? {};
  if (from === 'flag') return `command line, ${flag?.split(' ')[0] ?? ''}`;
  if (from === 'file') return `${file}, line ${line ?? 1}`;
  return value === undefined ? `not set: ${otherwise?.en ?? ''}` : 'default';
}

function hideSecret(option: EffectiveOption): EffectiveOption {
  const isSecret = OPTIONS.some(({ path, notes }) => path === option.path && notes.isSecret);
  return isSecret && option.value !== undefined ? { ...option, value: '[secret]' } : option;
}
