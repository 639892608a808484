/** The `pads` of a policy file: for whom how people write is encrypted, and how fine the pen is told while it writes. Recipients of several files add up. */
import { isAbsolute } from 'node:path';
import Type, { type Static } from 'typebox';

export const PadsSection = Type.Object(
  {
    /** PEM files of certificates: whoever holds the key of one can read samples. Without any none leave kortd. */
    biometricRecipients: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 4_096 }), { maxItems: 10 })),
    /** `ink` (default): pad.pen tells enough to draw. `raw`: all that was measured, in clear, to whoever may capture. */
    live: Type.Optional(Type.Enum(['ink', 'raw'] as const)),
  },
  { additionalProperties: false },
);
export type PadsSection = Static<typeof PadsSection>;

export interface PadPolicy {
  /** Absolute paths. */
  readonly biometricRecipients: readonly string[];
  readonly live: 'ink' | 'raw';
}

/** Throws for what the schema cannot say. */
export function checkPads({ biometricRecipients = [] }: PadsSection): void {
  for (const file of biometricRecipients) if (!isAbsolute(file)) throw new Error(`pads: ${file} is no absolute path`);
}

/** Of `live` the last one that says it counts. */
export function mergePads(sections: readonly PadsSection[]): PadPolicy {
  return {
    biometricRecipients: [...new Set(sections.flatMap(({ biometricRecipients = [] }) => biometricRecipients))],
    live: sections.findLast(({ live }) => live !== undefined)?.live ?? 'ink',
  };
}
