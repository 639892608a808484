/** The audit log: one record for each act, each holding the hash of the one before. */
import Type, { type Static } from 'typebox';
import { defineMethod } from '../method.ts';
import { Closed } from '../schemas.ts';

const sequence = (description: string, minimum = 0) => Type.Integer({ minimum, maximum: Number.MAX_SAFE_INTEGER, description });
const hash = (description: string) => Type.String({ pattern: '^[0-9a-f]{64}$', description });
const Anchor = Closed({ sequence: sequence('Of the record.'), hash: hash('Of that record.') });

export const AuditRecord = Closed(
  {
    sequence: sequence('From 1, without gaps.', 1),
    time: Type.String({ description: 'When the act was over. ISO 8601, UTC.' }),
    callerKind: Type.Enum(['native', 'web'] as const),
    caller: Type.String({ description: 'Who asked, as kortd names it.' }),
    origin: Type.Optional(Type.String({ description: 'Of the web page; absent for a native program.' })),
    method: Type.String(),
    cardSerial: Type.Optional(Type.String()),
    cardApplication: Type.Optional(Type.String({ description: 'Which card application: piv.' })),
    reader: Type.Optional(Type.String({ description: 'Name of the reader.' })),
    outcome: Type.String({ description: 'ok, or the code of the error that the caller got.' }),
    purpose: Type.Optional(
      Type.String({
        description:
          'As the lease gave it, under which the card was used; for access.*, whose access; for issuance.*, which ceremony; for sign.batch before that how many were signed, and the manifest.',
      }),
    ),
    previousHash: hash('Hash of the record before; zeros before the first.'),
    hash: hash('SHA-256 over the other fields; daemon/audit/README.md tells how.'),
  },
  'One act, and what came of it.',
);
export type AuditRecord = Static<typeof AuditRecord>;

export const AuditProblem = Closed({
  kind: Type.Enum(['changed', 'dropped', 'added', 'reordered', 'bad_checkpoint'] as const),
  sequence: sequence('The first record concerned; of a bad checkpoint, the record that it stands for.'),
  until: Type.Optional(sequence('The last record concerned, when it is not one alone.')),
  message: Type.String({ description: 'For people.' }),
});
export type AuditProblem = Static<typeof AuditProblem>;

const Fingerprint = Type.String({
  pattern: '^[0-9a-f]{64}$',
  description: 'SHA-256 of the public key (SubjectPublicKeyInfo) that checkpoints are verified with. Keep it elsewhere.',
});

export const auditMethods = {
  'audit.export': defineMethod({
    summary:
      'The audit log as JSON Lines, in pages: the texts one after the other are a file that `kortd audit verify` checks without kortd running. The last page ends with a signed checkpoint.',
    attempt: { en: 'Exporting the audit log', sv: 'Att exportera granskningsloggen' },
    since: 1,
    scope: 'audit.read',
    rest: { verb: 'POST', path: '/v1/audit/export' },
    timeoutMs: 60_000,
    params: Closed({
      since: Type.Optional(sequence('From the `next` of the page before. Left out: the first page.')),
      sinceCheckpoint: Type.Optional(sequence('From the `next` of the page before.')),
    }),
    result: Closed({
      text: Type.String({ description: 'Whole lines. At most 262,144 bytes.' }),
      fingerprint: Fingerprint,
      next: Type.Optional(
        Closed(
          { since: Type.Integer(), sinceCheckpoint: Type.Integer() },
          'Parameters of the next page. Absent: this was the last.',
        ),
      ),
    }),
    errors: [],
  }),
  'audit.list': defineMethod({
    summary: 'Records of the audit log, oldest first. audit.appended tells of further ones.',
    attempt: { en: 'Listing the audit log', sv: 'Att lista granskningsloggen' },
    since: 1,
    scope: 'audit.read',
    rest: { verb: 'POST', path: '/v1/audit/list' },
    params: Closed({
      since: Type.Optional(sequence('Records after this one. Default 0.')),
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, description: 'Default 100.' })),
      method: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: 'Only this method.' })),
      origin: Type.Optional(Type.String({ minLength: 1, maxLength: 256, description: 'Only this origin.' })),
      outcome: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: 'Only this outcome.' })),
    }),
    result: Closed({
      records: Type.Array(AuditRecord),
      last: sequence('The latest record of the log, whatever the filters.'),
      next: Type.Optional(Type.Integer({ description: '`since` of the next page. Absent: there is no more.' })),
    }),
    errors: [],
  }),
  'audit.verify': defineMethod({
    summary: 'Check the whole audit log: that no record was changed, dropped, added or moved since it was written.',
    attempt: { en: 'Verifying the audit log', sv: 'Att kontrollera granskningsloggen' },
    since: 1,
    scope: 'audit.read',
    rest: { verb: 'POST', path: '/v1/audit/verify' },
    timeoutMs: 300_000,
    params: Closed({
      anchor: Type.Optional(
        Type.Object(Anchor.properties, {
          additionalProperties: false,
          description: 'A record known from before, such as the `head` of an earlier answer: it must still be there.',
        }),
      ),
    }),
    result: Closed({
      ok: Type.Boolean(),
      records: Type.Integer({ description: 'How many were checked.' }),
      checkpoints: Type.Integer({ description: 'How many signatures were checked.' }),
      head: Type.Object(Anchor.properties, {
        additionalProperties: false,
        description: 'The latest record. Keep it elsewhere, to be the anchor another time.',
      }),
      fingerprint: Fingerprint,
      problem: Type.Optional(AuditProblem),
    }),
    errors: [],
  }),
};
