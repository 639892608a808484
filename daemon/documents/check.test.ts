import { describe, expect, it } from 'vitest';
import { VERDICTS } from '../../api-spec/document-check.ts';
import { makeChecks, worstVerdict } from './check.ts';

const check = makeChecks('electronic', {
  hash_matches: { verdict: 'passed', en: '{file} is what was signed', sv: '{file} är vad som undertecknades' },
});

describe('a check', () => {
  it('has its verdict, its reason, and its text in two languages', () => {
    expect(check('electronic.passive.hash.dg1', 'hash_matches', { file: 'DG1' })).toEqual({
      ...{ id: 'electronic.passive.hash.dg1', group: 'electronic', verdict: 'passed', reason: 'hash_matches' },
      text: { en: 'DG1 is what was signed', sv: 'DG1 är vad som undertecknades' },
    });
  });
});

describe('the worst verdict', () => {
  it.each(VERDICTS)('is failed wherever one failed: beside %s', (other) => {
    expect(worstVerdict([other, 'failed', other])).toBe('failed');
  });

  it('is passed only where every verdict is', () => {
    for (const other of VERDICTS.filter((verdict) => verdict !== 'passed')) expect(worstVerdict(['passed', other])).toBe(other);
    expect(worstVerdict(['passed', 'passed'])).toBe('passed');
  });

  it('of nothing is that nothing was performed', () => {
    expect(worstVerdict([])).toBe('notPerformed');
  });
});
