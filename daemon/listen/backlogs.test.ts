import { expect, it } from 'vitest';
import { Backlog, Backlogs } from './backlogs.ts';
import { ORIGIN_BOUNDS, Quota } from './quotas.ts';

function setUp(bounds: { perClient: number; total: number }) {
  const backlogs = new Backlogs(bounds);
  const cut: string[] = [];
  const add = (name: string, quota?: Quota): Backlog => {
    const backlog = new Backlog(quota, () => cut.push(name));
    backlogs.add(backlog);
    return backlog;
  };
  return { backlogs, cut, add };
}

it('cuts a client that has too much waiting, and counts it no more', () => {
  const { backlogs, cut, add } = setUp({ perClient: 100, total: 1_000 });
  const [slow, other] = [add('slow'), add('other')];
  backlogs.note(other, 60);
  backlogs.note(slow, 100);
  expect(cut).toEqual([]);
  backlogs.note(slow, 101);
  expect(cut).toEqual(['slow']);
  expect(backlogs.bytes).toBe(60);
  backlogs.note(slow, 500); // what it still sends before it is gone
  backlogs.remove(slow);
  expect(backlogs.bytes).toBe(60);
});

it('cuts the longest of an origin, not the latest, and leaves others alone', () => {
  const { backlogs, cut, add } = setUp({ perClient: 1_000, total: 10_000 });
  const quota = new Quota({ ...ORIGIN_BOUNDS, backlogBytes: 200 });
  const [long, short, foreign] = [add('long', quota), add('short', quota), add('foreign')];
  backlogs.note(foreign, 900);
  backlogs.note(long, 150);
  backlogs.note(short, 51);
  expect(cut).toEqual(['long']);
  expect(quota.backlogBytes).toBe(51);
});

it('cuts the longest of all when all together are too much', () => {
  const { backlogs, cut, add } = setUp({ perClient: 1_000, total: 1_000 });
  const clients = ['a', 'b', 'c'].map((name) => add(name));
  for (const [index, client] of clients.entries()) backlogs.note(client, 300 + index);
  expect(cut).toEqual([]);
  backlogs.note(add('d'), 100);
  expect(cut).toEqual(['c']);
  expect(backlogs.bytes).toBe(300 + 301 + 100);
});

it('forgets what was read', () => {
  const { backlogs, cut, add } = setUp({ perClient: 100, total: 150 });
  const quota = new Quota(ORIGIN_BOUNDS);
  const client = add('client', quota);
  for (const bytes of [90, 10, 100, 0, 100, 0]) backlogs.note(client, bytes);
  expect([cut, backlogs.bytes, quota.backlogBytes]).toEqual([[], 0, 0]);
});
