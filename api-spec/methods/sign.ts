import Type from 'typebox';
import { CARD_ERRORS, PIN_ERRORS } from '../errors.ts';
import { PERSON_TIMEOUT_MS, defineMethod } from '../method.ts';
import { AllowLastTry, Base64, Closed, KeyReference, PinParam, Purpose, SignatureAlgorithm, cardParams } from '../schemas.ts';

export const signMethods = {
  'sign.digest': defineMethod({
    summary: 'Sign a digest with a key on the card.',
    attempt: { en: 'Signing', sv: 'Att signera' },
    since: 1,
    scope: 'sign',
    rest: { verb: 'POST', path: '/v1/sign/digest' },
    timeoutMs: PERSON_TIMEOUT_MS,
    params: Closed({
      ...cardParams,
      keyReference: KeyReference,
      algorithm: SignatureAlgorithm,
      digest: Base64('Digest of the length that the algorithm has: 32, 48 or 64 bytes.', 88),
      pin: PinParam,
      allowLastTry: AllowLastTry,
      purpose: Purpose,
    }),
    result: Closed({
      signature: Type.String({ description: 'Base64. ECDSA as r‖s (RFC 7518, section 3.4).' }),
      algorithm: SignatureAlgorithm,
      keyReference: Type.String(),
    }),
    errors: [...CARD_ERRORS, ...PIN_ERRORS, 'algorithm_unsupported', 'key_not_for_web', 'key_not_found'],
  }),
};
