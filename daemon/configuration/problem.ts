/** What is wrong with the configuration, for people: which file, which line and option, what came, and what is allowed; in English and Swedish. */
import type { Wording } from './option.ts';

export interface ConfigurationProblem extends Wording {
  readonly file: string;
  /** From 1. */
  readonly line?: number;
  /** "listen.port"; absent for what is wrong with the whole. */
  readonly path?: string;
}

const MAX_CAME = 60;

/** The configuration is refused whole. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  readonly problems: readonly ConfigurationProblem[];

  constructor(problems: readonly ConfigurationProblem[], options?: ErrorOptions) {
    super(problems.map((problem) => sentenceOf(problem, 'en')).join('\n'), options);
    this.problems = problems;
  }
}

/** With its place in front: "/etc/kortd/kortd.json, line 4: …". */
export function sentenceOf({ file, line, ...wording }: ConfigurationProblem, language: 'en' | 'sv'): string {
  const word = language === 'sv' ? 'rad' : 'line';
  return `${file}${line === undefined ? '' : `, ${word} ${line}`}: ${wording[language]}`;
}

/** A value as it stands in a file, cut short. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > MAX_CAME ? `${text.slice(0, MAX_CAME)}…` : text;
}
