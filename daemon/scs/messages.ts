/**
 * The messages of the Finnish Signature Creation Service (Digital and Population Data Services Agency, "HTML5 and Digital Signatures: Signature Creation
 * Service", versions 1.0.1 and 1.1), as far as they are known here: README.md tells what is confirmed.
 */
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import type { SignatureAlgorithm } from '../../apdu/token.ts';

export const SCS_VERSION = '1.1';
export const HASH_ALGORITHMS = ['SHA256', 'SHA384', 'SHA512'] as const;
export type HashAlgorithm = (typeof HASH_ALGORITHMS)[number];

/** In values and lists that a selector may hold; real ones have a handful. */
const MAX_VALUES = 64;
const Values = Type.Optional(Type.Array(Type.String({ maxLength: 1_024 }), { maxItems: MAX_VALUES }));

/** Fields beyond these are let be: other implementations take more. */
const Request = Type.Object({
  version: Type.Optional(Type.String({ maxLength: 16 })),
  selector: Type.Optional(Type.Object({ issuers: Values, akis: Values, keyusages: Values, keyalgorithms: Values })),
  content: Type.String({
    minLength: 1,
    pattern: '^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$',
  }),
  contentType: Type.Enum(['data', 'digest'] as const),
  hashAlgorithm: Type.Optional(Type.Enum(HASH_ALGORITHMS)),
  signatureType: Type.Optional(Type.Enum(['signature', 'cms'] as const)),
});
export type ScsRequest = Static<typeof Request>;
export type ScsSelector = NonNullable<ScsRequest['selector']>;

const validator = Compile(Request);

/** What GET /version answers. Lists are texts with commas, as the service of the agency has them. */
export const VERSION_INFO = {
  version: SCS_VERSION,
  httpMethods: 'GET, POST',
  contentTypes: 'data, digest',
  signatureTypes: 'signature, cms',
  selectorAvailable: true,
  hashAlgorithms: HASH_ALGORITHMS.join(', '),
} as const;

export interface ScsSignature {
  readonly signatureType: 'signature' | 'cms';
  readonly signatureAlgorithm: string;
  readonly signature: Uint8Array;
  /** The signer's certificate first, DER. */
  readonly chain: readonly Uint8Array[];
}

/** Of an answer `failed`: numbers of HTTP. */
export class ScsFailedError extends Error {
  override readonly name = 'ScsFailedError';
  readonly reasonCode: number;

  constructor(reasonCode: number, message: string) {
    super(message);
    this.reasonCode = reasonCode;
  }
}

/** Throws ScsFailedError, which names the field and never its value. */
export function parseRequest(text: string): ScsRequest {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    throw new ScsFailedError(400, 'The request is not JSON.');
  }
  if (validator.Check(message)) return message;
  const [error] = validator.Errors(message);
  throw new ScsFailedError(400, `The request does not fit: ${error?.instancePath ?? ''} ${error?.message ?? ''}`.trim());
}

export function okAnswer({ signatureType, signatureAlgorithm, signature, chain }: ScsSignature): object {
  return {
    version: SCS_VERSION,
    signatureAlgorithm,
    signatureType,
    signature: Buffer.from(signature).toString('base64'),
    chain: chain.map((der) => Buffer.from(der).toString('base64')),
    status: 'ok',
    reasonCode: 200,
    reasonText: 'Signature generated',
  };
}

export function failedAnswer(reasonCode: number, reasonText: string): object {
  return { version: SCS_VERSION, status: 'failed', reasonCode, reasonText };
}

/** Java's names, as the service has them: "SHA256withRSA". */
export function nameOf(hash: HashAlgorithm, algorithm: SignatureAlgorithm): string {
  return `${hash}with${algorithm.startsWith('ES') ? 'ECDSA' : 'RSA'}`;
}
