import Type from 'typebox';
import { defineMethod } from '../method.ts';
import { ByteSource, CertificateList, Closed, ContentSource, Time } from '../schemas.ts';

const Verdict = Type.Enum(['valid', 'invalid', 'indeterminate'] as const, {
  description:
    'invalid: something does not fit (ETSI EN 319 102-1: TOTAL-FAILED). indeterminate: what was given does not suffice to tell.',
});

/** Sorted by code. */
export const SIGNATURE_REASONS = [
  'CERTIFICATE_CHAIN_GENERAL_FAILURE',
  'CHAIN_CONSTRAINTS_FAILURE',
  'CRYPTO_CONSTRAINTS_FAILURE',
  'FORMAT_FAILURE',
  'HASH_FAILURE',
  'NOT_YET_VALID',
  'NO_CERTIFICATE_CHAIN_FOUND',
  'NO_SIGNING_CERTIFICATE_FOUND',
  'OUT_OF_BOUNDS_NO_POE',
  'REVOKED',
  'REVOKED_CA_NO_POE',
  'REVOKED_NO_POE',
  'SIGNED_DATA_NOT_FOUND',
  'SIG_CONSTRAINTS_FAILURE',
  'SIG_CRYPTO_FAILURE',
  'TRY_LATER',
] as const;

const Reasons = Type.Array(
  Closed({
    code: Type.Enum(SIGNATURE_REASONS, { description: 'Sub-indication of ETSI EN 319 102-1, tables 5 and 6.' }),
    text: Type.String(),
  }),
  { description: 'Why it is not valid; none when it is.' },
);

const SignerCertificate = Closed({
  subject: Type.String({ description: 'RFC 4514.' }),
  issuer: Type.String({ description: 'RFC 4514.' }),
  serialNumber: Type.String({ description: 'Hexadecimal.' }),
  notBefore: Time(),
  notAfter: Time(),
  fingerprint: Type.String({ description: 'SHA-256 of the DER, hexadecimal.' }),
});

export const SignerReport = Closed(
  {
    verdict: Verdict,
    reasons: Reasons,
    certificate: Type.Optional(SignerCertificate),
    algorithm: Type.String({ description: 'JWA name (RFC 7518, section 3.1), or what is not allowed.' }),
    claimedTime: Type.Optional(Time('As the signer says, which proves nothing.')),
    digest: Type.Enum(['match', 'mismatch', 'not_checked'] as const, { description: 'Of the content.' }),
    signature: Type.Enum(['good', 'bad', 'not_checked'] as const, { description: 'By the key of the certificate.' }),
    signingCertificate: Type.Enum(['match', 'mismatch', 'absent'] as const, {
      description: 'The signed reference to the certificate (signing-certificate-v2, RFC 5035).',
    }),
    chain: Type.Enum(['trusted', 'untrusted', 'not_checked'] as const),
    validity: Closed(
      {
        at: Time(),
        source: Type.Enum(['time_stamp', 'claimed', 'now'] as const, { description: 'Where that moment comes from.' }),
      },
      'The moment for which certificates were looked at.',
    ),
    revocation: Closed({
      status: Type.Enum(['good', 'revoked', 'unknown', 'not_checked'] as const, {
        description: 'not_checked: no list and no response was given. unknown: none of them tells, or is fresh and genuine.',
      }),
      source: Type.Optional(Type.Enum(['crl', 'ocsp'] as const)),
      revokedAt: Type.Optional(Time()),
      problem: Type.Optional(Type.String()),
    }),
    timeStamp: Type.Optional(
      Closed({
        verdict: Verdict,
        time: Type.Optional(Time()),
        authority: Type.Optional(Type.String({ description: 'RFC 4514.' })),
        reasons: Reasons,
      }),
    ),
  },
  'What is to be said of one signature.',
);

const Revocation = (what: string, source: string) =>
  Type.Optional(
    Type.Array(ByteSource(what), { maxItems: 32, description: `${source}, DER. Their signatures and freshness are checked.` }),
  );

/** What a PDF tells of one signature, and what it covers. */
const PdfSignature = Closed({
  field: Type.String(),
  verdict: Verdict,
  problem: Type.Optional(Type.String({ description: 'What is wrong with how it stands in the PDF, whatever its CMS says.' })),
  signer: Type.Optional(Type.Integer({ description: 'Which of signers it is, from 0. Absent when there is nothing to verify.' })),
  format: Type.Optional(Type.String({ description: 'SubFilter: "ETSI.CAdES.detached" is PAdES.' })),
  name: Type.Optional(Type.String({ description: 'As the PDF says, as are reason, location and time.' })),
  reason: Type.Optional(Type.String()),
  location: Type.Optional(Type.String()),
  time: Type.Optional(Time()),
  certifies: Type.Optional(
    Type.Integer({ description: 'Changes that it allows: 1 none, 2 forms and signatures, 3 annotations as well.' }),
  ),
  coversWholeFile: Type.Boolean(),
  coveredBytes: Type.Integer({ description: 'From the start of the file: the revision that was signed.' }),
  laterChanges: Type.Enum(['none', 'signatures', 'other'] as const, {
    description:
      'What came after that revision. signatures: nothing but further ones. other: what is shown may not be what was signed.',
  }),
  laterRevisions: Type.Integer({ description: 'Updates of the file after it.' }),
  changes: Type.Array(Type.String(), { description: 'The first of what is "other", in words.' }),
});

export const signatureMethods = {
  'signature.verify': defineMethod({
    summary:
      'Verify a CMS signature, with every signer and time stamp in it, or all signatures of a PDF. Nothing is fetched, and no card is needed.',
    attempt: { en: 'Verifying the signature', sv: 'Att verifiera signaturen' },
    since: 1,
    scope: 'sign',
    rest: { verb: 'POST', path: '/v1/signatures/verify' },
    params: Closed({
      cms: Type.Optional(ByteSource('The signature. This or pdf')),
      pdf: Type.Optional(ByteSource('A PDF, whose signatures are all verified. This or cms')),
      content: Type.Optional(ContentSource),
      trustAnchors: CertificateList('What signers must go back to, in place of those of the policy.'),
      timeStampAnchors: CertificateList('What authorities of time stamps must go back to, in place of those of the policy.'),
      certificates: CertificateList('Further authorities between signers and anchors, beside those in the signature.'),
      crls: Revocation('A certificate revocation list', 'RFC 5280, section 5'),
      ocspResponses: Revocation('An OCSP response', 'RFC 6960, section 4.2'),
    }),
    result: Closed({
      verdict: Verdict,
      detached: Type.Boolean(),
      signers: Type.Array(SignerReport),
      signatures: Type.Optional(Type.Array(PdfSignature, { description: 'Of a PDF, in the order in which they were made.' })),
    }),
    errors: ['certificate_invalid', 'cms_invalid', 'content_not_found', 'pdf_encrypted', 'pdf_excessive', 'pdf_invalid'],
  }),
};
