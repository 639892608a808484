/**
 * `kortd browsers install` and `remove`: browser policies for every user of this machine, where each browser of a Linux system looks. On Windows and macOS the commands
 * are printed for a person or a fleet's tool to run, from the same data.
 */
import { readFileSync } from 'node:fs';
import { BrowserPolicyError, installMachinePolicies, removeMachinePolicies } from '../browsers/machine-policies.ts';
import { requirePageOrigin } from './browser-policy.ts';
import { printNotice, printResult } from './output.ts';
import { policyCommands } from '../browsers/policy-commands.ts';

export interface InstallFlags {
  readonly authority?: string;
  readonly root: string;
}

export function runBrowsersInstall(origins: readonly string[], { authority, root }: InstallFlags): void {
  const checked = [...new Set(origins.map(requirePageOrigin))];
  if (process.platform !== 'linux') {
    printCommands(policyCommands(process.platform, checked).install);
    return;
  }
  const pem = authority === undefined ? undefined : readFileSync(authority, 'utf8');
  const { files, rivals } = changing(() =>
    installMachinePolicies(root, { origins: checked, ...(pem === undefined ? {} : { authority: pem }) }),
  );
  for (const file of files) printResult(file);
  for (const file of rivals)
    printNotice(
      `${file} sets the same policy: the browser heeds only one of the files. Put the two together. / ${file} sätter samma policy: webbläsaren följer bara en av filerna. Slå ihop dem.`,
    );
  printNotice('Start the browsers anew. Check: chrome://policy, edge://policy, about:policies.');
}

export function runBrowsersRemove({ root }: Pick<InstallFlags, 'root'>): void {
  if (process.platform !== 'linux') {
    printCommands(policyCommands(process.platform, []).remove);
    return;
  }
  const { files } = changing(() => removeMachinePolicies(root));
  for (const file of files) printResult(file);
  if (files.length === 0) printNotice('No policies of kortd are installed here.');
}

/** Rights are told in the words of who can mend it. */
function changing<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (
      error instanceof Error &&
      'code' in error &&
      (error.code === 'EACCES' || error.code === 'EPERM' || error.code === 'EROFS')
    )
      throw new BrowserPolicyError(`changing policies of this machine: ${error.message}. Run this as root`, { cause: error });
    throw error;
  }
}

function printCommands(commands: readonly string[]): void {
  for (const command of commands) printResult(command);
  printNotice('Run these as administrator. / Kör detta som administratör.');
}
