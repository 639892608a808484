import Type from 'typebox';
import { DocumentFacts, DocumentVerdict, MANUAL_VERDICTS, ManualCheckName } from '../document.ts';
import { DocumentCheck, Verdict } from '../document-check.ts';
import { defineMethod } from '../method.ts';
import { Scan } from '../scan/scan.ts';
import { ByteSource, Closed, Id, ROLE_PATTERN } from '../schemas.ts';

const VerdictId = Id('verdict');

const Point = (what: string) =>
  Closed({ x: Type.Number({ minimum: 0, maximum: 100_000 }), y: Type.Number({ minimum: 0, maximum: 100_000 }) }, what);

const PortraitCheck = Closed(
  {
    ...DocumentCheck.properties,
    value: Type.Optional(Type.Number({ description: 'What was measured.' })),
    unit: Type.String(),
    min: Type.Optional(Type.Number()),
    max: Type.Optional(Type.Number()),
  },
  'One rule of a portrait.',
);

export const documentMethods = {
  'document.addManualCheck': defineMethod({
    summary:
      'Add what an operator looked at to a verdict. It may settle what the machine could not tell, where the rules say so, and never makes right what failed.',
    attempt: { en: 'Recording the check', sv: 'Att registrera kontrollen' },
    since: 1,
    scope: 'document.verify',
    rest: { verb: 'POST', path: '/v1/document/addmanualcheck' },
    params: Closed({
      verdict: VerdictId,
      check: ManualCheckName,
      outcome: Type.Enum(MANUAL_VERDICTS),
      role: Type.Optional(
        Type.String({
          pattern: ROLE_PATTERN,
          description:
            'Of the reader in which the card of whoever looked stands: operator, secondOperator. Its serial number is noted. Rules that want two persons tell them apart by it.',
        }),
      ),
      note: Type.Optional(Type.String({ minLength: 1, maxLength: 500 })),
      reference: Type.Optional(
        Type.String({
          pattern: '^[A-Za-z]{3}-[A-Za-z]{2}-[0-9]{5}$',
          description: 'Document of the public register of authentic documents (PRADO): SWE-AO-06001.',
        }),
      ),
    }),
    result: DocumentVerdict,
    errors: ['no_card', 'verdict_unknown'],
  }),
  'document.evidence': defineMethod({
    summary: 'The evidence of a verdict as it stands: one JSON text, without personal data. Its SHA-256 is in the audit log.',
    attempt: { en: 'Reading the evidence', sv: 'Att läsa bevisningen' },
    since: 1,
    scope: 'document.verify',
    rest: { verb: 'POST', path: '/v1/document/evidence' },
    params: Closed({ verdict: VerdictId }),
    result: Closed({
      json: Type.String({ description: 'kortd.verdict/1. Keep it byte for byte.' }),
      sha256: Type.String({ pattern: '^[0-9a-f]{64}$', description: 'Of its UTF-8.' }),
    }),
    errors: ['verdict_unknown'],
  }),
  'document.get': defineMethod({
    summary: 'A verdict as it stands, while it is kept.',
    attempt: { en: 'Reading the verdict', sv: 'Att läsa utlåtandet' },
    since: 1,
    scope: 'document.verify',
    rest: { verb: 'POST', path: '/v1/document/get' },
    params: Closed({ verdict: VerdictId }),
    result: DocumentVerdict,
    errors: ['verdict_unknown'],
  }),
  'document.verify': defineMethod({
    summary:
      'Judge an identity document by a set of rules of the policy: machine-readable zone, what is printed, the chip and what was typed, each against the others; validity, age, lists, and what devices found.',
    attempt: { en: 'Judging the document', sv: 'Att pröva handlingen' },
    since: 1,
    scope: 'document.verify',
    rest: { verb: 'POST', path: '/v1/document/verify' },
    params: Closed({
      ruleSet: Type.String({ maxLength: 60, description: 'Of the policy: loa2, loa3, or another.' }),
      typed: Type.Optional(DocumentFacts),
      lines: Type.Optional(
        Type.Array(Type.String({ maxLength: 120 }), {
          minItems: 1,
          maxItems: 3,
          description: 'Machine-readable zone as a reader gave it, when that is all it gives.',
        }),
      ),
      scan: Type.Optional(
        Type.Union([Id('scan'), Scan], { description: 'One that scanner.scan made, by its id; or one of elsewhere.' }),
      ),
      passport: Type.Optional(Id('reading that passport.read made')),
    }),
    result: DocumentVerdict,
    errors: ['passport_reading_unknown', 'rule_set_unknown', 'scan_not_found'],
  }),
  'portrait.check': defineMethod({
    summary: 'Measure a portrait against the rules of the office: of each rule a number, what it may be, and a verdict.',
    attempt: { en: 'Measuring the portrait', sv: 'Att mäta porträttet' },
    since: 1,
    scope: 'document.verify',
    rest: { verb: 'POST', path: '/v1/portrait/check' },
    params: Closed({
      picture: ByteSource('A PNG or JPEG'),
      points: Type.Optional(
        Closed(
          { leftEye: Point('Pupil.'), rightEye: Point('Pupil.'), chin: Point('Tip of the chin.') },
          'Pixels from the upper left corner; left and right as one looks at the picture. kortd does not look for faces itself.',
        ),
      ),
    }),
    result: Closed({
      overall: Verdict,
      width: Type.Integer(),
      height: Type.Integer(),
      checks: Type.Array(PortraitCheck),
    }),
    errors: ['content_not_found', 'picture_invalid', 'points_invalid'],
  }),
};
