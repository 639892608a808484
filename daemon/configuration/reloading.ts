/**
 * A reload of configuration, policy files and the file of scanners: all that is read is read before anything is applied, and one problem leaves everything as it was. What was wrong is
 * kept for `system.health`, until a reload succeeds.
 */
import type { Result } from '../../api-spec/methods/index.ts';
import type { Access } from '../access/access.ts';
import type { Policy } from '../access/policy.ts';
import type { Log } from '../log.ts';
import type { Scanners } from '../scanners/scanners.ts';
import type { Configuration } from './configuration.ts';
import type { sentenceOf } from './problem.ts';
import { inSwedish } from './swedish.ts';

type HealthProblem = Result<'system.health'>['problems'][number];
type ReloadProblem = Result<'system.reload'>['problems'][number];

export interface ReloadingOptions {
  readonly configuration: Configuration;
  readonly access: Pick<Access, 'apply' | 'policy' | 'prepare'>;
  readonly scanners: Pick<Scanners, 'apply' | 'prepare' | 'refused'>;
  readonly log: Log;
  readonly now?: () => Date;
}

export class Reloading {
  readonly #options: ReloadingOptions;
  #refused: readonly HealthProblem[] = [];

  constructor(options: ReloadingOptions) {
    this.#options = options;
  }

  /** What is wrong; nothing was applied then. */
  async apply(): Promise<readonly ReloadProblem[]> {
    const { configuration, access, scanners, log } = this.#options;
    const prepared = configuration.prepare();
    const policy = access.prepare();
    const scannersFile = scanners.prepare();
    const refused = [...policy.problems, ...(scannersFile.problem ? [scannersFile.problem] : [])];
    const problems = [...prepared.problems.map(toReloadProblem), ...refused.map(inBothLanguages)];
    this.#refused = problems.map((problem) => this.#refusal(problem));
    for (const { file, problem } of problems) log.error({ file, problem }, 'nothing was reloaded: a file was refused');
    if (problems.length > 0) {
      // Which leaves the scanners as they are, and is told by scanner.list.
      if (scannersFile.problem) await scanners.apply(scannersFile);
      return problems;
    }
    configuration.apply(prepared);
    access.apply(policy);
    await scanners.apply(scannersFile);
    const { needsRestart } = configuration;
    if (needsRestart.length > 0) log.warn({ needsRestart }, 'options of the configuration wait for a restart');
    return [];
  }

  /** Absent when nothing waits. */
  get needsRestart(): Pick<Result<'system.reload'>, 'needsRestart'> {
    const { needsRestart } = this.#options.configuration;
    return needsRestart.length > 0 ? { needsRestart: [...needsRestart] } : {};
  }

  /** As they stand: of the last reload, or of policy files that were refused at the start. */
  get problems(): readonly HealthProblem[] {
    const { access, scanners } = this.#options;
    const refused = this.#refused.length > 0 ? this.#refused : this.#problemsAtStart(access.policy);
    const file = scanners.refused;
    const isTold = file === undefined || refused.some((one) => one.file === file.file);
    return [...refused, ...(isTold ? [] : [scannersRefused(file)]), ...this.#waiting()];
  }

  #waiting(): readonly HealthProblem[] {
    const { needsRestart } = this.#options.configuration;
    if (needsRestart.length === 0) return [];
    const list = needsRestart.join(', ');
    return [
      {
        code: 'restart_needed',
        en: `These options of the configuration are taken at the next start: ${list}.`,
        sv: `Dessa val i konfigurationen börjar gälla vid nästa start: ${list}.`,
      },
    ];
  }

  #problemsAtStart({ problems }: Policy): readonly HealthProblem[] {
    return problems.map(({ file, problem }) => ({
      ...{ code: 'policy_refused', file },
      en: `The policy file ${file} was refused at the start, and nothing in it is in force: ${problem}. Mend it, and run: kortd reload`,
      sv: `Policyfilen ${file} avvisades vid starten, och inget i den gäller: ${inSwedish(problem)}. Rätta den och kör: kortd reload`,
    }));
  }

  #refusal({ file, problem, sv = problem }: ReloadProblem): HealthProblem {
    const since = (this.#options.now ?? (() => new Date()))().toISOString();
    return {
      ...{ code: 'reload_refused', file, since },
      en: `${file} was refused, so nothing was reloaded and all is as before: ${problem}. Mend it, and run: kortd reload`,
      sv: `${file} avvisades, så inget lästes in och allt är som förut: ${sv}. Rätta den och kör: kortd reload`,
    };
  }
}

/** Noticed when kortd started, or when the file changed. */
function scannersRefused({ file, problem }: { readonly file: string; readonly problem: string }): HealthProblem {
  return {
    ...{ code: 'scanners_refused', file },
    en: `${file} was refused, and the scanners are as they were before: ${problem}. Mend it, and run: kortd reload`,
    sv: `${file} avvisades, och skannrarna är som förut: ${inSwedish(problem)}. Rätta den och kör: kortd reload`,
  };
}

function inBothLanguages({ file, problem }: { readonly file: string; readonly problem: string }): ReloadProblem {
  return { file, problem, sv: inSwedish(problem) };
}

function toReloadProblem(problem: Parameters<typeof sentenceOf>[0]): ReloadProblem {
  const { file, line, path, en, sv } = problem;
  return { file, problem: en, sv, ...(line === undefined ? {} : { line }), ...(path === undefined ? {} : { path }) };
}
