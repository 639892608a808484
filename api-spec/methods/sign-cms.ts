import Type from 'typebox';
import { CARD_ERRORS, PIN_ERRORS } from '../errors.ts';
import { PERSON_TIMEOUT_MS, defineMethod } from '../method.ts';
import {
  AllowLastTry,
  ByteSource,
  CertificateList,
  Closed,
  ContentSource,
  Id,
  KeyReference,
  PinParam,
  Purpose,
  SignatureAlgorithm,
  Time,
  cardParams,
} from '../schemas.ts';

/** What every method takes by which a card signs for somebody. */
export const signerParams = {
  ...cardParams,
  keyReference: KeyReference,
  algorithm: Type.Optional(SignatureAlgorithm),
  certificates: CertificateList('Of the authorities above the signer: they go along, beside those on the card.'),
  timeStamp: Type.Optional(
    Type.Boolean({ description: 'Have the configured server say when it was signed (RFC 3161). Default: false.' }),
  ),
  pin: PinParam,
  allowLastTry: AllowLastTry,
  purpose: Purpose,
};

/** A signature as it is given out. */
const SignedCms = Closed({
  cms: Type.Optional(
    Type.String({ description: 'ContentInfo (RFC 5652), base64 of DER. Absent when it is too long for an answer.' }),
  ),
  content: Type.Optional(Id('content that holds it then: GET /v1/contents/{id}')),
  size: Type.Integer({ description: 'Bytes of it.' }),
  algorithm: SignatureAlgorithm,
  keyReference: Type.String(),
  signerIndex: Type.Integer({ description: 'Which of its signers this one is, from 0.' }),
  timeStamp: Type.Optional(Closed({ time: Time(), authority: Type.String({ description: 'RFC 4514.' }) })),
});

export const signingErrors = [
  ...CARD_ERRORS,
  ...PIN_ERRORS,
  'algorithm_not_allowed',
  'algorithm_unsupported',
  'certificate_invalid',
  'content_not_found',
  'contents_full',
  'key_not_for_web',
  'key_not_found',
  'object_not_found',
  'public_key_mismatch',
  'time_stamp_failed',
  'time_stamp_unavailable',
] as const;

export const signCmsMethods = {
  'sign.addSigner': defineMethod({
    summary:
      'Let one more person sign what a CMS signs already. The signatures that it holds are verified first, and stay byte for byte.',
    attempt: { en: 'Adding a signature', sv: 'Att lägga till en signatur' },
    since: 1,
    scope: 'sign',
    rest: { verb: 'POST', path: '/v1/sign/signers' },
    timeoutMs: PERSON_TIMEOUT_MS,
    params: Closed({
      cms: ByteSource('The signature so far'),
      content: Type.Optional(ContentSource),
      ...signerParams,
    }),
    result: SignedCms,
    errors: [...signingErrors, 'cms_invalid', 'signature_invalid'],
  }),
  'sign.cms': defineMethod({
    summary: 'Sign content with a key on the card: a CMS signature as CAdES (ETSI EN 319 122-1, level B-B) has it.',
    attempt: { en: 'Signing', sv: 'Att signera' },
    since: 1,
    scope: 'sign',
    rest: { verb: 'POST', path: '/v1/sign/cms' },
    timeoutMs: PERSON_TIMEOUT_MS,
    params: Closed({
      content: ContentSource,
      detached: Type.Boolean({
        description: 'False: the content goes into the signature. It must be at hand then, not a digest.',
      }),
      ...signerParams,
    }),
    result: SignedCms,
    errors: signingErrors,
  }),
};
