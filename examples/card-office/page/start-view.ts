/** The first page: what can be begun, and the cases that are open. */
import type { Result } from '../../../api-spec/methods/index.ts';
import type { Routine } from './case.ts';
import { h } from './dom.ts';
import { say, sayTime } from './language.ts';
import { WORDS } from './words.ts';

type Summary = Result<'issuance.list'>['ceremonies'][number];

export interface StartOptions {
  readonly routines: readonly Routine[];
  readonly ceremonies: readonly Summary[];
  readonly begin: (routine: Routine) => void;
}

/** What the example is about comes first; everything else that kortd knows works the same way. */
const FIRST = ['reserve-card-loa3', 'renewal', 'reserve-card-vouched'];

export function createStart({ routines, ceremonies, begin }: StartOptions): HTMLElement {
  const sorted = [...routines].sort((one, other) => rankOf(one.id) - rankOf(other.id));
  const open = ceremonies.filter(({ state }) => state === 'open');
  const ended = ceremonies.filter(({ state }) => state !== 'open');
  const list = (cases: readonly Summary[]): HTMLElement =>
    h('ul', { class: 'cases' }, ...cases.map((one) => createRow(one, routines)));
  return h(
    'div',
    { class: 'start' },
    h('h1', {}, say(WORDS.title)),
    h(
      'section',
      { 'aria-labelledby': 'open-title' },
      h('h2', { id: 'open-title' }, say(WORDS.openCases)),
      open.length > 0 ? list(open) : h('p', { class: 'soft' }, say(WORDS.noOpenCases)),
    ),
    h(
      'section',
      { 'aria-labelledby': 'begin-title' },
      h('h2', { id: 'begin-title' }, say(WORDS.beginWhat)),
      h('ul', { class: 'routines' }, ...sorted.map((routine) => createRoutine(routine, begin))),
    ),
    ended.length > 0 && h('details', { class: 'ended' }, h('summary', {}, say(WORDS.endedCases)), list(ended)),
  );
}

function rankOf(id: string): number {
  const index = FIRST.indexOf(id);
  return index === -1 ? FIRST.length : index;
}

function createRoutine(routine: Routine, begin: (routine: Routine) => void): HTMLElement {
  const title = say(routine.title);
  const people = Object.values(routine.participants)
    .map((participant) => say(participant.title))
    .join(', ');
  return h(
    'li',
    {},
    h('div', {}, h('h3', {}, title), h('p', { class: 'soft' }, say(WORDS.whoTakesPart, { people }))),
    h(
      'button',
      { type: 'button', click: () => begin(routine), 'aria-label': say(WORDS.beginThis, { routine: title }) },
      say(WORDS.begin),
    ),
  );
}

function createRow({ ceremony, routine, state, startedAt }: Summary, routines: readonly Routine[]): HTMLElement {
  const known = routines.find(({ id }) => id === routine);
  const title = known ? say(known.title) : routine;
  const time = sayTime(startedAt);
  const word = say(state === 'open' ? WORDS.goOnWith : WORDS.look);
  return h(
    'li',
    {},
    h('div', {}, h('h3', {}, title), h('p', { class: 'soft' }, `${say(WORDS.begun, { time })} · ${say(WORDS[state])}`)),
    h('a', { class: 'button', href: `#${ceremony}`, 'aria-label': `${word}: ${title}, ${time}` }, word),
  );
}
