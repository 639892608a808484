/** RSA decryption by keys behind a module, the padding left in its block: whoever asked takes it off, as with every other card. */
import { CardDataError, SecurityStatusError } from '../../apdu/errors.ts';
import { MODULUS_LENGTH } from '../../apdu/public-key.ts';
import type { RsaKeyAlgorithm } from '../../apdu/token.ts';
import * as ck from './constants.ts';
import type { CardKeys } from './module-token.ts';
import { findPlace } from './signing.ts';

export async function decipher(
  keys: CardKeys,
  keyReference: string,
  algorithm: RsaKeyAlgorithm,
  cryptogram: Uint8Array,
): Promise<Uint8Array> {
  const attempt = `deciphering with key ${keyReference}`;
  const { key, handle, wantsPin } = await findPlace(keys, { keyReference, algorithm }, attempt);
  if (wantsPin) throw new SecurityStatusError(`${attempt}: the key wants its PIN for each use`);
  const args = { session: await keys.session.session(key.slot), key: handle, mechanism: ck.CKM_RSA_X_509 };
  const { blobs } = await keys.session.call(attempt, 'decrypt', args, { blobs: [cryptogram] });
  const [plain = new Uint8Array()] = blobs;
  const length = MODULUS_LENGTH[algorithm];
  if (plain.length > length) throw new CardDataError(`${attempt}: the module gave ${plain.length} bytes, more than ${length}`);
  // A block begins with a zero, which some modules leave out.
  const block = new Uint8Array(length);
  block.set(plain, length - plain.length);
  plain.fill(0);
  return block;
}
