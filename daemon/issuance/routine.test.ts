import { readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RoutineError, fillIn, parseRoutine } from './routine.ts';

const FOLDER = join(import.meta.dirname, 'routines');
const files = readdirSync(FOLDER);

function read(file: string): unknown {
  return JSON.parse(readFileSync(join(FOLDER, file), 'utf8'));
}

/** The LoA3 routine as an object to spoil. */
function spoilt(change: (routine: Spoilable) => void): () => unknown {
  const routine = read('reserve-card-loa3.json') as Spoilable;
  change(routine);
  return () => parseRoutine(routine);
}

interface Spoilable {
  steps: Record<string, unknown>[];
  participants: Record<string, Record<string, unknown>>;
}

describe('the routines', () => {
  it.each(files)('%s is one, and its name is its file’s', (file) => {
    expect(parseRoutine(read(file)).id).toBe(basename(file, '.json'));
  });
});

describe('a routine is refused', () => {
  it.each([
    ['with an unknown kind of step', spoilt(({ steps }) => (steps[0] = { ...steps[0], kind: 'dance' })), /steps\/0/],
    ['with a step that comes twice', spoilt(({ steps }) => steps.push({ ...steps[0] })), /two steps are called order/],
    [
      'whose time runs from a later step',
      spoilt(({ steps }) => steps.unshift({ ...steps[5], id: 'early' })),
      /download, which is no earlier step/,
    ],
    [
      'that waits for itself',
      spoilt(({ steps }) => (steps[5] = { ...steps[5], within: { minutes: 1, after: 'receipt', late: { report: 'x' } } })),
      /receipt, which is no earlier step/,
    ],
    [
      'that undoes what changes no card',
      spoilt(
        ({ steps }) => (steps[5] = { ...steps[5], within: { minutes: 1, after: 'order', late: { undo: 'order', report: 'x' } } }),
      ),
      /no earlier step that can be undone/,
    ],
    [
      'with a step of nobody',
      spoilt(({ steps }) => (steps[1] = { ...steps[1], by: 'constructor' })),
      /constructor takes no part/,
    ],
    [
      'whose text leads nowhere',
      spoilt(({ steps }) => (steps[1] = { ...steps[1], statement: { en: '{order.colour}', sv: '-' } })),
      /order\.colour leads to nothing/,
    ],
    [
      'whose text leads forward',
      spoilt(({ steps }) => (steps[1] = { ...steps[1], statement: { en: '{reviewed.name}', sv: '-' } })),
      /reviewed\.name leads to nothing/,
    ],
    [
      'that compares a participant with themselves',
      spoilt(({ participants }) => (participants['holder'] = { ...participants['holder'], notSamePersonAs: ['holder'] })),
      /compared with holder/,
    ],
    ['that is none', () => parseRoutine('routine'), /reading a routine/],
  ])('%s', (_, parse, problem) => {
    expect(parse).toThrow(RoutineError);
    expect(parse).toThrow(problem);
  });
});

it('a text shows what was left out as a dash', () => {
  expect(fillIn('{a.b} and {a.c}', (path) => (path === 'a.b' ? 'one' : undefined))).toBe('one and –');
});
