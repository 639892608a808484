import Type from 'typebox';
import { defineMethod } from '../method.ts';
import { ByteSource, Closed, Id, SignatureAlgorithm, Time } from '../schemas.ts';
import { PERSON_TIMEOUT_MS } from '../method.ts';
import { signerParams, signingErrors } from './sign-cms.ts';

/** One line, without control characters. */
const Line = (description: string, maxLength: number) =>
  Type.String({ minLength: 1, maxLength, pattern: '^[^\\u0000-\\u001f\\u007f]*$', description });
const Points = (minimum: number) => Type.Number({ minimum, maximum: 100_000 });

const Rectangle = Closed(
  { x: Points(0), y: Points(0), width: Points(1), height: Points(1) },
  'In points (1/72 inch) of the page as it is shown, from its lower left corner.',
);

const Visible = Closed(
  {
    page: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'From 1. Default: 1.' })),
    rectangle: Type.Optional(Rectangle),
    language: Type.Optional(Type.Enum(['en', 'sv'] as const, { description: 'Of the words beside name and time. Default: en.' })),
    text: Type.Optional(
      Type.Array(Line('A line of text.', 200), {
        maxItems: 20,
        description: 'In place of name, time, reason and location. None: the picture alone.',
      }),
    ),
    picture: Type.Optional(ByteSource('A PNG or JPEG, of a signature pad for example')),
  },
  'What is shown of the signature. A field that the PDF has stands where it stands: page and rectangle are left out then.',
);

export const signPdfMethods = {
  'sign.pdf': defineMethod({
    summary:
      'Sign a PDF with a key on the card: PAdES (ETSI EN 319 142-1, level B-B, or B-T with a time stamp). Signatures that it has stay as they are.',
    attempt: { en: 'Signing the PDF', sv: 'Att signera PDF-filen' },
    since: 1,
    scope: 'sign',
    rest: { verb: 'POST', path: '/v1/sign/pdf' },
    timeoutMs: PERSON_TIMEOUT_MS,
    params: Closed({
      pdf: ByteSource('The PDF'),
      visible: Type.Optional(Visible),
      reason: Type.Optional(Line('Why it is signed.', 256)),
      location: Type.Optional(Line('Where it is signed.', 256)),
      field: Type.Optional(
        Line('Signature field: one that the PDF has and that is not signed, or the name of a new one. Default: a new one.', 128),
      ),
      ...signerParams,
    }),
    result: Closed({
      pdf: Type.Optional(Type.String({ description: 'The signed PDF, base64. Absent when it is too long for an answer.' })),
      content: Type.Optional(Id('content that holds it then: GET /v1/contents/{id}')),
      size: Type.Integer({ description: 'Bytes of it.' }),
      field: Type.String({ description: 'In which it was signed.' }),
      algorithm: SignatureAlgorithm,
      keyReference: Type.String(),
      timeStamp: Type.Optional(Closed({ time: Time(), authority: Type.String({ description: 'RFC 4514.' }) })),
    }),
    errors: [
      ...signingErrors,
      'pdf_changes_forbidden',
      'pdf_encrypted',
      'pdf_excessive',
      'pdf_field_unusable',
      'pdf_invalid',
      'pdf_page_missing',
      'pdf_rectangle_invalid',
      'pdf_text_unsupported',
      'picture_invalid',
    ],
  }),
};
