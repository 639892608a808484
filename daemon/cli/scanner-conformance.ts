/** `kortd scanner conformance`: does a vendor's program speak the protocol of scanners? For those who write one; no daemon is needed. */
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { printResult } from './output.ts';
import { UsageError } from './usage-error.ts';

/** Throws Error when something did not pass: exit status 1. */
export async function runScannerConformance(command: readonly string[], scanTimeoutMs: number): Promise<void> {
  const [program = '', ...parameters] = command;
  const folder = mkdtempSync(join(tmpdir(), 'kortd-scanner-'));
  try {
    const { testConformance } = await import('../../drivers/scanners/program/conformance.ts');
    const isGood = await testConformance({
      command: [findProgram(program), ...parameters.map(absolutePath)],
      folder,
      scanTimeoutMs,
      onStep: ({ name, passed, found }) => printResult(`${passed ? 'ok    ' : 'FAILED'}  ${name}: ${found}`),
    });
    if (!isGood) throw new Error('the program does not conform; drivers/scanners/README.md has the protocol');
    printResult('The program conforms.');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The program runs in another folder. */
function absolutePath(parameter: string): string {
  return isFile(parameter) ? resolve(parameter) : parameter;
}

function findProgram(program: string): string {
  if (isAbsolute(program)) return program;
  const folders = /[/\\]/.test(program) ? ['.'] : (process.env['PATH'] ?? '').split(delimiter);
  const found = folders.map((folder) => resolve(folder, program)).find(isFile);
  if (found === undefined) throw new UsageError(`there is no program ${program}`, `det finns inget program ${program}`);
  return found;
}

function isFile(path: string): boolean {
  try {
    accessSync(path, constants.F_OK);
    return true;
  } catch {
    return false;
  }
}
