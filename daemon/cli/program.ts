/** The command line: runs one command, and tells how it ended. */
import { CommanderError } from 'commander';
import { CallError } from '../../api-spec/client/client.ts';
import { ConfigurationError } from '../configuration/problem.ts';
import { printCallError } from './call.ts';
import { printProblems } from './config-problems.ts';
import { createProgram } from './commands.ts';
import { failureText } from './failure.ts';
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
  if (error instanceof CallError) printCallError(error);
  else if (error instanceof ConfigurationError) printProblems(error.problems);
  else printNotice(`kortd: ${failureText(error)}`);
  return error instanceof UsageError ? 2 : 1;
}
