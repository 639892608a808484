/** What is said of one thing that was looked at about an identity document: the words of BSI TR-03135-1, shortened, each with its reason. */
import Type, { type Static } from 'typebox';
import { Closed } from './closed.ts';

/** BSI TR-03135-1, section 4: a check has one of these words, and is never left out. */
export const VERDICTS = ['passed', 'failed', 'undetermined', 'notSupported', 'notPerformed', 'aborted'] as const;

/** Which part of the examination a check belongs to. */
export const CHECK_GROUPS = ['mrz', 'optical', 'electronic', 'combined', 'manual', 'service', 'quality'] as const;

export const Verdict = Type.Enum(VERDICTS, {
  description:
    'undetermined: what there is does not suffice to tell. notSupported: this document or device has no such thing. notPerformed: not asked for, or not come to. aborted: begun, and broken off.',
});

export const DocumentCheck = Closed(
  {
    id: Type.String({ description: 'What was looked at: "electronic.passive.signature".' }),
    group: Type.Enum(CHECK_GROUPS),
    verdict: Verdict,
    reason: Type.String({ description: 'Why, as a stable code.' }),
    text: Closed({ en: Type.String(), sv: Type.String() }, 'The reason for people.'),
  },
  'One thing that was looked at.',
);
export type DocumentCheck = Static<typeof DocumentCheck>;
