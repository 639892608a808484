/** The command line: runs one command, and tells how it ended. */
import { CommanderError } from 'commander';
import { CallError, ConnectionError } from '../../api-spec/client/client.ts';
import { ConfigurationError } from '../configuration/problem.ts';
import { DataFolderError } from '../data-folder.ts';
import { printCallError } from './call.ts';
import { printProblems } from './config-problems.ts';
import { createProgram } from './commands.ts';
import { languageOf } from '../prompt/agent/language.ts';
import { SimulationFileError } from '../../drivers/simulated/errors.ts';
import { printNotice } from './output.ts';
import { UsageError } from './usage-error.ts';

/** Resolves with the exit status: 0, 1 for a failure, 2 for wrong usage, or what a command set of a program that it ran. */
export async function run(argv: readonly string[]): Promise<number> {
  try {
    await createProgram().parseAsync(argv, { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    return report(error);
  }
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof UsageError) {
    printNotice(`kortd: ${error.message}`);
    return 2;
  }
  if (error instanceof CallError) printCallError(error);
  else if (error instanceof SimulationFileError && error.sv !== undefined && languageOf(process.env) === 'sv')
    printNotice(`kortd: ${error.sv}`);
  else if (error instanceof ConfigurationError) printProblems(error.problems);
  else if (error instanceof DataFolderError || error instanceof ConnectionError || error instanceof SyntaxError)
    printNotice(`kortd: ${error.message}`);
  else if (isSystemError(error, 'EADDRINUSE')) {
    printNotice('kortd: the port is taken by another program. Stop that, or choose other ports with --port and --console-port.');
  } else printNotice(`kortd: ${error instanceof Error ? error.message : String(error)}`);
  return 1;
}

function isSystemError(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
