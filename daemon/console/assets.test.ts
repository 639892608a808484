import { describe, expect, it } from 'vitest';
import { ERRORS } from '../../api-spec/errors.ts';
import { readWords } from './assets.ts';

describe('the words of errors that a record of the audit log shows', () => {
  const { outcomes } = readWords();

  it('are there for every error, in both languages', () => {
    expect(Object.keys(outcomes).sort()).toEqual(Object.keys(ERRORS).sort());
    const wordless = Object.entries(outcomes).filter(([, { en, sv }]) => en.length < 4 || sv.length < 4);
    expect(wordless.map(([code]) => code)).toEqual(['invalid_params', 'invalid_request']);
  });

  it('leave out a clause whose place nobody fills there, and end as the sentence does', () => {
    expect(ERRORS.pin_rejected.en.happened).toContain('{');
    expect(outcomes['pin_rejected']?.en).toBe('the PIN or PUK was wrong.');
    expect(outcomes['authority_refused']?.sv).toBe('certifikatutfärdaren nekade.');
    expect(outcomes['ceremony_closed']?.sv).toBe('ärendet är avslutat.');
    expect(outcomes['deadline_exceeded']?.en).toBe('it was not done within … ms.');
    expect(JSON.stringify(outcomes)).not.toMatch(/[{}]\w|\w[{}]\w/);
  });
});
