/** A key file that signs digests as a card does: by openssl pkeyutl, ECDSA as r‖s. */
import { readFile } from 'node:fs/promises';
import { SIGNATURE_SCHEMES, ecdsaFromDer } from '../../apdu/signature-encoding.ts';
import type { SignatureAlgorithm } from '../../apdu/token.ts';
import type { Pki, PkiSigner } from './pki.ts';

export function signWith(
  pki: Pki,
  { keyFile }: PkiSigner,
  algorithm: SignatureAlgorithm,
): (digest: Uint8Array) => Promise<Uint8Array> {
  const { family, hash } = SIGNATURE_SCHEMES[algorithm];
  const options = [
    `digest:${hash}`,
    ...(family === 'pss' ? ['rsa_padding_mode:pss', 'rsa_pss_saltlen:digest'] : []),
    ...(family === 'pkcs1' ? ['rsa_padding_mode:pkcs1'] : []),
  ];
  return async (digest) => {
    const input = await pki.file('digest.bin', digest);
    const output = pki.path('signature.bin');
    await pki.openssl(
      'pkeyutl',
      '-sign',
      '-inkey',
      keyFile,
      '-in',
      input,
      '-out',
      output,
      ...options.flatMap((one) => ['-pkeyopt', one]),
    );
    const signature = new Uint8Array(await readFile(output));
    if (family !== 'ecdsa') return signature;
    return ecdsaFromDer(signature, algorithm === 'ES256' ? 32 : 48);
  };
}
