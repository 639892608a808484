import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkFields, localDate, type FieldContext } from './fields.ts';
import { parseRoutine, type StepOf } from './routine.ts';

const NOW = new Date(2026, 2, 1, 12);
const read = (id: string) => parseRoutine(JSON.parse(readFileSync(new URL(`routines/${id}.json`, import.meta.url), 'utf8')));

function orderOf(id: string): { step: StepOf<'record'>; context: FieldContext } {
  const routine = read(id);
  const step = routine.steps.find((each) => each.kind === 'record');
  if (!step) throw new Error('the routine begins with an order');
  return { step, context: { now: NOW, holder: routine.holder, valueAt: () => undefined } };
}

const GOOD = {
  holderName: ' Cecilia Öberg ',
  personalNumber: '198112189876',
  hsaId: 'SE2321000016-BENCH3',
  cardNumber: '9752000000000000102',
  validTo: '2030-01-01',
  documentKind: 'passport',
  documentNumber: 'AA1234567',
  documentValidTo: '2026-03-01',
};

/** With a field changed; "" leaves it out. */
function problemsWith(changes: Readonly<Record<string, string>>, id = 'reserve-card-loa3'): string[] {
  const { step, context } = orderOf(id);
  const given = { ...GOOD, ...changes };
  return checkFields(step, given, context).problems.map(({ field, problem }) => `${field}: ${problem}`);
}

describe('the fields of an order', () => {
  it('are recorded without what surrounds them, optional ones left out', () => {
    const { step, context } = orderOf('reserve-card-loa2-on-site');
    const { fields, problems } = checkFields(step, { ...GOOD, passportNumber: ' ' }, context);
    expect(problems).toEqual([]);
    expect(fields).toEqual({ ...GOOD, holderName: 'Cecilia Öberg' });
  });

  it.each([
    ['a missing one', { holderName: '' }, 'holderName: it is missing'],
    ['an unknown one', { colour: 'red' }, 'colour: the step has no such field'],
    ['one that objects have', { constructor: 'red' }, 'constructor: the step has no such field'],
    ['control characters', { holderName: 'a\nb' }, 'holderName: it has control characters'],
    ['a long text', { holderName: 'å'.repeat(121) }, 'holderName: it is longer than 120 characters'],
    ['another choice', { documentKind: 'toString' }, 'documentKind: it is none of the choices'],
    ['a short card number', { cardNumber: '975200000000000010' }, 'cardNumber: it is no card number: nineteen digits'],
    ['a wrong check digit', { personalNumber: '198112189875' }, /personalNumber: it is no personal identity number/],
    ['no HSA-id', { hsaId: 'SE12-A' }, /hsaId: it is no HSA-id/],
    ['no date', { validTo: '2026-02-30' }, 'validTo: it is no date: YYYY-MM-DD'],
    ['a document that has expired', { documentValidTo: '2026-02-28' }, 'documentValidTo: it is before 2026-03-01'],
    [
      'a coordination number',
      { personalNumber: '197010632391' },
      'personalNumber: the routine is not for holders with a coordination number',
    ],
    ['a holder of 17 years and 364 days', { personalNumber: '200803022391' }, 'personalNumber: the holder must be 18 at least'],
  ])('with %s are refused', (_, changes, problem) => {
    const problems = problemsWith(changes);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(problem);
  });

  it('take a holder on the very birthday, and a coordination number where the routine does', () => {
    expect(problemsWith({ personalNumber: '200803012392' })).toEqual([]);
    expect(problemsWith({ personalNumber: '197010632391' }, 'reserve-card-loa2-on-site')).toEqual([]);
  });

  it('keep the validity within the assignment, for foreign documents', () => {
    const foreign = { documentKind: 'passport', checkedBy: 'scanner', assignmentEndsOn: '2026-12-31' };
    expect(problemsWith({ ...foreign, validTo: '2026-12-31' }, 'reserve-card-loa2-foreign-document')).toEqual([]);
    expect(problemsWith({ ...foreign, validTo: '2027-01-01' }, 'reserve-card-loa2-foreign-document')).toEqual([
      'validTo: it is after 2026-12-31',
    ]);
  });

  it('are compared with each other as they are recorded, without what surrounds them', () => {
    const foreign = { documentKind: 'passport', checkedBy: 'scanner', assignmentEndsOn: ' 2026-12-31\t' };
    expect(problemsWith({ ...foreign, validTo: '2026-12-31' }, 'reserve-card-loa2-foreign-document')).toEqual([]);
    const { step, context } = orderOf('reserve-card-loa3');
    const verdict = { kind: 'documentVerdict', statement: '{}', sha256: '00' } as const;
    const found = { ...verdict, documentNumbers: ['AA1234567'], personalNumbers: ['198112189876'] };
    const given = { ...GOOD, verdict: 'verdict-1', personalNumber: '198112189876 ' };
    expect(checkFields(step, given, { ...context, findProof: () => found }).problems).toEqual([]);
  });
});

it('a day is that of the workstation', () => {
  expect(localDate(new Date(2026, 0, 5, 23, 59))).toBe('2026-01-05');
});
