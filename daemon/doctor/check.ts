/**
 * What a check of `kortd doctor` is: it looks at one thing of the machine, changes nothing, and says what it found. Its findings are data, each with its
 * sentence in English and Swedish and the command that mends it; the check gives the evidence.
 */
import type { Look } from './look.ts';

/** The worst last. */
export const SEVERITIES = ['info', 'warning', 'error'] as const;
export type Severity = (typeof SEVERITIES)[number];

export interface Texts {
  readonly en: string;
  readonly sv: string;
}

/** Names, numbers and paths are the same in each language. */
export type Said = string | Texts;

/** One thing that can be wrong. `{name}` in the command is filled by what the check found. */
export interface Fault extends Texts {
  readonly severity: Severity;
  /** For a shell. Starts with # where no command does it and a person has to. */
  readonly command: string;
}

export interface Finding extends Fault {
  /** Stable, snake_case: what fleets look for. */
  readonly id: string;
  readonly check: string;
  /** What was seen, one line each: as it is, or in words. */
  readonly evidence: readonly Said[];
}

/** What could not be looked at. */
export interface Unseen {
  readonly check: string;
  readonly what: Said;
  readonly why: Said;
}

export interface Report {
  found(fault: string, evidence: Said | readonly Said[], places?: Readonly<Record<string, string>>): void;
  unseen(what: Said, why: Said): void;
}

export interface Check {
  readonly id: string;
  readonly title: Texts;
  /** Everything that it can find, by id. */
  readonly faults: Readonly<Record<string, Fault>>;
  /** Rejects for nothing that a machine can be like. */
  look(look: Look, report: Report): Promise<void>;
}

/** Where the compiler sees that a check finds only what it has a text for. */
export interface TypedReport<Id extends string> extends Report {
  found(fault: Id, evidence: Said | readonly Said[], places?: Readonly<Record<string, string>>): void;
}

export function saidIn(said: Said, language: keyof Texts): string {
  return typeof said === 'string' ? said : said[language];
}

export function defineCheck<Id extends string>(check: {
  readonly id: string;
  readonly title: Texts;
  readonly faults: Readonly<Record<Id, Fault>>;
  look(look: Look, report: TypedReport<Id>): Promise<void>;
}): Check {
  return check;
}
