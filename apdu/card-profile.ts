/** A card application, as data and one function. Profiles are listed in `cards/index.ts`; row order is trial order. */
import type { CardChannel } from './card-channel.ts';
import type { OpenDocument, OpenDocumentOptions } from './icao9303/document.ts';
import type { Token, TokenContents } from './token.ts';

/** What kind a card is, as it is told of. */
export interface CardKind {
  /** Name on the wire, never changed once released: "piv", "openpgp", "emrtd", "esteid". */
  readonly id: string;
  /** Document and version implemented, as its publisher cites it. */
  readonly specification: string;
}

/** One card application that kortd knows; holds no state. */
export interface CardProfile extends CardKind {
  /** AIDs tried in order with SELECT by DF name (ISO/IEC 7816-4:2020, section 11.2.2). */
  readonly applicationIds: readonly Uint8Array[];
  /**
   * For applications that no AID is enough to find: selects it, by whatever its standard offers, and opens it. Undefined on a card that has none.
   * Stands in for trying `applicationIds`.
   */
  find?(channel: CardChannel, remembered?: TokenContents): Promise<CardApplication | undefined>;
  /**
   * Called at the start of every transaction, with the application just selected. Sends nothing. `remembered` is what an earlier transaction with this
   * card read, unchanged since: an application may take from it where things are on the card, and spare reading that again.
   */
  open(channel: CardChannel, remembered?: TokenContents): CardApplication;
  /** Writes down `TokenContents.directory`, and reads that again. Present on profiles that make one; `decode` takes only what `encode` of the same version gave. */
  readonly directoryText?: {
    encode(directory: object): string | undefined;
    decode(text: string): object;
  };
}

/** What the selected application can do. Valid until its transaction ends. */
export interface CardApplication {
  /** Tells two cards of the same kind apart: reads it from the card, in one command. Undefined when the card has none. */
  serialNumber(): Promise<string | undefined>;
  /** Another text after each change of what is on the card: one more command at most after `serialNumber`. Absent, or undefined, where none is kept. */
  changeMarker?(): Promise<string | undefined>;
  /** Keys, certificates, PINs. */
  readonly token?: Token;
  /** Of an electronic travel document. Throws as `openTravelDocument`. */
  openDocument?(options: OpenDocumentOptions): Promise<OpenDocument>;
}
