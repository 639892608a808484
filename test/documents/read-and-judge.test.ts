/** A document whose chip kortd read, judged by what it found there: from the call to the card and back, and on to the verdict. */
import { describe, expect, it } from 'vitest';
import type { Result } from '../../api-spec/methods/index.ts';
import type { EmrtdCardOptions } from '../../drivers/simulated/cards/emrtd.ts';
import { errorOf, openBench, resultOf, type Bench } from '../api/support.ts';
import { openPage } from '../issuance/disturbed.ts';
import { layDown, readWhole } from './desk.ts';

const ORIGIN = 'https://desk.example';

type Verdict = Result<'document.verify'>;

interface Judged {
  readonly first: Verdict;
  /** After somebody has compared the face. */
  readonly last: Verdict;
}

async function readAndJudge(bench: Bench, options: EmrtdCardOptions, typed: object = {}): Promise<Judged> {
  const desk = await layDown(bench, options);
  const { reading, mrz } = await readWhole(desk);
  const { surname, givenNames, birthDate } = mrz ?? {};
  const { api } = desk;
  const params = { ruleSet: 'loa2', passport: reading, lines: mrz?.lines, typed: { surname, givenNames, birthDate, ...typed } };
  const first = resultOf(await api.call('document.verify', params));
  const check = { verdict: first.verdict, check: 'manual.person', outcome: 'passed' };
  return { first, last: resultOf(await api.call('document.addManualCheck', check)) };
}

function failedIn({ checks }: Verdict): readonly string[] {
  return checks.filter(({ verdict }) => verdict === 'failed').map(({ id }) => id);
}

describe('a document that was read', () => {
  it.each(['anna', 'bjorn', 'cecilia', 'david'] as const)(
    'of %s passes when somebody has seen its holder, and not before',
    async (persona) => {
      await using bench = await openBench();
      const { first, last } = await readAndJudge(bench, { persona });
      expect(failedIn(last)).toEqual([]);
      expect([first.overall, last.overall]).toEqual(['notPerformed', 'passed']);
    },
  );

  it.each([
    ['wrong hash', 'electronic.passive.hash.dg1'],
    ['tampered portrait', 'electronic.passive.hash.dg2'],
    ['wrong signature', 'electronic.passive.signature'],
    ['cloned chip', 'electronic.chipAuthentication'],
  ] as const)('fails for its %s, whatever somebody has seen', async (defect, check) => {
    await using bench = await openBench();
    const { first, last } = await readAndJudge(bench, { defects: [defect] });
    expect(failedIn(first)).toContain(check);
    expect([first.overall, last.overall]).toEqual(['failed', 'failed']);
  });

  it('fails for somebody of another name', async () => {
    await using bench = await openBench();
    const { last } = await readAndJudge(bench, {}, { surname: 'Persson' });
    expect(failedIn(last)).toContain('combined.typed.chip.surname');
    expect(last.overall).toBe('failed');
  });

  it('is known to whoever read it, and to no page', async () => {
    await using bench = await openBench({ policy: { origins: [{ origin: ORIGIN, scopes: ['document.verify'] }] } });
    const { reading } = await readWhole(await layDown(bench));
    const page = await openPage(bench, ORIGIN, ['document.verify']);
    const answer = await page('/v1/document/verify', { ruleSet: 'loa2', passport: reading });
    expect(errorOf(answer).code).toBe('passport_reading_unknown');
  });
});
