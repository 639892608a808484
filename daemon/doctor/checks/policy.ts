/** The administrator's policy: a file that is refused is refused whole, and what it was to say does not hold. */
import { readPolicy } from '../../access/policy.ts';
import { inSwedish } from '../../configuration/swedish.ts';
import { defineCheck } from '../check.ts';
import { findAccount } from '../../service/accounts.ts';
import { findServiceUnit } from '../../service/service-unit.ts';

const FAULTS = {
  policy_file_refused: {
    severity: 'error',
    en: 'A policy file is refused whole, and nothing that it says holds.',
    sv: 'En policyfil avvisas i sin helhet, och inget som den säger gäller.',
    command: 'sudo chown root: {file} && sudo chmod go-w {file} && sudo "${EDITOR:-nano}" {file} && kortd reload',
  },
} as const;

export const policyCheck = defineCheck({
  id: 'policy',
  title: { en: "The administrator's policy", sv: 'Administratörens policy' },
  faults: FAULTS,
  async look(look, report) {
    const names = await look.list(look.policyFolder);
    if (names.state === 'forbidden' || names.state === 'failed') report.unseen(look.policyFolder, names.why);
    if (names.state !== 'seen') return;
    const unit = await findServiceUnit(look);
    const account = unit && (await findAccount(look, unit.user));
    const { problems } = readPolicy(look.policyFolder, account?.uid ?? look.uid);
    for (const { file, problem } of problems) {
      if (/EACCES|EPERM/.test(problem)) report.unseen(file, problem);
      else report.found('policy_file_refused', { en: `${file}: ${problem}`, sv: `${file}: ${inSwedish(problem)}` }, { file });
    }
  },
});
