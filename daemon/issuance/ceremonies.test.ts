import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiError } from '../errors.ts';
import { Ceremonies } from './ceremonies.ts';
import type { Ceremony } from './ceremony.ts';
import type { PersonSeen } from './entry.ts';
import { Journal } from './journal.ts';
import type { StepOf } from './routine.ts';
import { standardRoutines } from './routines.ts';

const person = (number: number, more: Partial<PersonSeen> = {}): PersonSeen => ({
  ...{
    name: `Person ${number}`,
    hsaId: `SE2321000016-BENCH${number}`,
    cardNumber: `975200000000000000${number}`,
    certificate: `${number}`,
  },
  ...{ assuranceLevel: 'LoA3' },
  ...more,
});
const [ANNA, BJORN, CECILIA] = [person(1), person(2), person(3)];
const ORDER = {
  ...{
    holderName: 'Cecilia Öberg',
    personalNumber: '198112189876',
    hsaId: 'SE2321000016-BENCH3',
    cardNumber: '9752000000000000102',
    validTo: '2030-01-01',
  },
  ...{ documentKind: 'drivingLicence', documentNumber: '123', documentValidTo: '2030-01-01' },
};

let folder = '';
let now = new Date();
let monotonicMs = 0;
let changes: string[] = [];
let ceremonies: Ceremonies;
let journal: Journal;

function open(): Ceremonies {
  journal = new Journal(join(folder, 'issuance.sqlite'));
  const administrators = ['SE2321000016-BENCH1', 'SE2321000016-BENCH2'];
  return new Ceremonies({
    ...{ journal, routines: standardRoutines(), now: () => now, monotonicMs: () => monotonicMs },
    isAdministrator: (hsaId) => administrators.includes(hsaId),
    onChange: ({ id }) => changes.push(id),
  });
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kortd-ceremonies-'));
  now = new Date('2026-03-01T08:00:00Z');
  monotonicMs = 0;
  changes = [];
  ceremonies = open();
});
afterEach(() => {
  journal[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});

function codeOf(work: () => unknown): string {
  try {
    work();
    return 'done';
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const { reason = '' } = error.details;
    return [error.code, String(reason)].join(' ').trim();
  }
}

const begin = (): Ceremony => ceremonies.start('reserve-card-loa3', { isProtected: false });
const ordered = (): Ceremony => ceremonies.record(begin().id, 'order', ORDER);

function sign(ceremony: Ceremony, id: string, by: PersonSeen): Ceremony {
  const step = ceremonies.requireStep(ceremony, id, 'sign');
  ceremonies.requireParticipant(ceremony, step, by);
  return ceremonies.note(ceremony, {
    type: 'step.signed',
    step: id,
    person: by,
    statement: ceremonies.statementOf(ceremony, step, 'en'),
    cms: '',
  });
}

/** Until the certificates are on the card. */
function downloaded(): Ceremony {
  let ceremony = sign(sign(ordered(), 'ordered', ANNA), 'reviewed', BJORN);
  ceremony = ceremonies.record(ceremony.id, 'terms', { accepted: 'yes' });
  const step = ceremonies.requireStep(ceremony, 'download', 'enrol');
  const none = { keys: [], certificates: [] };
  ceremony = ceremonies.noteJob(ceremony, step, {
    type: 'job.begun',
    card: { profile: 'eid', serialNumber: 'S' },
    before: none,
    places: [],
    replaces: [],
  });
  return ceremonies.noteJob(ceremony, step, { type: 'job.finished' });
}

describe('a ceremony', () => {
  it('is the same after a restart', () => {
    const { id } = sign(ordered(), 'ordered', ANNA);
    journal[Symbol.dispose]();
    ceremonies = open();
    const ceremony = ceremonies.get(id);
    expect([...ceremony.done.keys()]).toEqual(['order', 'ordered']);
    expect(ceremony.done.get('ordered')?.statement).toMatch(/Cecilia Öberg \(198112189876\) by Driving licence 123/);
    expect(changes).toEqual([id, id, id]);
  });

  it('takes no step before its turn, none twice, and none after its end', () => {
    const ceremony = ordered();
    expect(codeOf(() => ceremonies.record(ceremony.id, 'terms', { accepted: 'yes' }))).toBe('ceremony_step_order');
    expect(codeOf(() => ceremonies.record(ceremony.id, 'order', ORDER))).toBe('ceremony_step_order');
    expect(codeOf(() => ceremonies.record(ceremony.id, 'ordered', {}))).toBe('ceremony_step_order');
    const cancelled = ceremonies.note(ceremony, { type: 'ceremony.cancelled', reason: 'no card' });
    expect(codeOf(() => sign(cancelled, 'ordered', ANNA))).toBe('ceremony_closed');
    expect(codeOf(() => ceremonies.get('ceremony-none'))).toBe('ceremony_unknown');
    expect(codeOf(() => ceremonies.start('none', { isProtected: false }))).toBe('routine_unknown');
  });

  it('records nothing of what does not do', () => {
    const { id } = begin();
    expect(codeOf(() => ceremonies.record(id, 'order', { ...ORDER, cardNumber: '1' }))).toBe('fields_invalid');
    expect(journal.entriesOf(id)).toHaveLength(1);
  });

  it('is found by what was recorded, unless its personal data are protected', () => {
    const { id } = ordered();
    const hidden = ceremonies.start('reserve-card-loa3', { isProtected: true });
    ceremonies.record(hidden.id, 'order', ORDER);
    const found = ceremonies.list({ words: ['öberg'], includesProtected: true, limit: 10 });
    expect(found.map((each) => each.id)).toEqual([id]);
    expect(journal.summaryOf(hidden.id)?.search).toBe('');
  });
});

describe('a participant', () => {
  it.each([
    ['the same person a second time', ANNA, 'participant_refused same_person'],
    ['the same person by another card', person(9, { hsaId: 'se2321000016-bench1' }), 'participant_refused not_administrator'],
    ['an administrator of another level', person(2, { assuranceLevel: 'LoA2' }), 'participant_refused assurance_level'],
    ['no administrator', CECILIA, 'participant_refused not_administrator'],
    ['another administrator', BJORN, 'done'],
  ])('who reviews: %s', (_, by, code) => {
    const ceremony = sign(ordered(), 'ordered', ANNA);
    expect(codeOf(() => sign(ceremony, 'reviewed', by))).toBe(code);
  });

  it('who holds the card is neither administrator, and can be told apart from them', () => {
    const ceremony = downloaded();
    expect(codeOf(() => sign(ceremony, 'receipt', BJORN))).toBe('participant_refused same_person');
    const unknown: PersonSeen = { personalNumber: '198112189876', certificate: 'X' };
    expect(codeOf(() => sign(ceremony, 'receipt', unknown))).toBe('participant_refused not_comparable');
    expect(codeOf(() => sign(ceremony, 'receipt', CECILIA))).toBe('done');
  });
});

describe('the time for the receipt', () => {
  it('is fifteen minutes from the download', () => {
    const ceremony = downloaded();
    now = new Date('2026-03-01T08:15:00Z');
    expect(ceremonies.expire(ceremony)).toBe(ceremony);
    now = new Date('2026-03-01T08:15:01Z');
    expect(codeOf(() => sign(ceremony, 'receipt', CECILIA))).toBe('ceremony_late');
    const late = ceremonies.expire(ceremony);
    expect(late.reports).toEqual(['revocation']);
    expect(late.jobs.get('download')).toMatchObject({ phase: 'undoing', reason: 'late' });
    expect(ceremonies.expire(late)).toBe(late);
    // Both in one write: no crash leaves a step that is late, and a card that nobody takes back.
    const [lateEntry, undoing] = journal.entriesOf(late.id).slice(-2);
    expect([lateEntry?.entry.type, undoing?.entry.type]).toEqual(['step.late', 'step.card']);
    expect(undoing?.time).toBe(lateEntry?.time);
  });

  it('is not made longer by a clock that was set back', () => {
    now = new Date('2026-03-01T08:00:00Z');
    const ceremony = downloaded();
    now = new Date('2026-02-28T08:00:00Z');
    expect(codeOf(() => sign(ceremony, 'receipt', CECILIA))).toBe('clock_set_back');
    now = new Date('2026-03-01T07:58:00Z');
    const signed = sign(ceremony, 'receipt', CECILIA);
    expect(signed.done.get('receipt')?.time).toBe('2026-03-01T08:00:00.000Z');
  });

  it('is not made longer by a clock that was set back to after the download', () => {
    const ceremony = downloaded();
    monotonicMs = 14 * 60_000;
    now = new Date('2026-03-01T08:08:00Z');
    expect(codeOf(() => sign(ceremony, 'receipt', CECILIA))).toBe('clock_set_back');
    now = new Date('2026-03-01T08:11:00Z');
    expect(ceremonies.timeOf(ceremony).toISOString()).toBe('2026-03-01T08:14:00.000Z');
    monotonicMs += 60_001;
    expect(codeOf(() => sign(ceremony, 'receipt', CECILIA))).toBe('ceremony_late');
    now = new Date('2026-03-01T07:00:00Z');
    expect(ceremonies.expire(ceremony).jobs.get('download')).toMatchObject({ phase: 'undoing', reason: 'late' });
  });
});

it('the last step finishes a ceremony that has no open job', () => {
  let ceremony = downloaded();
  ceremony = sign(ceremony, 'receipt', CECILIA);
  expect(ceremony.state).toBe('open');
  const step = ceremony.routine.steps.find(({ id }) => id === 'download') as StepOf<'enrol'>;
  expect(ceremonies.noteJob(ceremony, step, { type: 'job.confirmed' }).state).toBe('finished');
});
