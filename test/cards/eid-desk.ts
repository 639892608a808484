/** An eID card in a simulated reader. */
import type { CardChannel } from '../../apdu/card-channel.ts';
import type { CardApplication } from '../../apdu/card-profile.ts';
import { createEidProfile } from '../../apdu/cards/eid.ts';
import { openApplication } from '../../apdu/select.ts';
import type { Token, TokenContents, TokenManagement } from '../../apdu/token.ts';
import { createEidCard, type SimulatedEidCard } from '../../drivers/simulated/cards/eid.ts';
import { CardDesk, type ReaderOptions } from './card-desk.ts';

export interface EidAtHand {
  readonly channel: CardChannel;
  readonly application: CardApplication;
  readonly token: Token;
  readonly management: TokenManagement;
}

export class EidDesk extends CardDesk<SimulatedEidCard> {
  constructor({ card, ...options }: ReaderOptions & { readonly card?: Parameters<typeof createEidCard>[0] } = {}) {
    super(createEidCard(card), options);
  }

  /** One transaction, the application found; `remembered` is what an earlier one read. */
  async use<R>(work: (eid: EidAtHand) => Promise<R>, remembered?: TokenContents): Promise<R> {
    return await this.transact(async (channel) => await work(await openEid(channel, remembered)));
  }
}

export async function openEid(channel: CardChannel, remembered?: TokenContents): Promise<EidAtHand> {
  const application = await openApplication(channel, createEidProfile(), remembered);
  const { token } = application;
  if (!token?.management) throw new TypeError('opening an eID card: it has a token with management');
  return { channel, application, token, management: token.management };
}
