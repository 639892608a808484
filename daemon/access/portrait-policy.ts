/**
 * The `portraits` of a policy file: what a portrait must be like. A limit that no file names is the office's own; of several files the last one that names it counts.
 */
import Type, { type Static } from 'typebox';
import { DEFAULT_PORTRAIT_LIMITS, PORTRAIT_RULES, type PortraitLimits, type PortraitRule } from '../documents/portrait/limits.ts';

const Bound = Type.Object(
  { min: Type.Optional(Type.Number()), max: Type.Optional(Type.Number()) },
  { additionalProperties: false },
);

export const PortraitsSection = Type.Object(
  {
    limits: Type.Optional(
      Type.Object(Object.fromEntries(PORTRAIT_RULES.map((rule) => [rule, Type.Optional(Bound)])), {
        additionalProperties: false,
      }),
    ),
    /** Shown, and of no weight. */
    informative: Type.Optional(Type.Array(Type.Enum(PORTRAIT_RULES), { maxItems: PORTRAIT_RULES.length })),
  },
  { additionalProperties: false },
);
export type PortraitsSection = Static<typeof PortraitsSection>;

export interface PortraitPolicy {
  readonly limits: PortraitLimits;
  readonly informative: readonly PortraitRule[];
}

/** Throws for what the schema cannot say. */
export function checkPortraits({ limits = {} }: PortraitsSection): void {
  for (const [rule, { min, max }] of boundsOf(limits)) {
    if (min === undefined && max === undefined) throw new Error(`portraits: ${rule} has no limit`);
    if (min !== undefined && max !== undefined && min > max) throw new Error(`portraits: ${rule}: min is above max`);
  }
}

export function mergePortraits(sections: readonly PortraitsSection[]): PortraitPolicy {
  const named = Object.fromEntries(sections.flatMap(({ limits = {} }) => boundsOf(limits)));
  return {
    limits: { ...DEFAULT_PORTRAIT_LIMITS, ...named },
    informative: sections.findLast(({ informative }) => informative !== undefined)?.informative ?? [],
  };
}

function boundsOf(limits: NonNullable<PortraitsSection['limits']>): readonly (readonly [string, Static<typeof Bound>])[] {
  return Object.entries(limits).flatMap(([rule, bound]) => (bound ? [[rule, bound] as const] : []));
}
