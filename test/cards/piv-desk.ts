/** A PIV card in a simulated reader, and the way to it that the daemon takes: connect, channel, SELECT. Every command that reaches the card is noted. */
import { openChannel, type CardChannel, type ChannelOptions } from '../../apdu/card-channel.ts';
import type { CardApplication } from '../../apdu/card-profile.ts';
import { createPivProfile } from '../../apdu/cards/piv.ts';
import { formatHex } from '../../apdu/bytes.ts';
import { Secret } from '../../apdu/secret.ts';
import { openApplication } from '../../apdu/select.ts';
import type { ManagementKey, Token, TokenManagement } from '../../apdu/token.ts';
import type { SimulatedCard } from '../../drivers/simulated/card.ts';
import { createPivCard, type PivCardOptions, type SimulatedPivCard } from '../../drivers/simulated/cards/piv.ts';
import type { SimulatedClock } from '../../drivers/simulated/clock.ts';
import type { KeypadScript } from '../../drivers/simulated/keypad.ts';
import { SimulatedReader, type SimulatedReaderOptions } from '../../drivers/simulated/reader.ts';
import { createSimulatedSource, type SimulatedSource } from '../../drivers/simulated/source.ts';

export const READER_NAME = 'Simulated Holder 00 00';
/** Far more than any exchange here takes: a test that waits so long has found something left open. */
const CONNECT_TIMEOUT_MS = 5_000;

export interface DeskOptions {
  readonly card?: PivCardOptions;
  readonly readerCarriesExtendedLength?: boolean;
  readonly keypad?: KeypadScript;
  readonly clock?: SimulatedClock;
}

/** What one transaction has in hand. */
export interface PivAtHand {
  readonly channel: CardChannel;
  readonly application: CardApplication;
  readonly token: Token;
  readonly management: TokenManagement;
}

export class PivDesk {
  readonly card: SimulatedPivCard;
  readonly reader: SimulatedReader;
  readonly source: SimulatedSource;
  /** Commands that reached the card, in hexadecimal. */
  readonly commands: string[] = [];

  constructor(options: DeskOptions = {}) {
    this.card = createPivCard(options.card);
    const readerOptions: SimulatedReaderOptions = {
      name: READER_NAME,
      supportsExtendedLength: options.readerCarriesExtendedLength ?? true,
      ...(options.keypad ? { keypad: options.keypad } : {}),
      ...(options.clock ? { clock: options.clock } : {}),
    };
    this.reader = new SimulatedReader(readerOptions);
    this.source = createSimulatedSource([this.reader]);
    this.insert();
  }

  /** Puts the card into the reader, a second time too. */
  insert(): void {
    this.reader.insert(noteCommands(this.card, this.commands));
  }

  /** One transaction, PIV selected. */
  async use<R>(work: (piv: PivAtHand) => Promise<R>): Promise<R> {
    return await this.transact(async (channel) => await work(await openPiv(channel)));
  }

  /** One transaction, nothing sent yet. */
  async transact<R>(work: (channel: CardChannel) => Promise<R>, options: ChannelOptions = {}): Promise<R> {
    await using connection = await this.source.connect(READER_NAME, { signal: AbortSignal.timeout(CONNECT_TIMEOUT_MS) });
    return await work(openChannel(connection, options));
  }

  /** How many commands reach the card during `work`. */
  async count(work: () => Promise<unknown>): Promise<number> {
    const before = this.commands.length;
    await work();
    return this.commands.length - before;
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

/** A secret for a test, which is wiped by nobody. */
export function secret(text: string): Secret {
  return Secret.fromText(text);
}

function noteCommands(card: SimulatedCard, commands: string[]): SimulatedCard {
  return {
    kind: card.kind,
    atr: card.atr,
    powerUp: () => card.powerUp(),
    reset: () => card.reset(),
    process: (command) => {
      commands.push(formatHex(command));
      return card.process(command);
    },
  };
}
