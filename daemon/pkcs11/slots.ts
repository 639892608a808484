/**
 * Readers and cards as slots and tokens of PKCS #11. A card with two PINs is two tokens, each in a slot of its own: programs know of one PIN a token, and ask for
 * the one that the token names (as the middleware of Swedish e-ID cards has it: "Legitimering" and "Underskrift").
 */
import type { PinReference } from '../../apdu/token.ts';
import type { SlotToken, TokenSlot } from '../../pkcs11-module/desk.ts';
import type { CardRecord, ReaderRecord } from '../desk/records.ts';

/** Of one card: more PINs than a person can tell apart are shown as these. */
const MAX_PINS = 4;

/** Numbers slots: a reader keeps its numbers for as long as the daemon runs, and gets one more when a card with more PINs comes. */
export class Slots {
  readonly #ids = new Map<string, number>();

  list(readers: readonly ReaderRecord[]): readonly TokenSlot[] {
    return readers.flatMap((reader) => this.#ofReader(reader));
  }

  #ofReader(reader: ReaderRecord): readonly TokenSlot[] {
    const tokens = tokensOf(reader.card);
    while (this.#ids.has(keyOf(reader, tokens.length))) tokens.push(undefined);
    if (tokens.length === 0) tokens.push(undefined);
    return tokens.map((token, index) => ({
      id: this.#idOf(keyOf(reader, index)),
      description: reader.role === undefined ? reader.name : `${reader.role}: ${reader.name}`,
      manufacturer: 'kortd',
      token,
    }));
  }

  #idOf(key: string): number {
    const id = this.#ids.get(key) ?? this.#ids.size + 1;
    this.#ids.set(key, id);
    return id;
  }
}

function keyOf({ id }: ReaderRecord, index: number): string {
  return `${id} ${index}`;
}

function tokensOf(card: CardRecord | undefined): (SlotToken | undefined)[] {
  if (card?.status !== 'ready' || !card.contents) return [];
  const pins = [...new Set(card.contents.keys.map(({ pin }) => pin))].slice(0, MAX_PINS);
  return pins.map((pin, index) => tokenOf(card, pin, { index, isOnly: pins.length === 1 }));
}

function tokenOf(
  { id, kind, serialNumber = '', contents }: CardRecord,
  pin: PinReference,
  { index, isOnly }: { readonly index: number; readonly isOnly: boolean },
): SlotToken {
  const name = kind?.id.toUpperCase() ?? 'card';
  const use = contents?.keys.find((key) => key.pin === pin)?.usage === 'signature' ? 'signature' : 'authentication';
  return {
    insertion: id,
    label: isOnly ? `${name} card` : `${name} card (${use})`,
    manufacturer: 'kortd',
    model: name,
    // The last digits tell cards of one issuer apart.
    serialNumber: serialNumber.slice(-16),
    pin,
    isFirst: index === 0,
  };
}
