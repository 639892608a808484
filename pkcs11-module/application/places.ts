/** Where on a card a new key or certificate goes: the place that its CKA_ID names, or one whose kind fits. */
import { randomBytes } from 'node:crypto';
import type { KeyAlgorithm, KeyUsage, TokenKey } from '../../apdu/token.ts';
import * as ck from '../constants.ts';
import type { SlotReading, SlotToken, TokenAbilities } from '../desk.ts';
import { CkError } from '../errors.ts';
import { hasCertificate, hasKnownKey, isTaken } from '../places.ts';
import type { PresentSlot } from './context.ts';

/** What a program says that it wants of a key. Programs name more than they need: one of them is enough. */
export interface WantedKey {
  readonly algorithm: KeyAlgorithm;
  readonly id: Uint8Array | undefined;
  readonly signs: boolean;
  /** Decrypts, unwraps or derives. */
  readonly agrees: boolean;
  /** Wants its PIN each time. */
  readonly isGuarded: boolean;
}

interface Token {
  readonly slot: PresentSlot;
  readonly reading: SlotReading;
  readonly abilities: TokenAbilities;
}

type Place = Pick<TokenKey, 'keyReference' | 'usage' | 'pinPolicy'>;

/** Longer ones programs make up by themselves (GnuTLS: 20 bytes); a place is named by what its card has for a name. */
const MAX_NAME_LENGTH = 2;
const OPEN_ID_LENGTH = 20;

/** By a program, for whatever it makes; it names no place. */
function isMadeUp(id: Uint8Array): boolean {
  return id.length > MAX_NAME_LENGTH;
}

/** Throws CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCONSISTENT, CKR_DEVICE_MEMORY: no place is free; CKR_FUNCTION_NOT_SUPPORTED for a token in which none is made. */
export function placeForKey(wanted: WantedKey, token: Token): string {
  const { reading, abilities, slot } = token;
  if (!makesKeys(slot.token, abilities))
    throw new CkError(ck.CKR_FUNCTION_NOT_SUPPORTED, 'generating a key: new ones come to the first token of the card alone');
  const named = wanted.id && placeNamed(wanted.id, token);
  if (named) {
    requireFitting(wanted, named);
    if (!isTaken(reading.contents, abilities, named.keyReference)) return named.keyReference;
    throw new CkError(
      ck.CKR_ATTRIBUTE_VALUE_INVALID,
      `generating a key in ${named.keyReference}: what is there must be deleted first`,
    );
  }
  if (abilities.hasOpenPlaces) return hexOf(wanted.id ?? randomBytes(OPEN_ID_LENGTH));
  if (wanted.id && !isMadeUp(wanted.id)) throw noPlace(wanted.id);
  const free = freePlaces(wanted, token);
  const [best] = usagesFor(wanted).flatMap((usage) => free.filter((place) => place.usage === usage));
  if (best) return best.keyReference;
  throw new CkError(
    ck.CKR_DEVICE_MEMORY,
    `generating an ${wanted.algorithm} key: no place on the card is free for one of its kind`,
  );
}

/** What is behind a module makes new keys with its first PIN: one that was asked for with another would come to a token where its program does not look. */
export function makesKeys(
  { isFirst }: Pick<SlotToken, 'isFirst'>,
  { hasOpenPlaces }: Pick<TokenAbilities, 'hasOpenPlaces'>,
): boolean {
  return isFirst || !hasOpenPlaces;
}

/** Of the key that the certificate's ID names, else of the one that it certifies. */
export function placeForCertificate(id: Uint8Array | undefined, publicKey: Uint8Array, token: Token): string {
  const named = id && placeNamed(id, token);
  if (named) return named.keyReference;
  if (id && !isMadeUp(id)) throw noPlace(id);
  const certified = keysOf(token).find((key) => key.publicKey && Buffer.compare(key.publicKey, publicKey) === 0);
  if (certified) return certified.keyReference;
  throw new CkError(ck.CKR_TEMPLATE_INCONSISTENT, 'writing a certificate: it certifies no key that the token is known to have');
}

function placeNamed(id: Uint8Array, { slot, reading, abilities }: Token): Place | undefined {
  const given = hexOf(id);
  const other = slot.token.otherIds?.get(given);
  const keyReference = other ?? given;
  const key = reading.contents.keys.find((one) => one.keyReference === keyReference);
  if (key && key.pin !== slot.token.pin)
    throw new CkError(ck.CKR_ATTRIBUTE_VALUE_INVALID, `using place ${given}: it is of the other token of this card`);
  if (key ?? other) return key ?? { keyReference, usage: 'key agreement', pinPolicy: 'once' };
  const isKnown = [...(slot.token.otherIds?.values() ?? [])].includes(given) && !abilities.hasOpenPlaces;
  return isKnown ? { keyReference, usage: 'key agreement', pinPolicy: 'once' } : undefined;
}

function freePlaces({ algorithm }: WantedKey, token: Token): readonly TokenKey[] {
  const { contents } = token.reading;
  return keysOf(token).filter(
    (key) =>
      key.pinPolicy !== 'never' &&
      (key.algorithm ?? algorithm) === algorithm &&
      !hasCertificate(contents, key.keyReference) &&
      !hasKnownKey(contents, key.keyReference),
  );
}

function keysOf({ slot, reading }: Token): readonly TokenKey[] {
  return reading.contents.keys.filter(({ pin }) => pin === slot.token.pin);
}

/** The best first. A key for signatures that bind a person is made where it is asked for, or where nothing else is free. */
function usagesFor({ signs, agrees, isGuarded, algorithm }: WantedKey): readonly KeyUsage[] {
  if (isGuarded) return ['signature'];
  if (!signs && agrees) return ['key agreement'];
  // Curves either sign or agree; programs that want both mean signatures, mostly.
  return algorithm.startsWith('RSA') ? ['authentication', 'signature', 'key agreement'] : ['authentication', 'signature'];
}

function requireFitting(wanted: WantedKey, place: Place): void {
  const isMeant = wanted.agrees && place.usage === 'key agreement';
  const fits = wanted.isGuarded ? place.pinPolicy === 'always' : isMeant || usagesFor(wanted).includes(place.usage);
  if (!fits)
    throw new CkError(ck.CKR_TEMPLATE_INCONSISTENT, `generating a key in ${place.keyReference}: it is for ${place.usage}`);
}

function noPlace(id: Uint8Array): CkError {
  return new CkError(ck.CKR_ATTRIBUTE_VALUE_INVALID, `using place ${hexOf(id)}: the card has none of this CKA_ID`);
}

function hexOf(id: Uint8Array): string {
  return Buffer.from(id).toString('hex').toUpperCase();
}
