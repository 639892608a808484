import { describe, expect, it } from 'vitest';
import { EXAMPLE_CEREMONY, EXAMPLE_ROUTINE } from '../../../../../api-spec/generate/example-issuance.ts';
import type { Ceremony } from '../../../../../api-spec/issuance.ts';
import type { Routine } from '../../../../../api-spec/routine.ts';
import { CEREMONY_TEXTS } from './ceremony-texts.ts';
import { canCancel, canResume, describeCeremony, situationOf, type Job, type Step } from './ceremony-model.ts';

const JOB: Job = {
  phase: 'making',
  card: { application: 'eid', serialNumber: '4711' },
  keys: [
    { keyReference: '01', usage: 'authentication', algorithm: 'P-256', request: 'PEM', certificate: 'DER', isWritten: true },
    { keyReference: '02', usage: 'signature', algorithm: 'P-256', request: 'PEM', isWritten: false },
  ],
};
const TITLE = { en: 'Download', sv: 'Hämta' };
const ENROL: Step = { step: 'download', kind: 'enrol', title: TITLE, by: 'holder', state: 'next' };

function ceremony(step: Partial<Step> = {}, rest: Partial<Ceremony> = {}): Ceremony {
  return { ...EXAMPLE_CEREMONY, state: 'open', reports: [], ...rest, steps: [{ ...ENROL, ...step }] };
}
const withJob = (phase: Job['phase'], rest: Partial<Ceremony> = {}): Ceremony => ceremony({ job: { ...JOB, phase } }, rest);

describe('where a ceremony stands', () => {
  it.each([
    [withJob('making'), 'interrupted', true],
    [withJob('waiting'), 'waiting', false],
    [withJob('writing'), 'writing', true],
    [withJob('confirming'), 'confirming', true],
    [withJob('undoing'), 'rollingBack', true],
    [withJob('undoing', { state: 'cancelled' }), 'rollingBack', true],
    [withJob('undone', { state: 'cancelled' }), 'cancelled', false],
    [withJob('abandoned', { state: 'cancelled' }), 'lost', false],
    [withJob('confirmed', { state: 'finished' }), 'finished', false],
    [ceremony(), 'person', false],
    [ceremony({ remainingMs: 0 }), 'late', false],
    [ceremony({ state: 'done' }, { nextCall: 'issuance.confirm' }), 'confirm', false],
    [withJob('making', { isAway: true }), 'away', false],
  ] as const)('%# is %s', (one, situation, isResumable) => {
    expect([situationOf(one), canResume(one)]).toEqual([situation, isResumable]);
  });

  it('can be cancelled while it is open, and here', () => {
    expect([ceremony(), ceremony({}, { state: 'finished' }), ceremony({}, { isAway: true })].map(canCancel)).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('is told in words in both languages, whatever it is, with what to do', () => {
    for (const language of ['en', 'sv'] as const) {
      const texts = CEREMONY_TEXTS[language];
      for (const words of [...Object.values(texts.headlines), ...Object.values(texts.advice)])
        expect(words({ step: 'Kvittens', by: 'Innehavare' }).length).toBeGreaterThan(3);
    }
    const view = describeCeremony(withJob('making'), { routine: undefined, language: 'sv' });
    expect(view).toMatchObject({ headline: 'Pausat: kortet är inte klart', tone: 'warning', canResume: true });
    expect(view.job?.keys.map(({ stage }) => stage)).toEqual(['certifikat på kortet', 'certifikat begärt']);
  });
});

describe('the steps of a ceremony', () => {
  const title = (text: string): typeof TITLE => ({ en: text, sv: text });
  const fields = {
    holderName: { kind: 'text', title: title('Name') },
    personalNumber: { kind: 'personalNumber', title: title('Personal number') },
    documentKind: { kind: 'choice', title: title('Document'), choices: { drivingLicence: title('Driving licence') } },
  } as const;
  const routine: Routine = { ...EXAMPLE_ROUTINE, steps: [{ id: 'order', kind: 'record', title: TITLE, fields }] };
  const words = { routine, language: 'en' } as const;

  it('name who takes them in the words of the routine', () => {
    expect(describeCeremony(ceremony(), words).steps[0]).toMatchObject({ by: 'Holder', sign: '▶', stateText: 'Next' });
    expect(describeCeremony(ceremony(), words).advice).toBe('Turn of: Holder.');
  });

  it('show what was recorded by its title, and of a personal number only the birth', () => {
    const facts = { holderName: 'Cecilia Öberg', personalNumber: '198112189876', documentKind: 'drivingLicence' };
    const step: Partial<Step> = { step: 'order', kind: 'record', state: 'done', facts };
    const shown = describeCeremony(ceremony(step), words).steps[0]?.facts ?? [];
    expect(shown).toEqual([
      ['Name', 'Cecilia Öberg'],
      ['Personal number', '19811218–••••'],
      ['Document', 'Driving licence'],
    ]);
  });

  it('say in words what is to be reported', () => {
    const { reports } = describeCeremony(ceremony({}, { reports: ['revocation', 'somethingNew'] }), words);
    expect(reports).toEqual(['Have the certificates that were issued revoked.', 'somethingNew']);
  });
});
