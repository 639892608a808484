/** Some hundred crash points, drawn by lot: after each the ceremony ends, and the card is finished or as it was before. `KORTD_LONG=1` draws two thousand others. */
import { expect, it } from 'vitest';
import { SeededRandom } from '../../fuzz/seeded.ts';
import { drawPoints, nameOf, parsePoint } from './points.ts';
import { CrashRun } from './run.ts';

const IS_LONG = process.env['KORTD_LONG'] === '1';
const POINTS = IS_LONG ? 2_000 : 300;
const SEED = IS_LONG ? 20_260_302 : 1;
/** For each; two run side by side. */
const POINT_MS = 3_000;

it(
  `after any of ${POINTS} crash points the card is finished or as before`,
  async () => {
    await using run = await CrashRun.open();
    const points = drawPoints(new SeededRandom(SEED), POINTS, await run.countAll());
    expect(new Set(points.map(({ fault }) => fault.kind)).size).toBe(6);
    const results = await run.run(points, () => undefined);
    expect(results.length).toBe(POINTS);
    expect(results.filter(({ problems }) => problems.length > 0).map(({ name, problems }) => ({ name, problems }))).toEqual([]);
    // Both ends are come to, and often.
    for (const state of ['finished', 'cancelled'])
      expect(results.filter((one) => one.state === state).length).toBeGreaterThan(POINTS / 5);
  },
  POINTS * POINT_MS,
);

it('a point is run again by its name', () => {
  const name = 'eid-plain-confirm/kill-after-exchange/37/on';
  expect(nameOf(parsePoint(name))).toBe(name);
  for (const wrong of ['', 'eid-plain-confirm', 'eid-plain-confirm/kill-after-exchange/0/on', 'x/pull-after-exchange/1/on'])
    expect(() => parsePoint(wrong)).toThrow(/crash point|scenario/u);
});
