/**
 * The `verdicts` of a policy file: what must pass for an identity document to pass, one set of rules for each assurance level or routine, and where the lists of
 * documents are that are not to be taken. A set of rules replaces all of the earlier one of its name; kortd brings `loa2` and `loa3`.
 */
import { isAbsolute } from 'node:path';
import Type, { type Static } from 'typebox';
import { DocumentFacts, ManualCheckName } from '../../api-spec/document.ts';
import { isRequirement } from '../documents/verify/requirements.ts';
import type { RuleSet } from '../documents/verify/rule-set.ts';
import type { FactName } from '../documents/verify/statement.ts';
import defaults from '../documents/verify/rule-sets.json' with { type: 'json' };

const strict = { additionalProperties: false } as const;
const Check = Type.String({ minLength: 1, maxLength: 80 });
const Checks = Type.Array(Check, { maxItems: 64 });
const FACT_NAMES = Object.keys(DocumentFacts.properties) as FactName[];

const RuleSetEntry = Type.Object(
  {
    /** In whole years, in the calendar of Sweden. */
    minimumAge: Type.Optional(Type.Integer({ minimum: 0, maximum: 120 })),
    mandatory: Type.Array(Check, { minItems: 1, maxItems: 64 }),
    oneOf: Type.Optional(Type.Array(Type.Array(Check, { minItems: 1, maxItems: 16 }), { maxItems: 16 })),
    requiresChip: Type.Optional(Type.Enum(['always', 'expected', 'never'] as const)),
    /** What must pass where the chip must have been read. */
    chip: Type.Optional(Checks),
    typedFields: Type.Optional(Type.Array(Type.Enum(FACT_NAMES), { maxItems: FACT_NAMES.length })),
    /** Shown, and of no weight. */
    informative: Type.Optional(Checks),
    /** What an operator may settle where the machine cannot tell: never what failed. */
    settles: Type.Optional(
      Type.Array(
        Type.Object(
          {
            check: Check,
            by: Type.Array(ManualCheckName, { minItems: 1, maxItems: 9 }),
            persons: Type.Optional(Type.Integer({ minimum: 1, maximum: 2 })),
          },
          strict,
        ),
        { maxItems: 32 },
      ),
    ),
  },
  strict,
);

export const VerdictsSection = Type.Object(
  {
    ruleSets: Type.Optional(
      Type.Record(Type.String({ pattern: '^[a-z][a-z0-9-]{0,59}$' }), RuleSetEntry, {
        maxProperties: 50,
        additionalProperties: false,
      }),
    ),
    /** Absolute path of a folder of lists. */
    listFolder: Type.Optional(Type.String({ minLength: 1, maxLength: 4_096 })),
    /** How long a verdict is kept, in memory alone. */
    keepMinutes: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_440 })),
  },
  strict,
);
export type VerdictsSection = Static<typeof VerdictsSection>;

export interface VerdictPolicy {
  readonly ruleSets: ReadonlyMap<string, RuleSet>;
  readonly listFolder: string | undefined;
  readonly keepMs: number;
}

const KEEP_MINUTES = 60;
const MINUTE_MS = 60_000;

/** Throws for what the schema cannot say. */
export function checkVerdicts({ ruleSets = {}, listFolder }: VerdictsSection): void {
  if (listFolder !== undefined && !isAbsolute(listFolder)) throw new Error(`verdicts: ${listFolder} is no absolute path`);
  for (const [name, rules] of Object.entries(ruleSets)) {
    const problem = problemOf(rules);
    if (problem !== undefined) throw new Error(`verdicts: rule set ${name}: ${problem}`);
  }
}

function problemOf({
  mandatory,
  oneOf = [],
  chip = [],
  informative = [],
  settles = [],
  requiresChip = 'never',
}: Static<typeof RuleSetEntry>): string | undefined {
  const settled = settles.map(({ check }) => check);
  for (const name of [...mandatory, ...oneOf.flat(), ...chip, ...informative, ...settled])
    if (!isRequirement(name)) return `there is no check ${name}`;
  const wanted = new Set([...mandatory, ...oneOf.flat(), ...chip]);
  for (const name of informative) {
    if (wanted.has(name)) return `${name} cannot be wanted and of no weight`;
    if (name.startsWith('manual.') || name.startsWith('mrz.')) return `${name} cannot be of no weight`;
  }
  const byHand = settled.find((name) => name.startsWith('manual.'));
  if (byHand !== undefined) return `${byHand} is what an operator said already`;
  return requiresChip !== 'never' && chip.length === 0 ? 'requiresChip needs chip, the checks of it' : undefined;
}

export function mergeVerdicts(sections: readonly VerdictsSection[]): VerdictPolicy {
  const entries = [defaults as NonNullable<VerdictsSection['ruleSets']>, ...sections.map(({ ruleSets = {} }) => ruleSets)];
  const ruleSets = new Map(
    entries.flatMap((sets) => Object.entries(sets)).map(([name, rules]) => [name, ruleSetOf(name, rules)]),
  );
  return {
    ruleSets,
    listFolder: sections.findLast(({ listFolder }) => listFolder !== undefined)?.listFolder,
    keepMs: (sections.findLast(({ keepMinutes }) => keepMinutes !== undefined)?.keepMinutes ?? KEEP_MINUTES) * MINUTE_MS,
  };
}

function ruleSetOf(name: string, rules: Static<typeof RuleSetEntry>): RuleSet {
  const { oneOf = [], requiresChip = 'never', chip = [], typedFields = [], informative = [], settles = [] } = rules;
  const settling = settles.map(({ persons = 1, ...rule }) => ({ ...rule, persons }));
  return { ...rules, name, oneOf, requiresChip, chip, typedFields, informative, settles: settling };
}
