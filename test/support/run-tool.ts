/** Runs a program to its end, with some variables more in its environment. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const TIMEOUT_MS = 60_000;

/** Resolves with what it printed. Rejects with that when its exit status is not 0. */
export async function runTool(
  command: string,
  parameters: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  try {
    const env = { ...process.env, ...environment };
    const { stdout, stderr } = await promisify(execFile)(command, parameters, { timeout: TIMEOUT_MS, env });
    return stdout + stderr;
  } catch (error) {
    const output =
      error instanceof Error && 'stderr' in error && 'stdout' in error ? `${String(error.stdout)}${String(error.stderr)}` : '';
    throw new Error(`${command} ${parameters.join(' ')} failed: ${output}`, { cause: error });
  }
}
