/** `kortd support-bundle`: what support needs to know of this computer, redacted, in one file that a person looks at and sends. */
import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { CHECKS } from '../doctor/checks/index.ts';
import { reportOf } from '../doctor/report.ts';
import { runChecks } from '../doctor/run.ts';
import { bundleFiles, describeFiles, writeBundle, zipFiles } from '../support/bundle.ts';
import { gatherParts } from '../support/parts.ts';
import { MAX_TRACE_BYTES, TraceRefusedError } from '../support/trace-part.ts';
import { machineOf, type MachineFlags } from './doctor.ts';
import { printNotice, printResult } from './output.ts';
import { UsageError } from './usage-error.ts';

export interface SupportBundleFlags extends MachineFlags {
  readonly trace?: string;
  readonly log?: string;
}

/** After which what cannot be had is left out. */
const GATHERING_MS = 15_000;

/** Prints the path of the file, and on standard error what is in it. */
export async function runSupportBundle(file: string | undefined, flags: SupportBundleFlags): Promise<void> {
  const now = new Date();
  const path = resolve(file ?? `kortd-support-${now.toISOString().replaceAll(/[-:]|\.\d+/g, '')}.zip`);
  const trace = flags.trace === undefined ? undefined : readTrace(flags.trace);
  await using machine = await machineOf(flags);
  const report = reportOf(await runChecks(CHECKS, machine), now);
  const parts = await gatherParts({ look: machine.look(AbortSignal.timeout(GATHERING_MS)), report, logFile: flags.log });
  const files = filesOf({ now, parts, ...(trace === undefined ? {} : { trace }) });
  writeBundle(path, await zipFiles(files));
  printNotice(describeFiles(files));
  printResult(path);
}

function filesOf(options: Parameters<typeof bundleFiles>[0]): ReturnType<typeof bundleFiles> {
  try {
    return bundleFiles(options);
  } catch (error) {
    if (error instanceof TraceRefusedError) throw new UsageError(`--trace: ${error.message}`, `--trace: ${error.sv}`);
    throw error;
  }
}

function readTrace(file: string): string {
  if (statSync(file).size > MAX_TRACE_BYTES)
    throw new UsageError(
      `--trace ${file}: it is larger than ${MAX_TRACE_BYTES} bytes`,
      `--trace ${file}: den är större än ${MAX_TRACE_BYTES} byte`,
    );
  return readFileSync(file, 'utf8');
}
