/**
 * The words for what a check came to (BSI TR-03135-1, shortened). Never a boolean and never absent: what was not looked at is `notPerformed`, and what nobody can
 * judge is `undetermined`.
 */
import Type, { type Static } from 'typebox';

export const VERDICTS = ['passed', 'failed', 'undetermined', 'notSupported', 'notPerformed', 'aborted'] as const;

export const Verdict = Type.Enum(VERDICTS, {
  description:
    'passed; failed; undetermined: nobody can tell; notSupported: the document or the device has no such thing; notPerformed; aborted.',
  /** What any other word means. */
  'x-fallback': 'undetermined',
});
export type Verdict = Static<typeof Verdict>;
