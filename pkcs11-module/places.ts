/** Places for keys on a card, and which of them hold anything that a new key would destroy. */
import type { TokenContents } from '../apdu/token.ts';
import type { TokenAbilities } from './desk.ts';

type Held = Pick<TokenContents, 'certificates' | 'keys'>;

export function hasCertificate({ certificates }: Held, keyReference: string): boolean {
  return certificates.some((certificate) => certificate.keyReference === keyReference);
}

/** As far as the card tells: of a key without a certificate, cards of some kinds do not. */
export function hasKnownKey({ keys }: Held, keyReference: string): boolean {
  return keys.some((key) => key.keyReference === keyReference && key.publicKey !== undefined);
}

/** A certificate must be deleted before; and so must a key, where it can be: elsewhere naming its place is all that a person can do. */
export function isTaken(held: Held, { deletesKeys }: Pick<TokenAbilities, 'deletesKeys'>, keyReference: string): boolean {
  return hasCertificate(held, keyReference) || (deletesKeys && hasKnownKey(held, keyReference));
}
