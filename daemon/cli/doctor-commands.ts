/** `kortd doctor` and `kortd support-bundle`, with their options. */
import type { Command } from 'commander';
import type { DoctorFlags } from './doctor.ts';
import type { SupportBundleFlags } from './support-bundle.ts';

type OptionRow = readonly [string, string, string];

export function addDoctorCommands(program: Command, dataDir: OptionRow, parsePort: (text: string) => number): void {
  const lookedAt = (command: Command): Command =>
    command
      .option(...dataDir)
      .option('--config <FILE>', 'configuration file; that of the installed service unless given')
      .option('--policy-dir <DIR>', 'folder of the policy files; as the configuration says unless given')
      .option('--port <N>', 'port that the daemon is to listen on; as the configuration says unless given', parsePort)
      .option('--root <DIR>', 'look at the system below this folder, such as a mounted image');
  lookedAt(
    program
      .command('doctor')
      .description(
        'Look for what is wrong on this computer, and say how to mend it. Changes nothing. Exit status: 0 nothing wrong, 3 warnings, 4 errors.',
      ),
  )
    .option('--json', 'print JSON; --schema prints its schema')
    .option('--schema', 'print the JSON Schema of --json, and look at nothing')
    .option('--language <LANGUAGE>', 'sv or en; that of the system unless given')
    .action(async (flags: DoctorFlags) => (await import('./doctor.ts')).runDoctor(flags));
  lookedAt(
    program
      .command('support-bundle')
      .description('Put what support needs to know of this computer into a zip, redacted, and say what is in it. Sends nothing.')
      .argument('[file]', 'a new file; one in this folder, named by the time, unless given'),
  )
    .option('--trace <FILE>', 'add a redacted trace of kortd trace')
    .option('--log <FILE>', 'take the log from this file instead of the journal')
    .action(async (file: string | undefined, flags: SupportBundleFlags) =>
      (await import('./support-bundle.ts')).runSupportBundle(file, flags),
    );
}
