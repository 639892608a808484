/** All steps of a case: which are done, by whom and when, what was signed and recorded, and what comes. */
import { definitionOf, whoTakes, type Ceremony, type Routine, type StepView } from './case.ts';
import { h } from './dom.ts';
import { say, sayTime } from './language.ts';
import { ROLES, WORDS } from './words.ts';

export function createStepsList(ceremony: Ceremony, routine: Routine): HTMLElement {
  const { steps } = ceremony;
  return h('ol', { class: 'steps' }, ...steps.map((step) => createItem(step, routine)));
}

function createItem(step: StepView, routine: Routine): HTMLElement {
  const { state, title, by } = step;
  const word = state === 'done' ? WORDS.done : state === 'next' ? WORDS.now : WORDS.later;
  const who = whoTakes(routine, by);
  return h(
    'li',
    { class: state, ...(state === 'next' ? { 'aria-current': 'step' } : {}) },
    h('span', { class: 'step-title' }, say(title)),
    h('span', { class: 'unseen' }, `: ${say(word)}`),
    describeTaking(step, who),
    ...describeContent(step, routine),
  );
}

function describeTaking({ state, doneAt, person }: StepView, who: string | undefined): HTMLElement | undefined {
  if (state !== 'done' || doneAt === undefined) return who === undefined ? undefined : h('span', { class: 'soft' }, who);
  const name = person?.name ?? who;
  const time = sayTime(doneAt);
  return h('span', { class: 'soft' }, name === undefined ? time : say(WORDS.takenBy, { time, name }));
}

/** What it left behind, folded up. */
function describeContent(step: StepView, routine: Routine): readonly HTMLElement[] {
  if (step.state !== 'done') return [];
  if (typeof step.statement === 'string') return [fold(say(WORDS.wasSigned), h('blockquote', {}, step.statement))];
  if (step.messages) {
    const items = step.messages.map((message) =>
      h('li', {}, h('strong', {}, `${sayRecipient(message.to, routine)}: `), say(message)),
    );
    return [fold(say(WORDS.messages), h('ul', {}, ...items))];
  }
  const definition = definitionOf(routine, step);
  if (definition?.kind !== 'record') return [];
  const rows = Object.entries(definition.fields).flatMap(([name, field]) => {
    const value = step.facts?.[name];
    if (value === undefined) return [];
    const shown = field.kind === 'confirmation' ? '✓' : ((field.choices?.[value] && say(field.choices[value])) ?? value);
    return [h('dt', {}, say(field.title)), h('dd', {}, shown)];
  });
  return [fold(say(WORDS.wasRecorded), h('dl', {}, ...rows))];
}

function sayRecipient(to: string, routine: Routine): string {
  const role = ROLES[to];
  return whoTakes(routine, to) ?? (role ? say(role) : to);
}

function fold(title: string, content: HTMLElement): HTMLElement {
  return h('details', {}, h('summary', {}, title), content);
}

/** How far the card has come, key by key. */
export function createJobTable({ steps }: Ceremony): HTMLElement | undefined {
  const job = steps.find((step) => step.job && step.state !== 'done')?.job;
  if (!job) return undefined;
  const mark = (isDone: boolean, text: string): HTMLElement =>
    h(
      'li',
      { class: isDone ? 'yes' : 'no' },
      text,
      h('span', { class: 'unseen' }, `: ${say(isDone ? WORDS.done : WORDS.notYet)}`),
    );
  const keys = job.keys.map(({ usage, request, certificate, isWritten }) =>
    h(
      'div',
      { class: 'key' },
      h('h4', {}, say(WORDS[usage])),
      h(
        'ul',
        {},
        mark(request !== undefined, say(WORDS.keyMade)),
        mark(certificate !== undefined, say(WORDS.certificateCame)),
        mark(isWritten, say(WORDS.certificateWritten)),
      ),
    ),
  );
  return h('section', { class: 'job', 'aria-label': say(WORDS.jobTitle) }, ...keys);
}
