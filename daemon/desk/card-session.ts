/** One transaction with one card: what a handler works with. It ends when the handler does. */
import { openChannel, type CardChannel } from '../../apdu/card-channel.ts';
import type { CardConnection } from '../../apdu/card-connection.ts';
import type { CardApplication, CardKind, CardProfile } from '../../apdu/card-profile.ts';
import { ApplicationNotFoundError, CardError, NotSupportedByCardError } from '../../apdu/errors.ts';
import { findApplication, openApplication } from '../../apdu/select.ts';
import type { PinStatus, Token, TokenContents, TokenKey, TokenManagement } from '../../apdu/token.ts';
import { DeviceRemovedError } from '../../drivers/errors.ts';
import type { CardCache } from './card-cache.ts';
import type { CardRecord } from './records.ts';

export interface CardSession {
  readonly card: CardRecord;
  /** One raw command, as it is: no chaining, no GET RESPONSE. Absent for a card that is not used by commands. */
  transmit?(command: Uint8Array, options: { readonly sensitive: boolean }): Promise<Uint8Array>;
  /** A PIN can be typed on this reader. */
  readonly hasKeypad: boolean;
  /** The first of these that the card has, selected and opened, or what its source brings; undefined for a card of no known kind. */
  find(profiles: readonly CardProfile[]): Promise<KnownCard | undefined>;
  /**
   * Before anything else: that this is the card that was meant, by its serial number, else by its certificates. Nothing is made sure of with a card of no
   * known kind. Throws DeviceRemovedError for another card.
   */
  makeSure(): Promise<void>;
  /** Selects the card's application. Throws ApplicationNotFoundError for a card of no known kind. */
  application(): Promise<CardApplication>;
  /** Selects the application and gives its token. Throws NotSupportedByCardError for one without keys. */
  token(): Promise<Token>;
  /** A card that was here before, and that nobody changed since: takes what is known of it, and is true then. Looks for one application alone. */
  recognise(profiles: readonly CardProfile[]): Promise<boolean>;
  /** Remembers what was just read, for this insertion, and for later ones where the card tells when it was changed. */
  remember(contents: TokenContents): Promise<void>;
  /** Before anything on the card is changed: what is known of it from earlier insertions holds no longer. */
  forget(): void;
  /** PINs as they are, and contents that are right now: from memory when nobody can have changed them, else from the card. */
  read(): Promise<CardReading>;
  /** True while the application stands selected and no PIN was used: the card need not be reset, and what is remembered may still hold next time. */
  readonly isQuiet: boolean;
  /** Exchanges with the card in this transaction; none with a card that is not used by commands. */
  readonly exchanges: number;
}

export interface KnownCard {
  readonly kind: CardKind;
  /** Absent for a card that is not used by commands. */
  readonly profile?: CardProfile;
  readonly application: CardApplication;
}

export interface CardReading {
  readonly pins: readonly PinStatus[];
  readonly contents: TokenContents;
}

/** pcsc-lite powers a card down five seconds after its last use (EnableAutoPowerOff, `PCSCLITE_POWER_OFF_GRACE_PERIOD`): longer ago, everything may be otherwise. */
const REMEMBERED_MS = 5_000;

export interface SessionOptions {
  readonly signal: AbortSignal;
  readonly makesSure: boolean;
  readonly cache: CardCache | undefined;
}

/** For a card that is used by commands; application-session.ts has the other. */
export function openCommandSession(card: CardRecord, connection: CardConnection, options: SessionOptions): CardSession {
  return new CommandSession(card, connection, options);
}

class CommandSession implements CardSession {
  readonly card: CardRecord;
  readonly #channel: CardChannel;
  readonly #connection: CardConnection;
  readonly #makesSure: boolean;
  readonly #quietSince: number | undefined;
  readonly #cache: CardCache | undefined;
  #application: CardApplication | undefined;
  #isSelected = false;
  #isSensitive = false;
  /** Made sure of, and selected since. */
  #sure: CardApplication | undefined;
  #exchanges = 0;

  constructor(card: CardRecord, connection: CardConnection, options: SessionOptions) {
    this.card = card;
    this.#connection = connection;
    this.#makesSure = options.makesSure;
    this.#quietSince = card.quietSince;
    this.#cache = options.cache;
    const watched: CardConnection = {
      ...describeConnection(connection),
      transmit: (command, how) => this.#transmit(command, how?.sensitive ?? false),
      [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
    };
    this.#channel = openChannel(watched, { signal: options.signal, onExchange: () => this.#exchanges++ });
  }

  get exchanges(): number {
    return this.#exchanges;
  }

  get hasKeypad(): boolean {
    return this.#channel.keypad !== undefined;
  }

  get isQuiet(): boolean {
    return this.#isSelected && !this.#isSensitive;
  }

  transmit(command: Uint8Array, { sensitive }: { readonly sensitive: boolean }): Promise<Uint8Array> {
    this.#channel.throwIfAborted();
    this.#isSelected = false;
    return this.#transmit(command, sensitive);
  }

  async find(profiles: readonly CardProfile[]): Promise<(KnownCard & { readonly profile: CardProfile }) | undefined> {
    const found = await findApplication(this.#channel, profiles);
    this.#isSelected = found !== undefined;
    this.#application = found?.application;
    return found && { kind: found.profile, ...found };
  }

  async makeSure(): Promise<void> {
    const { card } = this;
    if (!card.profile) return;
    const application = await this.application();
    if (card.serialNumber === undefined && application.token) await requireSameCertificates(this, application.token);
    this.#sure = application;
  }

  async application(): Promise<CardApplication> {
    const sure = this.#isSelected ? this.#sure : undefined;
    this.#sure = undefined;
    if (sure) return sure;
    const opened = await openApplication(this.#channel, this.#profile(), this.card.contents);
    this.#isSelected = true;
    this.#application = opened;
    if (this.#makesSure) await requireSameCard(this.card, opened);
    return opened;
  }

  async token(): Promise<Token> {
    return tokenOf(this.card, await this.application());
  }

  async recognise(profiles: readonly CardProfile[]): Promise<boolean> {
    const { card } = this;
    const usual = this.#cache?.profileOf(card.atr);
    const found = await this.find(profiles.filter(({ id }) => id === usual));
    const serialNumber = await found?.application.serialNumber();
    if (!found || serialNumber === undefined) return false;
    const { profile } = found;
    const changeMarker = await found.application.changeMarker?.();
    const contents = this.#cache?.find({ atr: card.atr, profile, serialNumber }, changeMarker);
    if (!contents) return false;
    Object.assign(card, { kind: profile, profile, serialNumber, changeMarker, contents });
    noteAbilities(card, found.application);
    const [first] = contents.keys;
    if (first) card.firstPin = first.pin;
    return true;
  }

  async remember(contents: TokenContents): Promise<void> {
    const { card } = this;
    const marker = await this.#application?.changeMarker?.();
    card.changeMarker = marker;
    // Another card may have come into the reader unnoticed: what is kept is kept under its own number.
    const isSame = marker !== undefined && (await this.#application?.serialNumber()) === card.serialNumber;
    if (isSame) this.#cache?.keep(card, marker, contents);
    card.contents = withGenerated(card, contents);
  }

  forget(): void {
    this.#cache?.forget(this.card);
  }

  async read(): Promise<CardReading> {
    const { card } = this;
    const remembered = await this.#readUnlessTouched();
    if (remembered) return remembered;
    const token = await this.#tokenToRead();
    const pins = await token.pins();
    notePins(card, pins);
    return { pins, contents: await contentsOf(this, token) };
  }

  /** With what is remembered where the card's own marker says that it still holds. */
  async #tokenToRead(): Promise<Token> {
    const { card } = this;
    if (card.contents && card.changeMarker !== undefined) {
      const application = await this.application();
      const isSame = (await application.serialNumber()) === card.serialNumber;
      if (isSame && (await application.changeMarker?.()) === card.changeMarker) return tokenOf(card, application);
    }
    card.contents = undefined;
    return await this.token();
  }

  /**
   * Without SELECT: a card that was reset since, by another program or by losing power, has nothing selected and does not answer as before.
   * What a program changes without a reset, within seconds of our own use, goes unseen; PIV has no change counter that would tell.
   */
  async #readUnlessTouched(): Promise<CardReading | undefined> {
    const { card } = this;
    if (!card.contents || this.#quietSince === undefined || performance.now() - this.#quietSince > REMEMBERED_MS)
      return undefined;
    try {
      const application = this.#profile().open(this.#channel, card.contents);
      const pins = await tokenOf(card, application).pins();
      if (!pins.some((pin) => pin.verified || pin.attemptsRemaining !== undefined)) return undefined;
      if ((await application.serialNumber()) !== card.serialNumber) return undefined;
      if ((await application.changeMarker?.()) !== card.changeMarker) return undefined;
      notePins(card, pins);
      this.#isSelected = true;
      return { pins, contents: card.contents };
    } catch (error) {
      if (error instanceof CardError) return undefined;
      throw error;
    }
  }

  #profile(): CardProfile {
    if (this.card.profile) return this.card.profile;
    throw new ApplicationNotFoundError(`using card ${this.card.id}: it has no application that kortd knows`);
  }

  #transmit(command: Uint8Array, sensitive: boolean): Promise<Uint8Array> {
    if (sensitive) this.#isSensitive = true;
    return this.#connection.transmit(command, { sensitive });
  }
}

export function tokenOf(card: CardRecord, application: CardApplication): Token {
  if (application.token) return application.token;
  throw new NotSupportedByCardError(`using card ${card.id}: it has no keys`);
}

/** Told without a word to the card. */
export function noteAbilities(card: CardRecord, { token }: CardApplication): void {
  const management = token?.management;
  if (!management) return;
  card.abilities = {
    hasManagementKey: management.managementKey !== undefined,
    deletesKeys: management.deleteKey !== undefined,
    addsCertificates: management.addCertificate !== undefined,
    renames: management.rename !== undefined,
  };
}

/** What a card told of its PINs. */
export function notePins(card: CardRecord, pins: readonly PinStatus[]): void {
  card.pins = pins;
  for (const pin of pins) card.tries.observe(pin);
}

/** Its plain properties; a spread would lose those that are getters of a class. */
function describeConnection(connection: CardConnection): Pick<CardConnection, 'atr' | 'supportsExtendedLength' | 'keypad'> {
  const { atr, supportsExtendedLength, keypad } = connection;
  return { atr, supportsExtendedLength, ...(keypad ? { keypad } : {}) };
}

/** Before anything is changed, or a person's PIN is used: a card that was swapped within one poll of the reader has another serial number. */
export async function requireSameCard(card: CardRecord, application: CardApplication): Promise<void> {
  const serialNumber = await application.serialNumber();
  if (serialNumber !== card.serialNumber) throw anotherCard(card);
}

/** Of a card that has no serial number: its certificates are read, and must be those that were read before. */
export async function requireSameCertificates(session: CardSession, token: Token): Promise<void> {
  const { card } = session;
  const before = card.contents;
  card.contents = undefined;
  const contents = await contentsOf(session, token);
  if (before && !hasSameCertificates(before, contents)) throw anotherCard(card);
}

function anotherCard(card: CardRecord): DeviceRemovedError {
  return new DeviceRemovedError(`using card ${card.id}: another card is in the reader`);
}

function hasSameCertificates(one: TokenContents, other: TokenContents): boolean {
  const textOf = ({ certificates }: TokenContents): string =>
    JSON.stringify(certificates.map(({ keyReference, der }) => [keyReference, Buffer.from(der).toString('base64')]));
  return textOf(one) === textOf(other);
}

/** Keys and certificates, from memory when they are there; `CardSession.read` for what must be right now. */
export async function contentsOf(session: CardSession, token: Token): Promise<TokenContents> {
  const { card } = session;
  if (!card.contents) await session.remember(await token.contents());
  return card.contents ?? { keys: [], certificates: [] };
}

/** A card that does not tell its public keys: those made in this insertion are known all the same. */
export function withGenerated(card: CardRecord, contents: TokenContents): TokenContents {
  const keys = contents.keys.map((key) => {
    const made = card.generated.get(key.keyReference);
    if (!made) return key;
    const { algorithm, publicKey } = made;
    const isUntold = key.algorithm === undefined || (key.algorithm === algorithm && !key.publicKey);
    return isUntold ? { ...key, algorithm, publicKey } : key;
  });
  const untold = [...card.generated.values()].flatMap(({ key }) => (key && !findKey(contents, key.keyReference) ? [key] : []));
  return { ...contents, keys: [...keys, ...untold] };
}

export function findKey(contents: TokenContents, keyReference: string): TokenKey | undefined {
  return contents.keys.find((key) => key.keyReference === keyReference.toUpperCase());
}

/** A key as known, or as the card tells, or as its standard has it. What is not known from memory is looked for on the card. */
export async function keyOf(session: CardSession, token: Token, keyReference: string): Promise<TokenKey> {
  const wasRemembered = session.card.contents !== undefined;
  let known = findKey(await contentsOf(session, token), keyReference);
  if (known?.algorithm) return known;
  const told = await token.key(keyReference);
  if (!told && wasRemembered) {
    session.card.contents = undefined;
    known = findKey(await contentsOf(session, token), keyReference);
  }
  return (
    told ??
    known ?? {
      keyReference: keyReference.toUpperCase(),
      label: keyReference,
      usage: 'authentication',
      pin: session.card.firstPin ?? '80',
      pinPolicy: 'once',
    }
  );
}

export function managementOf(token: Token): TokenManagement {
  if (!token.management) throw new NotSupportedByCardError('changing the card: it cannot be changed');
  return token.management;
}
