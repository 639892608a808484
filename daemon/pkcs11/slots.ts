/**
 * Readers and cards as slots and tokens of PKCS #11. A card with two PINs is two tokens, each in a slot of its own: programs know of one PIN a token, and ask for
 * the one that the token names (as the middleware of Swedish e-ID cards has it: "Legitimering" and "Underskrift").
 */
import { createHash } from 'node:crypto';
import type { TokenContents, TokenKey, TokenName } from '../../apdu/token.ts';
import type { SlotToken, TokenSlot } from '../../pkcs11-module/desk.ts';
import type { CardRecord, ReaderRecord } from '../desk/records.ts';

/** Of one card: more PINs than a person can tell apart are shown as these. */
const MAX_PINS = 4;
/** Positive, in 32 bits: CK_SLOT_ID has no more on some systems. */
const SLOT_IDS = 0x7f_ff_ff_ff;

/** OpenSC's numbers for keys of PIV (libopensc/pkcs15-piv.c): what people write with its tools. */
const PIV_IDS: ReadonlyMap<string, string> = new Map([
  ['01', '9A'],
  ['02', '9C'],
  ['03', '9D'],
  ['04', '9E'],
  ...Array.from(
    { length: 20 },
    (_, index) => [String(index + 5).padStart(2, '0'), (0x82 + index).toString(16).toUpperCase()] as const,
  ),
]);

/**
 * Numbers slots: a reader gets one more when a card with more PINs comes. Programs remember the numbers while the daemon is restarted, so that they are made of
 * the reader's own id, which is the same after it; should two slots come to the same number, the later one gets the next.
 */
export class Slots {
  readonly #ids = new Map<string, number>();
  /** A card whose contents are read again is there meanwhile, and a PIN of it keeps its slot as long as the card is in: what was typed for one must not be sent to another. */
  readonly #tokens = new WeakMap<CardRecord, readonly SlotToken[]>();
  readonly #numberOf: (key: string) => number;

  /** `numberOf` is for tests. */
  constructor(numberOf = hashed) {
    this.#numberOf = numberOf;
  }

  list(readers: readonly ReaderRecord[]): readonly TokenSlot[] {
    return readers.flatMap((reader) => this.#ofReader(reader));
  }

  #ofReader(reader: ReaderRecord): readonly TokenSlot[] {
    const tokens: (SlotToken | undefined)[] = [...this.#tokensOf(reader.card)];
    while (this.#ids.has(keyOf(reader, tokens.length))) tokens.push(undefined);
    if (tokens.length === 0) tokens.push(undefined);
    return tokens.map((token, index) => ({
      id: this.#idOf(keyOf(reader, index)),
      description: reader.role === undefined ? reader.name : `${reader.role}: ${reader.name}`,
      manufacturer: 'kortd',
      token,
    }));
  }

  #tokensOf(card: CardRecord | undefined): readonly SlotToken[] {
    if (card?.status !== 'ready') return [];
    const before = this.#tokens.get(card) ?? [];
    const tokens = card.contents ? tokensOf(card, card.contents, before) : before;
    this.#tokens.set(card, tokens);
    return tokens;
  }

  #idOf(key: string): number {
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const taken = new Set(this.#ids.values());
    let id = this.#numberOf(key);
    while (taken.has(id)) id = (id % SLOT_IDS) + 1;
    this.#ids.set(key, id);
    return id;
  }
}

/** From 1 on. */
function hashed(key: string): number {
  return (createHash('sha256').update(key).digest().readUInt32BE() % SLOT_IDS) + 1;
}

function keyOf({ id }: ReaderRecord, index: number): string {
  return `${id} ${index}`;
}

/** A card without keys is a token too: keys can be made on it. So is what was one `before` its last key went. */
function tokensOf(card: CardRecord, { keys, names }: TokenContents, before: readonly SlotToken[]): readonly SlotToken[] {
  const ofKeys = [...new Set([...before, ...keys].map(({ pin }) => pin))].slice(0, MAX_PINS);
  const pins = ofKeys.length > 0 || card.firstPin === undefined ? ofKeys : [card.firstPin];
  const labelFor = (pin: string): string => {
    const key = keys.find((one) => one.pin === pin);
    const known = key ? undefined : before.find((token) => token.pin === pin);
    return known?.label ?? labelOf(card, { isOnly: pins.length === 1, key });
  };
  return pins.map((pin, index) => ({
    insertion: card.id,
    label: labelFor(pin),
    manufacturer: 'kortd',
    model: nameOf(card),
    ...ownNames(names?.find((name) => name.pin === pin)),
    // The last digits tell cards of one issuer apart.
    serialNumber: (card.serialNumber ?? '').slice(-16),
    pin,
    isFirst: index === 0,
    hasKeypad: card.reader.hasKeypad === true,
    ...(card.kind?.id === 'piv' ? { otherIds: PIV_IDS } : {}),
  }));
}

/** A card that programs may know already goes by the names that its module gives it. */
function ownNames(name: TokenName | undefined): Partial<Pick<SlotToken, 'label' | 'manufacturer' | 'model'>> {
  if (!name) return {};
  const { label, manufacturer, model } = name;
  return { ...(label === '' ? {} : { label }), manufacturer, model };
}

function nameOf({ kind }: CardRecord): string {
  return kind?.id.toUpperCase() ?? 'card';
}

function labelOf(card: CardRecord, { isOnly, key }: { readonly isOnly: boolean; readonly key: TokenKey | undefined }): string {
  if (isOnly) return `${nameOf(card)} card`;
  return `${nameOf(card)} card (${key?.usage === 'signature' ? 'signature' : 'authentication'})`;
}
