/** The commands under `kortd config`. None of them needs a daemon. */
import type { Command } from 'commander';
import { addSettingOptions, type SettingFlags } from './setting-options.ts';

type ConfigFlags = SettingFlags & { readonly json?: true };

export function addConfigCommands(program: Command): void {
  const config = program
    .command('config')
    .description(
      'The configuration file and the policy folder: whether they are right, and what they come to. No daemon is needed.',
    );
  addSettingOptions(
    config
      .command('check')
      .description(
        'Read the configuration, the policy files and what they name, as kortd serve with these options would. Exit status 1 when something is wrong.',
      ),
  )
    .option('--json', 'print JSON')
    .action(async (flags: ConfigFlags) => {
      const { runConfigCheck } = await import('./config.ts');
      process.exitCode = await runConfigCheck(flags);
    });
  addSettingOptions(
    config
      .command('show')
      .description('Every option with its value in force, and whether the command line, the file or nobody said it.'),
  )
    .option('--json', 'print JSON')
    .action(async (flags: ConfigFlags) => {
      const { runConfigShow } = await import('./config.ts');
      runConfigShow(flags);
    });
  config
    .command('schema')
    .description('Print the JSON Schema (2020-12) of the configuration file, for editors and configuration management.')
    .action(async () => {
      const { runConfigSchema } = await import('./config.ts');
      runConfigSchema();
    });
}
