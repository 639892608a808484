/** Whether a certificate is that of a key on the card: by the public half that the card tells, else by a signature with the key. */
import { createHash, randomBytes, verify, type X509Certificate } from 'node:crypto';
import { equalBytes } from '../../apdu/bytes.ts';
import { KeyNotFoundError } from '../../apdu/errors.ts';
import { keyAlgorithmOf } from '../../apdu/public-key.ts';
import type { Token, TokenKey } from '../../apdu/token.ts';
import { keyOf, type CardSession } from '../desk/card-session.ts';
import { ApiError } from '../errors.ts';
import { preferredAlgorithm } from '../signing/certificate-request.ts';
import { verifyOptions } from '../signing/verify-options.ts';

export type ProvableKey = TokenKey & { readonly algorithm: NonNullable<TokenKey['algorithm']> };

/** Undefined when the certificate fits; the key that must prove it by a signature where the card does not tell. Throws certificate_key_mismatch. */
export async function keyToProve(
  session: CardSession,
  token: Token,
  ...[reference, certificate]: readonly [string, X509Certificate]
): Promise<ProvableKey | undefined> {
  const keyReference = reference.toUpperCase();
  const told = await token.key(keyReference);
  const publicKey = knownPublicKey(told?.publicKey, session.card.generated.get(keyReference)?.publicKey);
  if (publicKey) {
    if (!equalBytes(publicKey, certificate.publicKey.export({ type: 'spki', format: 'der' }))) throw mismatch(keyReference);
    return undefined;
  }
  const algorithm = keyAlgorithmOf(certificate.publicKey);
  if (!algorithm) throw mismatch(keyReference); // of a kind that no card has
  if (told?.algorithm !== undefined && told.algorithm !== algorithm) throw mismatch(keyReference);
  return { ...(told ?? (await keyOf(session, token, keyReference))), algorithm };
}

/** A card's copy of its public key may be older than the key, and what was made in this insertion may have been made anew by another program: then neither counts. */
function knownPublicKey(told: Uint8Array | undefined, generated: Uint8Array | undefined): Uint8Array | undefined {
  if (!told || !generated) return told ?? generated;
  return equalBytes(told, generated) ? told : undefined;
}

/** After the PIN was verified that the key wants. Throws certificate_key_mismatch. */
export async function proveKey(token: Token, key: ProvableKey, certificate: X509Certificate): Promise<void> {
  const message = randomBytes(32);
  const signatureAlgorithm = preferredAlgorithm(key.algorithm, key.signatureAlgorithms);
  const { hash, ...options } = verifyOptions(signatureAlgorithm, certificate.publicKey);
  const signature = await signOrNothing(token, key, signatureAlgorithm, createHash(hash).update(message).digest());
  if (!signature || !verify(hash, message, options, signature)) throw mismatch(key.keyReference);
}

function mismatch(keyReference: string): ApiError {
  return new ApiError('certificate_key_mismatch', `writing a certificate to ${keyReference}: it certifies another key`);
}

/** A key of another kind cannot sign this way: nothing. */
async function signOrNothing(
  token: Token,
  ...[key, algorithm, digest]: Parameters<Token['sign']>
): Promise<Uint8Array | undefined> {
  try {
    return await token.sign(key, algorithm, digest);
  } catch (error) {
    if (error instanceof KeyNotFoundError) return undefined;
    throw error;
  }
}
