/** What `kortd config check` looks at and no other check does: the configuration file, what policies name, and the file of the scanners. */
import { readPolicy } from '../../access/policy.ts';
import { inBothLanguages, materialProblems } from '../../configuration/check.ts';
import { readEffective } from '../../configuration/configuration.ts';
import { ConfigurationError, sentenceOf, type ConfigurationProblem } from '../../configuration/problem.ts';
import { readConfigurations } from '../../scanners/configuration-file.ts';
import { findAccount } from '../../service/accounts.ts';
import { defineCheck, type Texts, type TypedReport } from '../check.ts';
import type { Look } from '../look.ts';
import { findServiceUnit } from '../../service/service-unit.ts';

const FAULTS = {
  configuration_refused: {
    severity: 'error',
    en: 'The configuration file is refused: kortd does not start with it, and while it runs keeps what it read before.',
    sv: 'Konfigurationsfilen avvisas: kortd startar inte med den, och är kortd igång gäller det som lästes förut.',
    command: 'sudo "${EDITOR:-nano}" {file} && kortd config check --config {file} && kortd reload',
  },
  policy_material_unusable: {
    severity: 'error',
    en: 'A policy names a certificate or list that cannot be used, and kortd does without it.',
    sv: 'En policy anger ett certifikat eller en lista som inte går att använda, och kortd klarar sig utan.',
    command: '# Put the file right that is named, then: kortd config check && kortd reload',
  },
  scanners_refused: {
    severity: 'error',
    en: 'The file that names the scanners is refused, and none of those in it is opened.',
    sv: 'Filen som anger skannrarna avvisas, och ingen av dem i den öppnas.',
    command: 'sudo "${EDITOR:-nano}" {file} && kortd config check && kortd reload',
  },
} as const;

type Fault = keyof typeof FAULTS;

export const configurationCheck = defineCheck({
  id: 'configuration',
  title: { en: 'The configuration', sv: 'Konfigurationen' },
  faults: FAULTS,
  async look(look, report) {
    reportFile(look, report);
    const unit = look.isService ? await findServiceUnit(look) : undefined;
    const ownUid = (unit && (await findAccount(look, unit.user)))?.uid ?? look.uid;
    for (const problem of await materialProblems(readPolicy(look.policyFolder, ownUid)))
      reportOrUnseen('policy_material_unusable', problem, report);
    const { problem } = readConfigurations(look.dataFolder, ownUid);
    if (problem) reportOrUnseen('scanners_refused', inBothLanguages(problem), report);
  },
});

function reportFile({ configuration }: Look, report: TypedReport<Fault>): void {
  try {
    readEffective(configuration);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    const [first] = error.problems;
    const file = first?.file ?? configuration.file;
    if (error.problems.some(({ en }) => isForbidden(en))) report.unseen(file, first?.en ?? '');
    else report.found('configuration_refused', error.problems.map(said), { file });
  }
}

function reportOrUnseen(
  fault: Exclude<Fault, 'configuration_refused'>,
  problem: ConfigurationProblem,
  report: TypedReport<Fault>,
): void {
  const { file } = problem;
  if (isForbidden(problem.en)) report.unseen(file, { en: problem.en, sv: problem.sv });
  else report.found(fault, said(problem), { file });
}

function said(problem: ConfigurationProblem): Texts {
  return { en: sentenceOf(problem, 'en'), sv: sentenceOf(problem, 'sv') };
}

/** Another user than this one may read it. */
function isForbidden(why: string): boolean {
  return /EACCES|EPERM/.test(why);
}
