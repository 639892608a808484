/** `kortd doctor` and `kortd support-bundle`, with their options. */
import type { Command } from 'commander';
import { DEFAULT_PORT } from '../../api-spec/wire.ts';
import { DEFAULT_POLICY_FOLDER } from '../access/policy.ts';
import type { DoctorFlags } from './doctor.ts';

type OptionRow = readonly [string, string, string];

export function addDoctorCommands(program: Command, dataDir: OptionRow, parsePort: (text: string) => number): void {
  const lookedAt = (command: Command): Command =>
    command
      .option(...dataDir)
      .option('--policy-dir <DIR>', 'folder of the policy files', DEFAULT_POLICY_FOLDER)
      .option('--port <N>', 'port that the daemon is to listen on', parsePort, DEFAULT_PORT)
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
}
