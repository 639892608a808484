/** How calls about identity documents and portraits succeed, and how each of their errors is provoked. */
import type { MethodName, Result } from '../../api-spec/methods/index.ts';
import type { ErrorCode } from '../../api-spec/errors.ts';
import { EXAMPLE_PORTRAIT_PARAMS, EXAMPLE_VERIFY_PARAMS } from '../../api-spec/generate/example-document.ts';
import type { Provocation, ProvocationsOf } from './provocation.ts';
import { resultOf, type Bench } from './support.ts';

export const GOOD_DOCUMENT: Readonly<Partial<Record<MethodName, object>>> = {
  'document.addManualCheck': { check: 'manual.uv', outcome: 'passed' },
  'document.evidence': {},
  'document.get': {},
  'document.verify': EXAMPLE_VERIFY_PARAMS,
  'portrait.check': EXAMPLE_PORTRAIT_PARAMS,
};

export function isDocumentMethod(method: MethodName): boolean {
  return Object.hasOwn(GOOD_DOCUMENT, method);
}

/** Of a method that is about a verdict: one that was made before. */
export async function goodVerdict(bench: Bench, method: MethodName): Promise<object> {
  if (!['document.addManualCheck', 'document.evidence', 'document.get'].includes(method)) return {};
  const verdict = resultOf<Result<'document.verify'>>(
    await (await bench.socket()).call('document.verify', EXAMPLE_VERIFY_PARAMS),
  );
  return { verdict: verdict.verdict };
}

const withChanges =
  (changes: object): Provocation =>
  async ({ call }) =>
    await call(undefined, changes);

const unknown: ProvocationsOf<ErrorCode> = { verdict_unknown: withChanges({ verdict: 'verdict-of-nobody' }) };
const points = EXAMPLE_PORTRAIT_PARAMS.points;

export const DOCUMENT_PROVOCATIONS: Readonly<Partial<Record<MethodName, ProvocationsOf<ErrorCode>>>> = {
  'document.addManualCheck': { ...unknown, no_card: withChanges({ role: 'operator' }) },
  'document.evidence': unknown,
  'document.get': unknown,
  'document.verify': {
    passport_reading_unknown: withChanges({ passport: 'reading-of-nobody' }),
    rule_set_unknown: withChanges({ ruleSet: 'loa9' }),
    scan_not_found: withChanges({ scan: 'scan-of-nobody' }),
  },
  'portrait.check': {
    content_not_found: withChanges({ picture: { upload: 'none' } }),
    picture_invalid: withChanges({ picture: { data: Buffer.from('no picture').toString('base64') } }),
    points_invalid: withChanges({ points: { ...points, chin: { x: 0, y: 0 } } }),
  },
};
