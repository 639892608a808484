/**
 * What the pad itself states about a signature: its RSA signature over signature data and document hash, and the certificate of its key. The signature data
 * are taken only when the pad says to whom they are encrypted (CERT_ID): in clear they are biometric, and stay where they are.
 */
import type { PadEvent } from '../driver.ts';
import type { Command, Parameters, Response } from './tokens.ts';

export interface AttestationOptions {
  readonly rsaScheme: string;
  readonly documentHash: Uint8Array;
}

type Request = (command: Command, parameters: Parameters) => Promise<Response>;

export async function readAttestation(
  request: Request,
  { rsaScheme, documentHash }: AttestationOptions,
): Promise<Extract<PadEvent, { readonly kind: 'attestation' }>> {
  const { fields } = await request('SIGNATURE_SIGN_DATA', { SIGNATURE_RSA_SCHEME: rsaScheme });
  const certificate = (await request('SIGNING_CERT', {})).fields.text('SIGNING_CERT');
  const encryptedTo = fields.text('CERT_ID');
  const isEncrypted = encryptedTo !== undefined && encryptedTo !== '';
  const statement = {
    rsaScheme,
    documentHash: Buffer.from(documentHash).toString('base64'),
    rsaSignature: fields.text('SIGNATURE_RSA_SIGNATURE'),
    signingCertificate: certificate,
    ...(isEncrypted ? { encryptedTo, signData: fields.text('SIGNATURE_SIGN_DATA') } : {}),
  };
  return { kind: 'attestation', format: 'signotec-sign-data/1', bytes: new TextEncoder().encode(JSON.stringify(statement)) };
}
