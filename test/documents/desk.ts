/** A simulated travel document on a bench, read over the API. */
import type { Result } from '../../api-spec/methods/index.ts';
import { createEmrtdCard, type EmrtdCardOptions, type SimulatedEmrtdCard } from '../../drivers/simulated/cards/emrtd.ts';
import { WatchedCard, resultOf, type Bench, type RpcSocket } from '../api/support.ts';

export type Reading = Result<'passport.read'>;

export interface DocumentDesk {
  readonly api: RpcSocket;
  readonly card: WatchedCard<SimulatedEmrtdCard>;
  readonly id: string;
  readonly access: { readonly mrz: string };
}

export async function layDown(bench: Bench, options: EmrtdCardOptions = {}): Promise<DocumentDesk> {
  const card = new WatchedCard(createEmrtdCard(options));
  const id = await bench.insert(card);
  return { api: await bench.socket(), card, id, access: { mrz: card.inner.printed.mrz.join('\n') } };
}

export async function readWhole({ api, id, access }: DocumentDesk, params: object = {}): Promise<Reading> {
  return resultOf(await api.call('passport.read', { card: id, access, ...params }));
}

/** Reason of each check that did not pass, by its id. */
export function troubles({ checks }: Reading): Readonly<Record<string, string>> {
  return Object.fromEntries(checks.filter(({ verdict }) => verdict !== 'passed').map(({ id, reason }) => [id, reason]));
}
