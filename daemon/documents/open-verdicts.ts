/** Verdicts about identity documents, and what they are made of, opened with the policy that they follow. */
import { randomBytes } from 'node:crypto';
import type { VerdictPolicy } from '../access/verdict-policy.ts';
import { Kept } from './kept.ts';
import type { ChipReading } from './verify/examine.ts';
import { DocumentLists } from './verify/lists.ts';
import { Verdicts } from './verify/verdicts.ts';

const READINGS = { noun: 'reading', limit: 64, limitPerOwner: 32 };

export interface OpenVerdicts extends Disposable {
  readonly verdicts: Verdicts;
  /** Chips that were read: held until they are judged. */
  readonly passportReadings: Kept<ChipReading>;
}

/** The caller closes. */
export function openVerdicts(policy: () => VerdictPolicy, now: () => Date): OpenVerdicts {
  const undo = new DisposableStack();
  const lists = new DocumentLists({ folder: () => policy().listFolder });
  const verdicts = undo.use(
    new Verdicts({
      policy,
      findOnLists: (documents) => lists.find(documents),
      now,
      randomBytes: (length) => randomBytes(length),
    }),
  );
  const passportReadings = undo.use(new Kept<ChipReading>(READINGS));
  return { verdicts, passportReadings, [Symbol.dispose]: () => undo.dispose() };
}
