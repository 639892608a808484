/** The command line: `kortd serve`, `status`, `call`, `simulate`. */
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { CallError, ConnectionError } from '../../api-spec/client/client.ts';
import { defaultDataFolder, DataFolderError } from '../data-folder.ts';
import { VERSION } from '../version.ts';
import { DEFAULT_POLICY_FOLDER } from '../access/policy.ts';
import { printCallError, runCall, runGrant, runStatus } from './call.ts';
import { printNotice } from './output.ts';
import { UsageError } from './usage-error.ts';

const DEFAULT_PORT = 27_150;

const GRANT_VERBS = [
  ['approve', '<code>', 'Grant what the request under this code asks for.'],
  ['deny', '<code>', 'Refuse the request under this code.'],
  ['revoke', '<origin>', 'Take access back; open connections of the origin are closed.'],
] as const;

interface ServeFlags {
  readonly policyDir: string;
  readonly simulate?: string;
  readonly port: number;
  readonly dataDir: string;
  readonly logLevel: string;
  readonly examples?: true;
}

/** Resolves with the exit status: 0, 1 for a failure, 2 for wrong usage. */
export async function run(argv: readonly string[]): Promise<number> {
  try {
    await createProgram().parseAsync(argv, { from: 'user' });
    return 0;
  } catch (error) {
    return report(error);
  }
}

function createProgram(): Command {
  const program = new Command('kortd')
    .description('The service that owns the card readers, cards, pads and scanners of a workstation.')
    .version(VERSION);
  program.exitOverride().showHelpAfterError('Try: kortd --help');
  const dataDir = ['--data-dir <DIR>', 'folder with the address and token of the daemon', defaultDataFolder()] as const;
  program
    .command('serve')
    .description('Run the daemon until SIGTERM or Ctrl+C.')
    .option('--simulate <SCENARIO>', 'a simulated desk instead of real readers: "office", or the path of a scenario file')
    .option('--port <N>', 'port on 127.0.0.1 and [::1]; 0 takes any free one', parsePort, DEFAULT_PORT)
    .option(...dataDir)
    .option('--policy-dir <DIR>', 'folder of files that grant access to web origins', DEFAULT_POLICY_FOLDER)
    .option('--log-level <LEVEL>', 'trace, debug, info, warn, error or silent; logs go to standard error', parseLogLevel, 'info')
    .option('--examples', 'print commands to try')
    .action(async (flags: ServeFlags) => {
      const { runServe } = await import('./serve.ts');
      await runServe({ ...flags, examples: flags.examples ?? false });
    });
  program
    .command('status')
    .description('Show the running daemon, its readers and cards.')
    .option(...dataDir)
    .option('--json', 'print JSON')
    .action(async (flags: { dataDir: string; json?: true }) => runStatus({ ...flags, json: flags.json ?? false }));
  program
    .command('call')
    .description('Make one call and print its result as JSON. Errors go to standard error, with exit status 1.')
    .argument('<method>', 'as in the reference: card.list')
    .argument('[params]', 'JSON object; "-" reads it from standard input, which keeps a PIN out of the process list')
    .option('--timeout <MS>', 'deadline of the call', parseMilliseconds)
    .option(...dataDir)
    .action(async (method: string, params: string | undefined, flags: { dataDir: string; timeout?: number }) =>
      runCall(method, params, { dataDir: flags.dataDir, ...(flags.timeout === undefined ? {} : { timeoutMs: flags.timeout }) }),
    );
  const grant = program.command('grant').description('Decide which web origins have access.');
  const dataDirOf = (flags: { dataDir: string }): { dataDir: string } => ({ dataDir: flags.dataDir });
  grant
    .command('list')
    .description('Grants in force, and requests that wait.')
    .option(...dataDir)
    .action(async (flags: { dataDir: string }) => runGrant('list', undefined, dataDirOf(flags)));
  for (const [verb, argument, description] of GRANT_VERBS) {
    grant
      .command(verb)
      .description(description)
      .argument(argument)
      .option(...dataDir)
      .action(async (subject: string, flags: { dataDir: string }) => runGrant(verb, subject, dataDirOf(flags)));
  }
  program
    .command('simulate')
    .description('Put a simulated card behind the real PC/SC service, until SIGTERM or Ctrl+C.')
    .requiredOption('--card <KIND>', 'kind of card: piv')
    .requiredOption('--vpcd <HOST:PORT>', 'slot of a vpcd reader: 127.0.0.1:35963')
    .option('--state <FILE>', 'file that keeps what is on the card; made when it is missing')
    .action(async (flags: { card: string; vpcd: string; state?: string }) => {
      const { runSimulate } = await import('./simulate.ts');
      await runSimulate(flags);
    });
  addAuditCommands(program, dataDir);
  return program;
}

function addAuditCommands(program: Command, dataDir: readonly [string, string, string]): void {
  const audit = program.command('audit').description('The log of what was done with cards, and by whom.');
  audit
    .command('verify')
    .description('Check an export or an audit.sqlite: that no record was changed, dropped, added or moved. Needs no daemon.')
    .argument('<file>', 'from kortd audit export, or the database of a data folder')
    .option('--fingerprint <HEX>', 'the key that it must be signed with')
    .option('--against <FILE>', 'an earlier export or copy, whose records must still be there')
    .option('--json', 'print JSON')
    .action(async (file: string, flags: { fingerprint?: string; against?: string; json?: true }) => {
      const { runAuditVerify } = await import('./audit.ts');
      await runAuditVerify(file, flags);
    });
  audit
    .command('export')
    .description('Print the whole log of the running daemon as JSON Lines, signed.')
    .option('--out <FILE>', 'write it to this file')
    .option(...dataDir)
    .action(async (flags: { dataDir: string; out?: string }) => {
      const { runAuditExport } = await import('./audit.ts');
      await runAuditExport(flags);
    });
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof UsageError) {
    printNotice(`kortd: ${error.message}`);
    return 2;
  }
  if (error instanceof CallError) printCallError(error);
  else if (error instanceof DataFolderError || error instanceof ConnectionError || error instanceof SyntaxError)
    printNotice(`kortd: ${error.message}`);
  else if (isSystemError(error, 'EADDRINUSE')) {
    printNotice('kortd: the port is taken by another program. Stop that, or choose another port with --port.');
  } else printNotice(`kortd: ${error instanceof Error ? error.message : String(error)}`);
  return 1;
}

function isSystemError(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new InvalidArgumentError('a port is a number from 0 to 65535');
  return port;
}

function parseMilliseconds(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('a deadline is a number of milliseconds');
  return Number(text);
}

function parseLogLevel(text: string): string {
  if (!['trace', 'debug', 'info', 'warn', 'error', 'silent'].includes(text))
    throw new InvalidArgumentError('choose trace, debug, info, warn, error or silent');
  return text;
}
