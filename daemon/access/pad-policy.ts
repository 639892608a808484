/** The `pads` of a policy file: for whom how people write is encrypted, and how fine the pen is told while it writes. Recipients of several files add up. */
import { isAbsolute } from 'node:path';
import Type, { type Static } from 'typebox';
import {
  checkLinePads,
  SerialStuSection,
  SignotecSection,
  TopazSection,
  type LinePads,
} from '../../drivers/pads/line-configuration.ts';

export const PadsSection = Type.Object(
  {
    /** PEM files of certificates: whoever holds the key of one can read samples. Without any none leave kortd. */
    biometricRecipients: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 4_096 }), { maxItems: 10 })),
    /** `ink` (default): pad.pen tells enough to draw. `raw`: all that was measured, in clear, to whoever may capture. */
    live: Type.Optional(Type.Enum(['ink', 'raw'] as const)),
    /** Serial lines that have a Topaz pad behind them. */
    topaz: Type.Optional(TopazSection),
    /** Serial lines that have a Wacom STU behind them. */
    serialStu: Type.Optional(SerialStuSection),
    /** signotec's local service. */
    signotec: Type.Optional(SignotecSection),
  },
  { additionalProperties: false },
);
export type PadsSection = Static<typeof PadsSection>;

export interface PadPolicy {
  /** Absolute paths. */
  readonly biometricRecipients: readonly string[];
  readonly live: 'ink' | 'raw';
  /** Pads that are not found by themselves. */
  readonly lines: LinePads;
}

/** Throws for what the schema cannot say. */
export function checkPads({ biometricRecipients = [], ...section }: PadsSection): void {
  checkLinePads(section);
  for (const file of biometricRecipients) if (!isAbsolute(file)) throw new Error(`pads: ${file} is no absolute path`);
}

/** Of `live` and `signotec` the last one that says it counts; lines add up. */
export function mergePads(sections: readonly PadsSection[]): PadPolicy {
  const signotec = sections.findLast((section) => section.signotec)?.signotec;
  return {
    biometricRecipients: [...new Set(sections.flatMap(({ biometricRecipients = [] }) => biometricRecipients))],
    live: sections.findLast(({ live }) => live !== undefined)?.live ?? 'ink',
    lines: {
      topaz: sections.flatMap(({ topaz = [] }) => topaz),
      serialStu: sections.flatMap(({ serialStu = [] }) => serialStu),
      ...(signotec ? { signotec } : {}),
    },
  };
}
