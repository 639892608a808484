/** A simulated eID card at a bench, with what its holder knows of it. */
import {
  createEidCard,
  type EidCardDescription,
  type EidCardState,
  type SimulatedEidCard,
} from '../../drivers/simulated/cards/eid.ts';
import { resultOf, WatchedCard, type Bench, type RpcSocket } from './support.ts';

export type WatchedEidCard = WatchedCard<SimulatedEidCard>;

export interface EidDesk {
  readonly api: RpcSocket;
  readonly card: WatchedEidCard;
  readonly id: string;
  /** By reference. */
  readonly pins: Readonly<Record<string, string>>;
  readonly puk: string;
}

export async function openDesk(bench: Bench, persona: string, options: EidCardDescription = {}): Promise<EidDesk> {
  const card = new WatchedCard(createEidCard({ persona, ...options }));
  const id = await bench.insert(card);
  const api = await bench.socket();
  const { pins } = resultOf(await api.call('card.read', { card: id }));
  const { legitimering, underskrift, puk } = card.inner.state().pins;
  const [first, second] = pins.map(({ reference }) => reference);
  return {
    api,
    card,
    id,
    pins: { [first ?? '']: textOf(legitimering), [second ?? '']: textOf(underskrift) },
    puk: textOf(puk),
  };
}

/** Without what fills the block up: 00 or FF. */
function textOf({ block }: { readonly block: string }): string {
  return Buffer.from(block.replace(/(?:00|ff)+$/i, ''), 'hex').toString();
}

/** Everything that the card keeps, tries included: for "nothing changed". */
export function stateOf(card: WatchedEidCard): EidCardState {
  return structuredClone(card.inner.state());
}
