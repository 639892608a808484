/** `kortd doctor`: what is wrong on this computer, and what mends it. The exit status tells the worst, apart from those of wrong usage and failure. */
import { existsSync } from 'node:fs';
import { defaultDataFolder } from '../data-folder.ts';
import { CHECKS } from '../doctor/checks/index.ts';
import { describeReport, languageOf, type Language } from '../doctor/print.ts';
import { DoctorReport, reportOf } from '../doctor/report.ts';
import { runChecks } from '../doctor/run.ts';
import { thisMachine, type ThisMachine } from '../doctor/this-machine.ts';
import { printResult } from './output.ts';
import { UsageError } from './usage-error.ts';

export interface MachineFlags {
  readonly dataDir: string;
  readonly policyDir: string;
  readonly port: number;
  readonly root?: string;
}

export interface DoctorFlags extends MachineFlags {
  readonly json?: true;
  readonly schema?: true;
  readonly language?: string;
}

/** 1 and 2 are those of every command: it failed, wrong usage. */
const EXIT_STATUS = { healthy: 0, warnings: 3, errors: 4 } as const;
/** Where the package's service keeps its data. */
const SERVICE_FOLDER = '/var/lib/kortd';

export async function runDoctor(flags: DoctorFlags): Promise<void> {
  const language = parseLanguage(flags.language);
  if (flags.schema) {
    printResult(JSON.stringify(DoctorReport, undefined, 2));
    return;
  }
  await using machine = machineOf(flags);
  const report = reportOf(await runChecks(CHECKS, machine), new Date());
  printResult(flags.json ? JSON.stringify(report, undefined, 2) : describeReport(report, language));
  process.exitCode = EXIT_STATUS[report.status];
}

/** The service's own data where it is installed and this user has none. */
export function machineOf({ dataDir, policyDir, port, root }: MachineFlags): ThisMachine {
  const isService = dataDir === defaultDataFolder() && !existsSync(dataDir) && existsSync(SERVICE_FOLDER);
  const dataFolder = isService ? SERVICE_FOLDER : dataDir;
  return thisMachine({ dataFolder, policyFolder: policyDir, port, ...(root === undefined ? {} : { root }) });
}

function parseLanguage(text: string | undefined): Language {
  if (text === undefined) return languageOf(process.env);
  if (text === 'sv' || text === 'en') return text;
  throw new UsageError(`--language ${text}: choose sv or en`);
}
