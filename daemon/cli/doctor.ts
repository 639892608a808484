/** `kortd doctor`: what is wrong on this computer, and what mends it. The exit status tells the worst, apart from those of wrong usage and failure. */
import { CHECKS } from '../doctor/checks/index.ts';
import { describeReport, type Language } from '../doctor/print.ts';
import { DoctorReport, reportOf } from '../doctor/report.ts';
import { runChecks } from '../doctor/run.ts';
import { thisMachine, type MachineOptions, type ThisMachine } from '../doctor/this-machine.ts';
import { findWhere, type Named, type Where } from '../service/where.ts';
import { languageOf } from '../prompt/agent/language.ts';
import { printResult } from './output.ts';
import { UsageError } from './usage-error.ts';

export type MachineFlags = Named;

export interface DoctorFlags extends MachineFlags {
  readonly json?: true;
  readonly schema?: true;
  readonly language?: string;
}

/** 1 and 2 are those of every command: it failed, wrong usage. */
const EXIT_STATUS = { healthy: 0, warnings: 3, errors: 4 } as const;

export async function runDoctor(flags: DoctorFlags): Promise<void> {
  const language = parseLanguage(flags.language);
  if (flags.schema) {
    printResult(JSON.stringify(DoctorReport, undefined, 2));
    return;
  }
  const where = await findWhere(flags);
  await using machine = thisMachine(optionsOf(where, flags));
  const report = reportOf(await runChecks(CHECKS, machine), new Date());
  printResult(flags.json ? JSON.stringify(report, undefined, 2) : describeReport(report, language, where));
  process.exitCode = EXIT_STATUS[report.status];
}

/** Disposing of it closes the connection to the daemon. */
export async function machineOf(named: Named): Promise<ThisMachine> {
  return thisMachine(optionsOf(await findWhere(named), named));
}

function optionsOf(where: Where, { root }: Named): MachineOptions {
  return { ...where, ...(root === undefined ? {} : { root }) };
}

function parseLanguage(text: string | undefined): Language {
  if (text === undefined) return languageOf(process.env);
  if (text === 'sv' || text === 'en') return text;
  throw new UsageError(`--language ${text}: choose sv or en`, `--language ${text}: välj sv eller en`);
}
