/** Two readers with roles and eID cards of three persons, for the tests of roles. One person has two cards. All cards are of one make: no ATR tells them apart. */
import { X509Certificate } from 'node:crypto';
import type { SimulatedCard } from '../../drivers/simulated/card.ts';
import { createEidCard, type SimulatedEidCard } from '../../drivers/simulated/cards/eid.ts';
import personas from '../../drivers/simulated/cards/eid/personas.json' with { type: 'json' };
import { INS, WatchedCard, openBench, resultOf, type Bench, type RpcSocket } from '../api/support.ts';

export const HOLDER = { serialNumber: 'SERIAL-OF-HOLDERS-READER' };
export const OPERATOR = { serialNumber: 'SERIAL-OF-OPERATORS-READER' };
export const PINS = { legitimering: '471100', underskrift: '471101', puk: '47114711' };

/** HSA-ids of the personas. */
const HSA_ID = { anna: 'SE2321000016-BENCH1', bjorn: 'SE2321000016-BENCH2', cecilia: 'SE2321000016-BENCH3' } as const;
type Person = keyof typeof HSA_ID;

/** The holder is Cecilia, and nobody whose card is in the operator's reader. */
export const POLICY = {
  roles: {
    operator: { reader: OPERATOR, cards: [{ hsaId: HSA_ID.anna }, { hsaId: HSA_ID.bjorn.toLowerCase() }] },
    holder: { reader: HOLDER, cards: [{ hsaId: HSA_ID.cecilia }], notSamePersonAs: ['operator'] },
  },
};

export type EidCard = WatchedCard<SimulatedEidCard>;

export const CARD_NAMES = ['anna', 'bjorn', 'cecilia', 'ceciliaAgain'] as const;
export type CardName = (typeof CARD_NAMES)[number];

export function personOf(name: CardName): Person {
  return name === 'ceciliaAgain' ? 'cecilia' : name;
}

export function makeCards(): Readonly<Record<CardName, EidCard>> {
  const make = (persona: Person, changes: object = {}): EidCard =>
    new WatchedCard(createEidCard({ persona, profile: 'myeid', pins: PINS, ...changes }));
  return {
    anna: make('anna'),
    bjorn: make('bjorn'),
    cecilia: make('cecilia'),
    ceciliaAgain: make('cecilia', { cardNumber: '9752000000000000094' }),
  };
}

export function certificateOf(person: Person, key: 'legitimering' | 'underskrift'): X509Certificate {
  return new X509Certificate(Buffer.from(personas.cards[person].keys[key].certificate, 'base64'));
}

/** What takes the place of a card without any program seeing it go: the worst that a reader that looks rarely can do. */
export class Tray implements SimulatedCard {
  card: EidCard;

  constructor(card: EidCard) {
    this.card = card;
  }

  get kind(): string {
    return this.card.kind;
  }

  get atr(): Uint8Array {
    return this.card.atr;
  }

  powerUp(): void {
    this.card.powerUp();
  }

  reset(): void {
    this.card.reset();
  }

  process(command: Uint8Array): Uint8Array | Promise<Uint8Array> {
    return this.card.process(command);
  }

  /** The other card has been without power. */
  swap(card: EidCard): void {
    this.card.reset();
    this.card = card;
    card.powerUp();
  }
}

/** A PIN was sent to it, or it signed. */
export function wasUsed(card: EidCard): boolean {
  return card.count(INS.verify, 'with data') > 0 || card.count(0x2a) > 0;
}

export interface RoleDesk {
  readonly bench: Bench;
  readonly api: RpcSocket;
  readonly keyReference: string;
  readonly pinReferences: readonly string[];
}

/** `policy` is in force; no card is in a reader. */
export async function prepareDesk(bench: Bench): Promise<RoleDesk> {
  const api = await bench.socket();
  await bench.insert(makeCards().cecilia, 0);
  const { keys, pins } = resultOf(await api.call('card.read', { card: { reader: bench.readerId() } }));
  bench.reader().remove();
  const signature = keys.find(({ usage }) => usage === 'signature');
  return { bench, api, keyReference: signature?.keyReference ?? '', pinReferences: pins.map(({ reference }) => reference) };
}

export async function openRoleBench(policy: object = POLICY): Promise<Bench> {
  return await openBench({ readers: [HOLDER, OPERATOR], policy });
}
