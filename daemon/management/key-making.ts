/** A key made on a card, made sure of and remembered: it may have no certificate for a while, and cards of some kinds do not tell of it then. */
import { equalBytes } from '../../apdu/bytes.ts';
import { CardDataError } from '../../apdu/errors.ts';
import type { GenerateKeyOptions, Token, TokenKey, TokenManagement } from '../../apdu/token.ts';
import { contentsOf, findKey, type CardSession } from '../desk/card-session.ts';

/** `place`: what is known of where it comes. After the right to it was proven. Throws CardDataError when the card tells another key than it made. */
export async function makeKey(
  session: CardSession,
  token: Token,
  { management, place, ...options }: GenerateKeyOptions & { readonly management: TokenManagement; readonly place: TokenKey },
): Promise<TokenKey> {
  const { keyReference, algorithm, pinPolicy, touchPolicy } = options;
  const publicKey = await management.generateKey(options);
  const told = await token.key(keyReference);
  if (told?.publicKey && !equalBytes(told.publicKey, publicKey))
    throw new CardDataError(`generating key ${keyReference}: the card tells another key than it made`);
  const { label, usage, signatureAlgorithms } = told ?? place;
  const key: TokenKey = {
    keyReference: keyReference.toUpperCase(),
    label,
    usage,
    pin: place.pin,
    pinPolicy: pinPolicy ?? place.pinPolicy,
    ...(touchPolicy ? { touchPolicy } : {}),
    ...(signatureAlgorithms ? { signatureAlgorithms } : {}),
    algorithm,
    origin: 'generated',
    publicKey,
  };
  await remember(session, key);
  return key;
}

/** The certificate that stands beside the new key belongs to the old one: from here on the key is known by itself. */
async function remember(session: CardSession, key: TokenKey): Promise<void> {
  const { card } = session;
  const { algorithm, publicKey, keyReference } = key;
  const contents = await contentsOf(session, await session.token());
  if (algorithm && publicKey) {
    // A module lists its keys itself.
    const untold = card.profile === undefined ? {} : { key };
    card.generated.set(keyReference, { algorithm, publicKey, ...untold });
  }
  const others = contents.keys.filter((other) => other.keyReference !== keyReference);
  const known = findKey(contents, keyReference);
  card.contents = {
    ...contents,
    keys: known ? contents.keys.map((other) => (other === known ? key : other)) : [...others, key],
  };
}
