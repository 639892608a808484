/** What must pass for a document to pass, as data of the policy: one set for each assurance level or routine, by its name. */
import type { MANUAL_CHECKS } from '../../../api-spec/document.ts';
import type { FactName } from './statement.ts';

export type ManualCheck = (typeof MANUAL_CHECKS)[number];

export interface SettleRule {
  /** Checks that an operator may settle when the machine cannot tell. */
  readonly check: string;
  /** All of these must have passed. */
  readonly by: readonly ManualCheck[];
  /** How many callers or cards must have said so. */
  readonly persons: number;
}

export interface RuleSet {
  readonly name: string;
  readonly minimumAge?: number;
  /** Each must pass. */
  readonly mandatory: readonly string[];
  /** Of each, one must pass. */
  readonly oneOf: readonly (readonly string[])[];
  /** When the chip must have been read: what of it must pass is `chip`. */
  readonly requiresChip: 'always' | 'expected' | 'never';
  readonly chip: readonly string[];
  /** What must have been typed, and must agree with something that was read. */
  readonly typedFields: readonly FactName[];
  /** Checks that are shown, and count for nothing. */
  readonly informative: readonly string[];
  readonly settles: readonly SettleRule[];
}
