/** What lies on the desk: each reader, the card in it, and what the card says. Read when an event tells of a change, one reading at a time. */
import { CallError, ConnectionError } from '../../../api-spec/client/client.ts';
import type { Result } from '../../../api-spec/methods/index.ts';
import type { Card, Reader } from '../../../api-spec/schemas.ts';
import { say } from './language.ts';
import type { Kortd } from './kortd.ts';
import { ROLES } from './words.ts';

export type Contents = Result<'card.read'>;

export interface Seat {
  readonly reader: Reader;
  readonly card?: Card;
  /** Absent until it was read, and when it cannot be. */
  readonly contents?: Contents;
}

export class Desk {
  readonly #kortd: Kortd;
  readonly #onChange: () => void;
  #seats: readonly Seat[] = [];
  #contents = new Map<string, Contents>();
  #reading: Promise<void> | undefined;
  #isStale = false;

  constructor(kortd: Kortd, onChange: () => void) {
    this.#kortd = kortd;
    this.#onChange = onChange;
  }

  get seats(): readonly Seat[] {
    return this.#seats;
  }

  seatOfRole(role: string): Seat | undefined {
    return this.#seats.find(({ reader }) => reader.role === role);
  }

  seatOf(readerId: string): Seat | undefined {
    return this.#seats.find(({ reader }) => reader.id === readerId);
  }

  /** After a call: tries may have been used, certificates written. */
  forget(): void {
    this.#contents.clear();
    this.refresh();
  }

  refresh(): void {
    this.#isStale = true;
    this.#reading ??= this.#read()
      .catch(unlessGone)
      .finally(() => (this.#reading = undefined));
  }

  async #read(): Promise<void> {
    while (this.#isStale) {
      this.#isStale = false;
      const [{ readers }, { cards }] = await Promise.all([
        this.#kortd.call('reader.list', {}),
        this.#kortd.call('card.list', {}),
      ]);
      const show = (): void => {
        this.#seats = readers.map((reader) => seatOf(reader, cards, this.#contents));
        this.#onChange();
      };
      show();
      const ready = cards.filter(({ id, status }) => status === 'ready' && !this.#contents.has(id));
      await Promise.all(ready.map((card) => this.#readCard(card)));
      if (ready.length > 0) show();
    }
  }

  async #readCard({ id }: Card): Promise<void> {
    try {
      this.#contents.set(id, await this.#kortd.call('card.read', { card: id }));
    } catch (error) {
      // It was taken out meanwhile, or somebody else has it: an event tells when there is more to read.
      if (!(error instanceof CallError)) throw error;
    }
  }
}

/** Without a connection there is nothing to read: it is read when there is one again. */
export function unlessGone(error: unknown): void {
  if (!(error instanceof ConnectionError)) throw error;
}

function seatOf(reader: Reader, cards: readonly Card[], known: ReadonlyMap<string, Contents>): Seat {
  const card = cards.find((one) => one.reader === reader.id);
  const contents = card && known.get(card.id);
  return { reader, ...(card ? { card } : {}), ...(contents ? { contents } : {}) };
}

/** What people call the reader: what it is for, else its name. */
export function nameOf({ role, name }: { readonly role?: string | undefined; readonly name: string }): string {
  const words = role === undefined ? undefined : ROLES[role];
  return words ? say(words) : (role ?? name);
}

/** As printed on the card. */
export function numberOf({ card, contents }: Seat): string | undefined {
  return contents?.identity?.cardNumber ?? card?.application?.serialNumber;
}
