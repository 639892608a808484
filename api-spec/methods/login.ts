import Type from 'typebox';
import { CARD_ERRORS, PIN_ERRORS } from '../errors.ts';
import { PERSON_TIMEOUT_MS, defineMethod } from '../method.ts';
import { AllowLastTry, Closed, PinParam, Purpose, SignatureAlgorithm, cardParams } from '../schemas.ts';

export const loginMethods = {
  'login.authenticate': defineMethod({
    summary:
      'Prove to a web site who holds the card: an authentication token in the format web-eid:1.0, good for that site and its challenge alone.',
    attempt: { en: 'Logging in', sv: 'Att logga in' },
    since: 1,
    scope: 'login',
    rest: { verb: 'POST', path: '/v1/login/authenticate' },
    timeoutMs: PERSON_TIMEOUT_MS,
    params: Closed({
      ...cardParams,
      challenge: Type.String({
        minLength: 44,
        maxLength: 128,
        pattern: '^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$',
        description:
          'Random, from the server that the person logs in to: at least 256 bits, in base64. It is signed as the text that it is.',
      }),
      origin: Type.Optional(
        Type.String({
          maxLength: 300,
          description: 'Of the site: a program must name it. A web page can only prove it to itself, and leaves it out.',
        }),
      ),
      pin: PinParam,
      allowLastTry: AllowLastTry,
      purpose: Purpose,
    }),
    result: Closed(
      {
        unverifiedCertificate: Type.String({ description: 'X.509, DER in base64. Whoever gets the token verifies it.' }),
        algorithm: SignatureAlgorithm,
        signature: Type.String({
          description: 'Base64, over hash(origin) followed by hash(challenge). ECDSA as r‖s (RFC 7518, section 3.4).',
        }),
        format: Type.Literal('web-eid:1.0'),
        appVersion: Type.String(),
      },
      'As server libraries for Web eID take it.',
    ),
    errors: [...CARD_ERRORS, ...PIN_ERRORS, 'key_not_found', 'object_not_found', 'public_key_mismatch'],
  }),
};
