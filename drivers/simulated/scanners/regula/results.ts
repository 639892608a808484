/** Numbers that several answers of the simulated service have (common.yml). */

/** CheckResult. */
export const NEGATIVE = 0;
export const POSITIVE = 1;
export const NOT_DONE = 2;
/** What no description has. */
export const NEVER_HEARD_OF = 7;

/** Negative before not done before positive. */
export function worst(results: readonly number[]): number {
  if (results.includes(NEGATIVE)) return NEGATIVE;
  return results.find((result) => result !== POSITIVE) ?? POSITIVE;
}

export function rectangle(left: number, top: number, right: number, bottom: number): object {
  return { left, top, right, bottom };
}
