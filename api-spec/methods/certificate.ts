import Type from 'typebox';
import { CARD_ERRORS, PIN_ERRORS } from '../errors.ts';
import { PERSON_TIMEOUT_MS, defineMethod } from '../method.ts';
import {
  AllowLastTry,
  Base64,
  Certificate,
  Closed,
  KeyReference,
  PinParam,
  Purpose,
  SignatureAlgorithm,
  cardParams,
  managementParams,
} from '../schemas.ts';

const writeErrors = [
  ...CARD_ERRORS,
  ...PIN_ERRORS,
  'management_key_rejected',
  'management_key_required',
  'object_not_found',
] as const;

export const certificateMethods = {
  'certificate.delete': defineMethod({
    summary: 'Delete the certificates of a key from the card, or the one of them that is named. The key stays.',
    attempt: { en: 'Deleting the certificate', sv: 'Att ta bort certifikatet' },
    since: 1,
    scope: 'card.manage',
    rest: { verb: 'POST', path: '/v1/certificates/delete' },
    timeoutMs: PERSON_TIMEOUT_MS,
    params: Closed({
      ...cardParams,
      keyReference: KeyReference,
      fingerprint: Type.Optional(
        Type.String({
          pattern: '^[0-9A-Fa-f]{64}$',
          description: 'SHA-256 of its DER, as card.read tells it. Left out: every certificate of the key.',
        }),
      ),
      ...managementParams,
    }),
    result: Closed({}),
    errors: writeErrors,
  }),
  'certificate.list': defineMethod({
    summary: 'The certificates on a card.',
    attempt: { en: 'Listing the certificates', sv: 'Att lista certifikaten' },
    since: 1,
    scope: 'card.read',
    rest: { verb: 'POST', path: '/v1/certificates/list' },
    params: Closed({ ...cardParams }),
    result: Closed({ certificates: Type.Array(Certificate) }),
    errors: CARD_ERRORS,
  }),
  'certificate.request': defineMethod({
    summary: 'A PKCS #10 certification request (RFC 2986), signed by a key on the card.',
    attempt: { en: 'Making the certificate request', sv: 'Att skapa certifikatsbegäran' },
    since: 1,
    scope: 'sign',
    rest: { verb: 'POST', path: '/v1/certificates/request' },
    timeoutMs: PERSON_TIMEOUT_MS,
    params: Closed({
      ...cardParams,
      keyReference: KeyReference,
      subject: Type.String({
        minLength: 3,
        maxLength: 1024,
        description: 'Distinguished name, RFC 4514: "CN=Anna Andersson,O=Region Test,C=SE".',
      }),
      algorithm: Type.Optional(SignatureAlgorithm),
      publicKey: Type.Optional(
        Base64('SubjectPublicKeyInfo as key.generate gave it; needed only when the card does not tell.', 4096),
      ),
      pin: PinParam,
      allowLastTry: AllowLastTry,
      purpose: Purpose,
    }),
    result: Closed({
      request: Type.String({ description: 'PEM (RFC 7468).' }),
      algorithm: SignatureAlgorithm,
    }),
    errors: [...CARD_ERRORS, ...PIN_ERRORS, 'algorithm_unsupported', 'key_not_found', 'public_key_mismatch'],
  }),
  'certificate.write': defineMethod({
    summary:
      'Write a certificate to the card, in place of an earlier one. It must belong to the key; it is read back and compared.',
    attempt: { en: 'Writing the certificate', sv: 'Att skriva certifikatet' },
    since: 1,
    scope: 'card.manage',
    rest: { verb: 'POST', path: '/v1/certificates/write' },
    timeoutMs: PERSON_TIMEOUT_MS,
    params: Closed({
      ...cardParams,
      keyReference: KeyReference,
      certificate: Type.String({ minLength: 1, maxLength: 65_536, description: 'PEM, or base64 of DER.' }),
      add: Type.Optional(
        Type.Boolean({ description: 'Beside the certificates that the key has, on cards that hold more than one for a key.' }),
      ),
      ...managementParams,
    }),
    result: Closed({ certificate: Certificate }),
    errors: [...writeErrors, 'card_full', 'certificate_invalid', 'certificate_key_mismatch', 'key_unproven'],
  }),
};
