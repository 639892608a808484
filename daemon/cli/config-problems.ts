/** How the command line tells what is wrong with the configuration: in the language of the person's session. */
import { sentenceOf, type ConfigurationProblem } from '../configuration/problem.ts';
import { languageOf } from '../prompt/agent/language.ts';
import { printNotice } from './output.ts';

export function printProblems(problems: readonly ConfigurationProblem[]): void {
  const language = languageOf(process.env);
  for (const problem of problems) printNotice(`kortd: ${sentenceOf(problem, language)}`);
}
