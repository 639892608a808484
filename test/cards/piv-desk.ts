/** A PIV card in a simulated reader. */
import type { CardChannel } from '../../apdu/card-channel.ts';
import type { CardApplication } from '../../apdu/card-profile.ts';
import { createPivProfile } from '../../apdu/cards/piv.ts';
import { openApplication } from '../../apdu/select.ts';
import type { ManagementKey, Token, TokenManagement } from '../../apdu/token.ts';
import { createPivCard, type PivCardOptions, type SimulatedPivCard } from '../../drivers/simulated/cards/piv.ts';
import { CardDesk, type ReaderOptions } from './card-desk.ts';

export { READER_NAME, secret } from './card-desk.ts';

export interface DeskOptions extends ReaderOptions {
  readonly card?: PivCardOptions;
}

/** What one transaction has in hand. */
export interface PivAtHand {
  readonly channel: CardChannel;
  readonly application: CardApplication;
  readonly token: Token;
  readonly management: TokenManagement;
}

export class PivDesk extends CardDesk<SimulatedPivCard> {
  constructor({ card, ...options }: DeskOptions = {}) {
    super(createPivCard(card), options);
  }

  /** One transaction, PIV selected. */
  async use<R>(work: (piv: PivAtHand) => Promise<R>): Promise<R> {
    return await this.transact(async (channel) => await work(await openPiv(channel)));
  }
}

export async function openPiv(channel: CardChannel): Promise<PivAtHand> {
  const application = await openApplication(channel, createPivProfile());
  const { token } = application;
  if (!token?.management) throw new TypeError('opening PIV: it has a token with management');
  return { channel, application, token, management: token.management };
}

/** Every PIV card has one. */
export function managementKeyOf({ managementKey }: TokenManagement): ManagementKey {
  if (!managementKey) throw new TypeError('opening PIV: it has a management key');
  return managementKey;
}

/** Proves the key that the card left the factory with. */
export async function authenticateFactoryKey(management: TokenManagement): Promise<void> {
  const managementKey = managementKeyOf(management);
  using key = managementKey.factoryKey();
  await managementKey.authenticate(key);
}
