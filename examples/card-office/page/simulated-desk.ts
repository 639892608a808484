/** The strip where cards are moved between the readers of a simulated desk. At a real one it is not there: people have hands. */
import type { Result } from '../../../api-spec/methods/index.ts';
import { nameOf } from './desk.ts';
import { announce, byId, h } from './dom.ts';
import { say } from './language.ts';
import type { Kortd } from './kortd.ts';
import { explain } from './problems.ts';
import { WORDS } from './words.ts';

type Simulated = Result<'simulation.list'>;
type SimulatedReader = Simulated['readers'][number];

export class SimulatedDesk {
  readonly #kortd: Kortd;
  readonly #selects = new Map<string, HTMLSelectElement>();
  #simulated: Simulated | undefined;

  constructor(kortd: Kortd) {
    this.#kortd = kortd;
  }

  /** Cards went in or out, by whatever way. */
  async refresh(): Promise<void> {
    this.#simulated = await this.#kortd.call('simulation.list', {});
    this.render();
  }

  /** Also in another language. The controls stay, so that the focus stays. */
  render(): void {
    const simulated = this.#simulated;
    const strip = byId('simulated-desk');
    strip.hidden = simulated === undefined;
    if (!simulated) return;
    byId('simulated-desk-title').textContent = say(WORDS.desk);
    byId('simulated-desk-text').textContent = say(WORDS.deskText);
    const places = byId('simulated-readers');
    if (this.#selects.size !== simulated.readers.length) {
      this.#selects.clear();
      places.replaceChildren(...simulated.readers.map((reader) => this.#createPlace(reader)));
    }
    for (const reader of simulated.readers) this.#show(reader, simulated);
  }

  #createPlace({ reader }: SimulatedReader): HTMLElement {
    const id = `simulated-${reader}`;
    const select = h('select', { id, change: () => void this.#move(reader, select.value) });
    this.#selects.set(reader, select);
    return h('div', { class: 'place' }, h('label', { for: id }), select);
  }

  #show(reader: SimulatedReader, simulated: Simulated): void {
    const select = this.#selects.get(reader.reader);
    if (!select) return;
    const label = select.labels[0];
    if (label) label.textContent = nameOf(reader);
    select.setAttribute('aria-label', say(WORDS.cardIn, { reader: nameOf(reader) }));
    const options = simulated.cards.map((card) => h('option', { value: card.card }, labelOf(card, reader, simulated)));
    select.replaceChildren(h('option', { value: '' }, say(WORDS.emptyReader)), ...options);
    select.value = reader.card ?? '';
    select.closest('.place')?.classList.toggle('occupied', reader.isOccupied);
  }

  async #move(reader: string, card: string): Promise<void> {
    try {
      const simulated = await (card === ''
        ? this.#kortd.call('simulation.removeCard', { reader })
        : this.#kortd.call('simulation.insertCard', { reader, card }));
      this.#simulated = simulated;
      this.render();
      const place = simulated.readers.find((one) => one.reader === reader);
      if (place)
        announce(
          card === ''
            ? say(WORDS.takenOut, { reader: nameOf(place) })
            : say(WORDS.moved, { card: titleOf(simulated, card), reader: nameOf(place) }),
        );
    } catch (error) {
      announce(explain(error).join(' '));
    }
  }
}

function titleOf({ cards }: Simulated, name: string): string {
  const card = cards.find((one) => one.card === name);
  return card?.holder ?? (card?.note ? say(card.note) : name);
}

function labelOf(
  { card: name, note, holder, reader: at }: Simulated['cards'][number],
  { reader }: SimulatedReader,
  simulated: Simulated,
): string {
  const title = holder !== undefined && note ? `${holder}, ${say(note)}` : titleOf(simulated, name);
  const other = at === undefined || at === reader ? undefined : simulated.readers.find((one) => one.reader === at);
  return other ? say(WORDS.elsewhere, { card: title, reader: nameOf(other) }) : title;
}
