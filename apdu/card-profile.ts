/** A card application, as data and one function. Profiles are listed in `cards/index.ts`; row order is trial order. */
import type { CardChannel } from './card-channel.ts';
import type { Token } from './token.ts';

/** One card application that kortd knows; holds no state. */
export interface CardProfile {
  /** Name on the wire, never changed once released: "piv", "openpgp", "emrtd", "esteid". */
  readonly id: string;
  /** Document and version implemented, as its publisher cites it. */
  readonly specification: string;
  /** AIDs tried in order with SELECT by DF name (ISO/IEC 7816-4:2020, section 11.2.2). */
  readonly applicationIds: readonly Uint8Array[];
  /** Called at the start of every transaction, with the application just selected. Sends nothing. */
  open(channel: CardChannel): CardApplication;
}

/** What the selected application can do. Valid until its transaction ends. */
export interface CardApplication {
  /** Tells two cards of the same kind apart: reads it from the card, in one command. Undefined when the card has none. */
  serialNumber(): Promise<string | undefined>;
  /** Keys, certificates, PINs. */
  readonly token?: Token;
}
