/** The whole configuration, checked without a daemon: the file, the policy folder with what its files name, `scanners.json`, and the certificate of https. */
import { readPolicy, type Policy } from '../access/policy.ts';
import { TrustedCountries } from '../documents/trusted-countries.ts';
import { IdentityAuthorities } from '../identity/settings.ts';
import { silentLog } from '../log.ts';
import { readConfigurations } from '../scanners/configuration-file.ts';
import { readTls } from '../tls/tls-folder.ts';
import { readEffective, type ConfigurationSource } from './configuration.ts';
import type { Effective } from './effective.ts';
import { inSwedish } from './swedish.ts';
import { ConfigurationError, type ConfigurationProblem } from './problem.ts';

export interface Checked {
  /** Undefined when the file is refused: then neither folder is known for sure, and neither is looked at. */
  readonly effective?: Effective;
  readonly problems: readonly ConfigurationProblem[];
}

export async function checkConfiguration(source: ConfigurationSource): Promise<Checked> {
  try {
    const effective = readEffective(source);
    return { effective, problems: await problemsIn(effective) };
  } catch (error) {
    if (error instanceof ConfigurationError) return { problems: error.problems };
    throw error;
  }
}

async function problemsIn({ settings: { folders } }: Effective): Promise<readonly ConfigurationProblem[]> {
  const policy = readPolicy(folders.policy);
  return [
    ...policy.problems.map(inBothLanguages),
    ...(await materialProblems(policy)),
    ...inData(folders.data).map(inBothLanguages),
  ];
}

/** Of what the files of a policy name: certificates and lists. */
export async function materialProblems(policy: Policy): Promise<readonly ConfigurationProblem[]> {
  const identities = new IdentityAuthorities(() => policy.identity, { simulated: false, log: silentLog });
  const countries = new TrustedCountries({ sections: () => policy.passports, simulated: undefined, log: silentLog });
  return [...identities.problems, ...(await countries.problems())].map(inBothLanguages);
}

export function inBothLanguages({ file, problem }: { readonly file: string; readonly problem: string }): ConfigurationProblem {
  return { file, en: problem, sv: inSwedish(problem) };
}

function inData(folder: string | undefined): readonly { readonly file: string; readonly problem: string }[] {
  if (folder === undefined) return [];
  const { problem } = readConfigurations(folder);
  return [...(problem ? [problem] : []), ...tlsProblems(folder)];
}

function tlsProblems(folder: string): readonly { readonly file: string; readonly problem: string }[] {
  try {
    readTls(folder, { now: new Date() });
    return [];
  } catch (error) {
    return [{ file: `${folder}/tls`, problem: error instanceof Error ? error.message : String(error) }];
  }
}
