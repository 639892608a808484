/** How node:crypto verifies what a card signs: hash, padding and salt by JWA name, ECDSA as r‖s. */
import { constants, type KeyObject } from 'node:crypto';
import { SIGNATURE_SCHEMES } from '../../apdu/signature-encoding.ts';
import type { SignatureAlgorithm } from '../../apdu/token.ts';

export function verifyOptions(algorithm: SignatureAlgorithm, key: KeyObject) {
  const { family, hash, digestLength } = SIGNATURE_SCHEMES[algorithm];
  if (family === 'ecdsa') return { hash, key, dsaEncoding: 'ieee-p1363' as const };
  if (family === 'pss') return { hash, key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: digestLength };
  return { hash, key, padding: constants.RSA_PKCS1_PADDING };
}
