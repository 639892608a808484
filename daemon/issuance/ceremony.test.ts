import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { dueAt, foldCeremony, nextStep, personOf, valueAt, type Ceremony } from './ceremony.ts';
import type { CeremonyEntry, JobEntry, PersonSeen } from './entry.ts';
import { areComparable, isSamePerson } from './person.ts';
import { fillIn, parseRoutine } from './routine.ts';

const ROUTINE = parseRoutine(JSON.parse(readFileSync(new URL('routines/reserve-card-loa3.json', import.meta.url), 'utf8')));
const ANNA: PersonSeen = {
  name: 'Anna Lindqvist',
  hsaId: 'SE2321000016-BENCH1',
  cardNumber: '9752000000000000011',
  certificate: 'AA',
};
const BJORN: PersonSeen = {
  name: 'Björn Åkesson',
  hsaId: 'SE2321000016-BENCH2',
  cardNumber: '9752000000000000029',
  certificate: 'BB',
};

const FIELDS = {
  holderName: 'Cecilia Öberg',
  personalNumber: '198112189876',
  cardNumber: '9752000000000000102',
  validTo: '2030-01-01',
};
const CARD = { profile: 'eid', serialNumber: 'S' };
const step = (id: string, ...entries: JobEntry[]): CeremonyEntry[] =>
  entries.map((entry) => ({ type: 'step.card', step: id, entry, cardNumber: FIELDS.cardNumber }));

const TAKEN: readonly CeremonyEntry[] = [
  { type: 'ceremony.begun', routine: { id: ROUTINE.id, version: 1 }, isProtected: false },
  { type: 'step.recorded', step: 'order', fields: FIELDS },
  { type: 'step.signed', step: 'ordered', person: ANNA, statement: 'I order', cms: 'AAAA' },
  { type: 'step.signed', step: 'reviewed', person: BJORN, statement: 'I approve', cms: 'BBBB' },
  { type: 'step.recorded', step: 'terms', fields: { accepted: 'yes' } },
  ...step('download', { type: 'job.begun', card: CARD, before: { keys: [], certificates: [] }, places: [], replaces: [] }),
  ...step('download', { type: 'job.finished' }),
];

/** An entry a minute. */
function after(count: number, ...more: readonly CeremonyEntry[]): Ceremony {
  const entries = [...TAKEN.slice(0, count), ...more].map((entry, index) => ({
    ...{ number: index + 1, entry, hash: '' },
    time: new Date(Date.UTC(2026, 2, 1, 8, index)).toISOString(),
  }));
  return foldCeremony('ceremony-1', entries, ROUTINE);
}

describe('a ceremony', () => {
  it('goes step by step, in the order of its routine', () => {
    const steps = TAKEN.map((_, index) => nextStep(after(index + 1))?.id);
    expect(steps).toEqual(['order', 'ordered', 'reviewed', 'terms', 'download', 'download', 'receipt']);
    expect(nextStep(after(2, { type: 'ceremony.cancelled', reason: 'no card' }))).toBeUndefined();
  });

  it('gives a step its time from the end of the one that it runs from', () => {
    const receipt = ROUTINE.steps.at(-1);
    if (!receipt) throw new Error('the routine ends with the receipt');
    expect(dueAt(after(6), receipt)).toBeUndefined();
    expect(dueAt(after(7), receipt)).toBe(Date.UTC(2026, 2, 1, 8, 6 + 15));
  });

  it('fills texts with what was recorded and what cards said', () => {
    const ceremony = after(3);
    const text = fillIn('{order.holderName} {order.documentNumber} {ordered.name} {ordered.hsaId} {ceremony.id}', (path) =>
      valueAt(ceremony, path),
    );
    expect(text).toBe('Cecilia Öberg – Anna Lindqvist SE2321000016-BENCH1 ceremony-1');
  });

  it('knows who took part by their cards', () => {
    expect(personOf(after(4), 'operator')).toEqual(ANNA);
    expect(personOf(after(4), 'holder')).toBeUndefined();
  });

  it('whose journal does not begin with its start is none', () => {
    expect(() => foldCeremony('x', [], ROUTINE)).toThrow(/does not begin/);
  });
});

describe('two cards are one person’s', () => {
  it.each([
    ['the same HSA-id, however written', { hsaId: 'se2321000016-bench1', certificate: 'CC' }, true],
    ['the same card', { cardNumber: '9752000000000000011', certificate: 'CC' }, true],
    ['another person', BJORN, false],
    ['nothing in common', { personalNumber: '198112189876', certificate: 'CC' }, false],
  ])('%s', (_, other, isSame) => {
    expect(isSamePerson(ANNA, other)).toBe(isSame);
    expect(isSamePerson(other, ANNA)).toBe(isSame);
  });

  it('cards that share no kind of number cannot be compared', () => {
    expect(areComparable(ANNA, BJORN)).toBe(true);
    expect(areComparable(ANNA, { personalNumber: '198112189876', certificate: 'CC' })).toBe(false);
  });
});
