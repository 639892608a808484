import Type from 'typebox';
import { CARD_ERRORS, PIN_ERRORS } from '../errors.ts';
import { PERSON_TIMEOUT_MS, defineMethod } from '../method.ts';
import { AllowLastTry, Base64, Closed, KeyReference, PinParam, Purpose, SignatureAlgorithm, cardParams } from '../schemas.ts';

const address = { ...cardParams, keyReference: KeyReference, algorithm: SignatureAlgorithm };
const digest = Base64('Digest of the length that the algorithm has: 32, 48 or 64 bytes.', 88);
const signature = Type.String({ description: 'Base64. ECDSA as r‖s (RFC 7518, section 3.4).' });
const pinParams = { pin: PinParam, allowLastTry: AllowLastTry, purpose: Purpose };
const errors = [...CARD_ERRORS, ...PIN_ERRORS, 'algorithm_unsupported', 'key_not_for_web', 'key_not_found'] as const;

/** As many as fit a message when their names are short. */
const MAX_DOCUMENTS = 1_000;
const documentName = Type.String({
  minLength: 1,
  maxLength: 120,
  description: 'What the person is shown. Something in it must be visible.',
});

export const signMethods = {
  'sign.batch': defineMethod({
    summary:
      'Sign a list of digests with a key on the card. The person sees the list, and enters the PIN once. Every signature is verified before any is given out: all or nothing.',
    attempt: { en: 'Signing the documents', sv: 'Att signera dokumenten' },
    since: 1,
    scope: 'sign',
    rest: { verb: 'POST', path: '/v1/sign/batch' },
    timeoutMs: PERSON_TIMEOUT_MS,
    timeoutPerItem: { param: 'documents', timeoutMs: 2_000 },
    params: Closed({
      ...address,
      documents: Type.Array(Closed({ name: documentName, digest }), {
        minItems: 1,
        maxItems: MAX_DOCUMENTS,
        description: 'Signed in this order. The whole message must fit the limit of messages.',
      }),
      ...pinParams,
    }),
    result: Closed({
      signatures: Type.Array(Closed({ name: Type.String(), digest: Type.String(), signature }), {
        description: 'In the order of the documents.',
      }),
      manifest: Closed(
        {
          hash: Type.Literal('SHA-256'),
          value: Type.String({
            pattern: '^[0-9a-f]{64}$',
            description:
              'Over a text in ASCII: a line "kortd-batch-1", the algorithm and the number of documents, then for each a line with its digest and the SHA-256 of its name in UTF-8. A space between the parts, small hexadecimal letters, a line feed after each line.',
          }),
        },
        'A digest of the list in its order. The prompt shows how it begins, and the audit record has all of it.',
      ),
      algorithm: SignatureAlgorithm,
      keyReference: Type.String(),
    }),
    errors: [...errors, 'pin_each_time', 'public_key_unknown'],
  }),
  'sign.digest': defineMethod({
    summary: 'Sign a digest with a key on the card.',
    attempt: { en: 'Signing', sv: 'Att signera' },
    since: 1,
    scope: 'sign',
    rest: { verb: 'POST', path: '/v1/sign/digest' },
    timeoutMs: PERSON_TIMEOUT_MS,
    params: Closed({ ...address, digest, ...pinParams }),
    result: Closed({ signature, algorithm: SignatureAlgorithm, keyReference: Type.String() }),
    errors,
  }),
};
