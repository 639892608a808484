/** The card that a step wants: in which reader, whose it is, whether it is the one expected, and the tries left of its PINs. */
import type { CardTarget } from './case.ts';
import { nameOf, numberOf, type Desk, type Seat } from './desk.ts';
import { h } from './dom.ts';
import { say } from './language.ts';
import { WORDS } from './words.ts';

export interface CardPanelOptions {
  readonly desk: Desk;
  /** As the routine names it: "secondOperator". A reader of that role is theirs. */
  readonly participant: string;
  /** In words. */
  readonly who: string;
  /** The number that the card must have, where the routine says so. */
  readonly expected: string | undefined;
}

export interface CardPanel {
  readonly element: HTMLElement;
  /** The card lies where kortd looks by itself; else what the call must name. */
  target(): { readonly card?: CardTarget };
  seat(): Seat | undefined;
  /** Something changed on the desk. */
  refresh(): void;
}

export function createCardPanel(options: CardPanelOptions): CardPanel {
  const { desk, participant, who } = options;
  const state = h('div', { class: 'card-state', role: 'status' });
  const choice = h('select', { id: 'reader-choice', change: () => refresh() });
  const chooser = h('div', { class: 'field' }, h('label', { for: 'reader-choice' }, say(WORDS.whichReader)), choice);
  const element = h(
    'section',
    { class: 'card-panel', 'aria-label': say(WORDS.readerOf, { who }) },
    h('h3', {}, say(WORDS.readerOf, { who })),
    chooser,
    state,
  );
  const seat = (): Seat | undefined => desk.seatOfRole(participant) ?? desk.seatOf(choice.value);
  const refresh = (): void => {
    chooser.hidden = desk.seatOfRole(participant) !== undefined;
    offerReaders(choice, desk.seats, participant);
    const shown = describeSeat(seat(), options);
    // Unchanged words must not be said again.
    if (shown.textContent !== state.textContent || state.childElementCount !== shown.childElementCount)
      state.replaceChildren(...shown.childNodes);
  };
  refresh();
  return {
    element,
    seat,
    refresh,
    target: () => {
      if (desk.seatOfRole(participant)) return {};
      const reader = seat()?.reader;
      if (!reader) return {};
      return { card: reader.role === undefined ? { reader: reader.id } : { role: reader.role } };
    },
  };
}

/** No reader is bound to the participant: they say which one they take. The second colleague takes the colleague's after the first, say. */
function offerReaders(choice: HTMLSelectElement, seats: readonly Seat[], participant: string): void {
  const isLike = ({ reader }: Seat): boolean =>
    reader.role !== undefined && participant.toLowerCase().endsWith(reader.role.toLowerCase());
  const before = choice.value === '' ? seats.find(isLike)?.reader.id : choice.value;
  const ids = [...choice.options].map(({ value }) => value).join();
  if (ids === seats.map(({ reader }) => reader.id).join()) return;
  choice.replaceChildren(...seats.map(({ reader }) => h('option', { value: reader.id }, nameOf(reader))));
  if (before !== undefined) choice.value = before;
}

function describeSeat(seat: Seat | undefined, { expected }: CardPanelOptions): HTMLElement {
  if (!seat) return h('div', {}, h('p', {}, say(WORDS.noReader)));
  const reader = nameOf(seat.reader);
  const { card, contents } = seat;
  if (!card) return h('div', {}, h('p', { class: 'wanted' }, say(WORDS.putCard, { reader })));
  if (card.status === 'identifying') return h('div', {}, h('p', {}, say(WORDS.reading)));
  if (card.status !== 'ready') return h('div', {}, h('p', { class: 'wrong' }, say(WORDS.unreadable, { reader })));
  const number = numberOf(seat);
  return h(
    'div',
    {},
    h('p', { class: 'holder' }, contents?.identity?.name ?? say(contents ? WORDS.blankCard : WORDS.reading)),
    number !== undefined && h('p', { class: 'number' }, say(WORDS.number, { number })),
    expected !== undefined && number !== undefined && describeMatch(number, expected),
    contents?.identity?.isTrusted === false && h('p', { class: 'wrong' }, say(WORDS.untrusted)),
    ...describePins(seat),
  );
}

function describeMatch(number: string, expected: string): HTMLElement {
  if (number === expected) return h('p', { class: 'right' }, say(WORDS.rightCard));
  return h('p', { class: 'wrong' }, say(WORDS.wrongCard, { expected }));
}

/** PUKs are not asked for here. */
function describePins({ contents }: Seat): readonly HTMLElement[] {
  const pins = (contents?.pins ?? []).filter(({ kind }) => kind === 'pin');
  const items = pins.flatMap(({ label, attemptsRemaining: n }) => {
    if (n === undefined) return [];
    const text = n === 0 ? WORDS.blocked : n === 1 ? WORDS.oneTryLeft : WORDS.triesLeft;
    return [h('li', n <= 1 ? { class: 'wrong' } : {}, say(text, { pin: label, n }))];
  });
  return items.length > 0 ? [h('ul', { class: 'tries' }, ...items)] : [];
}
