import { describe, expect, it } from 'vitest';
import type { PenSample } from '../../drivers/pads/driver.ts';
import { Replays } from './replay.ts';

/** A line that turns, from the pace and the hand given. */
function hand(change: (sample: PenSample, index: number) => Partial<PenSample> = () => ({}), wildness = 0): readonly PenSample[] {
  return Array.from({ length: 300 }, (_, index) => {
    const t = index / 300;
    const sample: PenSample = {
      sequence: index,
      xMm: 10 + 60 * t + wildness * Math.sin(9 * t),
      yMm: 30 + 8 * Math.sin(25 * t) + wildness * Math.cos(11 * t),
      timeMs: 5 * index,
      pressure: 0.5,
      isDown: true,
    };
    return { ...sample, ...change(sample, index) };
  });
}

describe('a signature', () => {
  it.each([
    ['the same', () => ({}), 'exact'],
    ['at another pace', ({ timeMs }: PenSample) => ({ timeMs: timeMs * 1.7 }), 'exact'],
    ['moved', ({ xMm, yMm }: PenSample) => ({ xMm: xMm + 12, yMm: yMm - 5 }), 'near'],
    ['with some noise', ({ xMm }: PenSample, index: number) => ({ xMm: xMm + (index % 2) * 0.02 }), 'near'],
  ] as const)('that comes again %s is told', (_, change, verdict) => {
    const replays = new Replays();
    expect(replays.check('first', hand())).toEqual({ verdict: 'new' });
    expect(replays.check('second', hand(change))).toEqual({ verdict, of: 'first' });
  });

  it('that is as much alike as a hand writes is new', () => {
    const replays = new Replays();
    replays.check('first', hand());
    expect(replays.check('second', hand(undefined, 1.2))).toEqual({ verdict: 'new' });
  });

  it('of a dot says nothing', () => {
    const replays = new Replays();
    const dot = hand(() => ({ xMm: 1, yMm: 1 }));
    expect([replays.check('first', dot), replays.check('second', dot)]).toEqual([{ verdict: 'new' }, { verdict: 'new' }]);
  });
});
