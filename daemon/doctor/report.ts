/** What `kortd doctor --json` prints: the form, as a schema that is printed by `kortd doctor --schema`, and a report in it. */
import Type, { type Static } from 'typebox';
import { PRODUCT, VERSION } from '../version.ts';
import { saidIn, SEVERITIES } from './check.ts';
import type { Diagnosis } from './run.ts';
import { worstOf } from './run.ts';

const Texts = (description: string) =>
  Type.Object({ en: Type.String(), sv: Type.String() }, { additionalProperties: false, description });

export const DoctorReport = Type.Object(
  {
    format: Type.Literal('kortd.doctor/1'),
    product: Type.Literal(PRODUCT),
    version: Type.String({ description: 'Of the program that looked, not of the daemon.' }),
    time: Type.String({ description: 'ISO 8601, UTC.' }),
    platform: Type.String(),
    status: Type.Enum(['healthy', 'warnings', 'errors'] as const, {
      description: 'By the worst finding; info alone is healthy.',
    }),
    findings: Type.Array(
      Type.Object(
        {
          id: Type.String({ pattern: '^[a-z0-9_]+$', description: 'Stable: it names the fault.' }),
          check: Type.String({ pattern: '^[a-z0-9-]+$' }),
          severity: Type.Enum([...SEVERITIES]),
          evidence: Type.Array(Type.String(), { description: 'What was seen.' }),
          evidenceSv: Type.Array(Type.String(), { description: 'The same in Swedish, line by line.' }),
          explanation: Texts('One sentence: what it means.'),
          command: Type.String({ description: 'For a shell: what mends it. What starts with # is for a person to do.' }),
        },
        { additionalProperties: false },
      ),
      { description: 'The worst first.' },
    ),
    unseen: Type.Array(
      Type.Object(
        { check: Type.String(), what: Type.String(), why: Type.String(), sv: Type.String({ description: 'Both in Swedish.' }) },
        { additionalProperties: false },
      ),
      { description: 'What could not be looked at, and why.' },
    ),
    checks: Type.Array(
      Type.Object(
        { id: Type.String(), title: Texts('What it looks at.'), tookMs: Type.Integer({ minimum: 0 }) },
        { additionalProperties: false },
      ),
    ),
  },
  {
    additionalProperties: false,
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'urn:kortd:doctor:1',
    title: 'kortd doctor --json',
  },
);
export type DoctorReport = Static<typeof DoctorReport>;

export function reportOf(diagnosis: Diagnosis, now: Date): DoctorReport {
  const worst = worstOf(diagnosis);
  return {
    format: 'kortd.doctor/1',
    product: PRODUCT,
    version: VERSION,
    time: now.toISOString(),
    platform: `${process.platform}-${process.arch}`,
    status: worst === 'error' ? 'errors' : worst === 'warning' ? 'warnings' : 'healthy',
    findings: diagnosis.findings.map(({ id, check, severity, evidence, en, sv, command }) => ({
      ...{ id, check, severity },
      evidence: evidence.map((said) => saidIn(said, 'en')),
      evidenceSv: evidence.map((said) => saidIn(said, 'sv')),
      ...{ explanation: { en, sv }, command },
    })),
    unseen: diagnosis.unseen.map(({ check, what, why }) => ({
      ...{ check, what: saidIn(what, 'en'), why: saidIn(why, 'en') },
      sv: `${saidIn(what, 'sv')} (${saidIn(why, 'sv')})`,
    })),
    checks: diagnosis.checks.map(({ id, title, tookMs }) => ({ id, title: { en: title.en, sv: title.sv }, tookMs })),
  };
}
