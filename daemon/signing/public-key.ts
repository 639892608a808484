/** Public keys that a caller hands in. */
import { createPublicKey } from 'node:crypto';
import { keyAlgorithmOf } from '../../apdu/public-key.ts';
import type { KeyAlgorithm } from '../../apdu/token.ts';
import { ApiError } from '../errors.ts';

/** SubjectPublicKeyInfo, base64 of DER, of a kind that cards have. Throws invalid_params. */
export function parsePublicKey(base64: string): { readonly algorithm: KeyAlgorithm; readonly publicKey: Uint8Array } {
  const problem = 'publicKey is no SubjectPublicKeyInfo of a kind that cards have';
  try {
    const key = createPublicKey({ key: Buffer.from(base64, 'base64'), format: 'der', type: 'spki' });
    const algorithm = keyAlgorithmOf(key);
    if (algorithm) return { algorithm, publicKey: new Uint8Array(key.export({ type: 'spki', format: 'der' })) };
  } catch (error) {
    throw new ApiError('invalid_params', `reading a public key: ${problem}`, { problem }, { cause: error });
  }
  throw new ApiError('invalid_params', `reading a public key: ${problem}`, { problem });
}
