/** One transaction with one card: what a handler works with. It ends when the handler does. */
import { openChannel, type CardChannel } from '../../apdu/card-channel.ts';
import type { CardConnection } from '../../apdu/card-connection.ts';
import type { CardApplication } from '../../apdu/card-profile.ts';
import { ApplicationNotFoundError, NotSupportedByCardError } from '../../apdu/errors.ts';
import { openApplication } from '../../apdu/select.ts';
import type { Token, TokenContents, TokenKey, TokenManagement } from '../../apdu/token.ts';
import { DeviceRemovedError } from '../../drivers/errors.ts';
import type { CardRecord } from './records.ts';

export interface CardSession {
  readonly card: CardRecord;
  readonly channel: CardChannel;
  /** One raw command, as it is: no chaining, no GET RESPONSE. */
  transmit(command: Uint8Array, options: { readonly sensitive: boolean }): Promise<Uint8Array>;
  /** A PIN can be typed on this reader. */
  readonly hasKeypad: boolean;
  /** Selects the card's application. Throws ApplicationNotFoundError for a card of no known kind. */
  application(): Promise<CardApplication>;
  /** Selects the application and gives its token. Throws NotSupportedByCardError for one without keys. */
  token(): Promise<Token>;
}

export function openCardSession(
  card: CardRecord,
  connection: CardConnection,
  options: { readonly signal: AbortSignal; readonly changes: boolean },
): CardSession {
  const channel = openChannel(connection, { signal: options.signal });
  const application = async (): Promise<CardApplication> => {
    if (!card.profile) throw new ApplicationNotFoundError(`using card ${card.id}: it has no application that kortd knows`);
    const opened = await openApplication(channel, card.profile);
    if (options.changes) await requireSameCard(card, opened);
    return opened;
  };
  return {
    card,
    channel,
    transmit: (command, { sensitive }) => {
      channel.throwIfAborted();
      return connection.transmit(command, { sensitive });
    },
    hasKeypad: channel.keypad !== undefined,
    application,
    token: async () => {
      const { token } = await application();
      if (!token) throw new NotSupportedByCardError(`using card ${card.id}: it has no keys`);
      return token;
    },
  };
}

/** Before anything is changed: a card that was swapped within one poll of the reader has another serial number. */
async function requireSameCard(card: CardRecord, application: CardApplication): Promise<void> {
  const serialNumber = await application.serialNumber();
  if (serialNumber !== card.serialNumber) throw new DeviceRemovedError(`using card ${card.id}: another card is in the reader`);
}

/** Keys and certificates, from memory when the card was not written to since. */
export async function contentsOf(session: CardSession, token: Token): Promise<TokenContents> {
  session.card.contents ??= await token.contents();
  return session.card.contents;
}

export function findKey(contents: TokenContents, keyReference: string): TokenKey | undefined {
  return contents.keys.find((key) => key.keyReference === keyReference.toUpperCase());
}

export function managementOf(token: Token): TokenManagement {
  if (!token.management) throw new NotSupportedByCardError('changing the card: it cannot be changed');
  return token.management;
}
