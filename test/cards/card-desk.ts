/** A simulated card in a simulated reader, and the way to it that the daemon takes: connect, channel. Every command that reaches the card is noted. */
import { formatHex } from '../../apdu/bytes.ts';
import { openChannel, type CardChannel, type ChannelOptions } from '../../apdu/card-channel.ts';
import { Secret } from '../../apdu/secret.ts';
import type { SimulatedCard } from '../../drivers/simulated/card.ts';
import type { SimulatedClock } from '../../drivers/simulated/clock.ts';
import type { KeypadScript } from '../../drivers/simulated/keypad.ts';
import { SimulatedReader, type SimulatedReaderOptions } from '../../drivers/simulated/reader.ts';
import { createSimulatedSource, type SimulatedSource } from '../../drivers/simulated/source.ts';

export const READER_NAME = 'Simulated Holder 00 00';
/** Far more than any exchange here takes: a test that waits so long has found something left open. */
const CONNECT_TIMEOUT_MS = 5_000;

export interface ReaderOptions {
  readonly readerCarriesExtendedLength?: boolean;
  readonly keypad?: KeypadScript;
  readonly clock?: SimulatedClock;
}

export class CardDesk<C extends SimulatedCard = SimulatedCard> {
  readonly card: C;
  readonly reader: SimulatedReader;
  readonly source: SimulatedSource;
  /** Commands that reached the card, in hexadecimal. */
  readonly commands: string[] = [];

  constructor(card: C, options: ReaderOptions = {}) {
    this.card = card;
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
