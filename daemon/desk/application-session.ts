/** One transaction with a card whose source brings the application, ready: a vendor's module does. */
import type { CardConnection } from '../../apdu/card-connection.ts';
import type { CardApplication } from '../../apdu/card-profile.ts';
import type { Token, TokenContents } from '../../apdu/token.ts';
import type { AnyConnection, ApplicationConnection } from '../../drivers/reader-source.ts';
import {
  contentsOf,
  notePins,
  openCommandSession,
  requireSameCard,
  requireSameCertificates,
  tokenOf,
  withGenerated,
  type CardReading,
  type CardSession,
  type KnownCard,
  type SessionOptions,
} from './card-session.ts';
import type { CardRecord } from './records.ts';

export function openCardSession(card: CardRecord, connection: AnyConnection, options: SessionOptions): CardSession {
  return usesCommands(connection)
    ? openCommandSession(card, connection, options)
    : new ApplicationSession(card, connection, options);
}

export function usesCommands(connection: AnyConnection): connection is CardConnection {
  return 'transmit' in connection;
}

class ApplicationSession implements CardSession {
  readonly card: CardRecord;
  readonly hasKeypad: boolean;
  /** What the source remembers of its own is its own matter. */
  readonly isQuiet = false;
  readonly exchanges = 0;
  readonly #connection: ApplicationConnection;
  readonly #options: SessionOptions;
  #application: CardApplication | undefined;

  constructor(card: CardRecord, connection: ApplicationConnection, options: SessionOptions) {
    this.card = card;
    this.hasKeypad = connection.hasKeypad;
    this.#connection = connection;
    this.#options = options;
  }

  find(): Promise<KnownCard> {
    return Promise.resolve({ kind: this.#connection.kind, application: this.#open() });
  }

  async makeSure(): Promise<void> {
    const { card } = this;
    if (!card.kind) return;
    const application = await this.application();
    if (card.serialNumber === undefined && application.token) await requireSameCertificates(this, application.token);
  }

  async application(): Promise<CardApplication> {
    this.#options.signal.throwIfAborted();
    const opened = this.#open();
    if (this.#options.makesSure) await requireSameCard(this.card, opened);
    return opened;
  }

  async token(): Promise<Token> {
    return tokenOf(this.card, await this.application());
  }

  /** A module tells nothing by which an earlier insertion would be known to hold. */
  recognise(): Promise<boolean> {
    return Promise.resolve(false);
  }

  remember(contents: TokenContents): Promise<void> {
    this.card.contents = withGenerated(this.card, contents);
    return Promise.resolve();
  }

  forget(): void {
    // Nothing is kept over insertions.
  }

  async read(): Promise<CardReading> {
    const { card } = this;
    card.contents = undefined;
    const token = await this.token();
    const pins = await token.pins();
    notePins(card, pins);
    return { pins, contents: await contentsOf(this, token) };
  }

  #open(): CardApplication {
    return (this.#application ??= this.#connection.open(this.card.contents));
  }
}
