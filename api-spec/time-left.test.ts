import { expect, it } from 'vitest';
import { timeLeft } from './time-left.ts';

const now = new Date(2026, 10, 23, 8);

it.each([
  [new Date(2026, 10, 23, 7), 'days', '0 days left', '0 dagar kvar'],
  [new Date(2026, 10, 23, 9), 'days', '1 day left', '1 dag kvar'],
  [new Date(2026, 10, 25, 8), 'days', '2 days left', '2 dagar kvar'],
  [new Date(2027, 0, 21, 8), 'days', '59 days left', '59 dagar kvar'],
  [new Date(2027, 0, 22, 8), 'months', '2 months left', '2 månader kvar'],
  [new Date(2027, 10, 23, 8), 'months', '11 months left', '11 månader kvar'],
  [new Date(2028, 10, 21, 8), 'months', '23 months left', '23 månader kvar'],
  [new Date(2028, 10, 22, 8), 'date', 'Valid until 2028-11-22', 'Giltigt till 2028-11-22'],
  [new Date(2049, 4, 1), 'date', 'Valid until 2049-05-01', 'Giltigt till 2049-05-01'],
])('what ends at %s is told in %s: %s', (until, unit, en, sv) => {
  expect(timeLeft(until, now)).toEqual({ unit, en, sv });
});
