/** Whether a CMS may get another signer: everybody who signed it so far did sign this content, with something that is to be trusted. Whose certificates they are is not asked. */
import { ApiError } from '../../errors.ts';
import { digestsOf } from './content-digests.ts';
import { decodeHashAlgorithm, type HashName } from './algorithms.ts';
import { OID_DATA } from './identifiers.ts';
import { checkIntegrity } from './integrity.ts';
import { cmsInvalid, orCmsInvalid, parseSignedData } from './parse.ts';

export interface ExistingSignatures {
  /** What it carries; undefined when it is detached. */
  readonly content: Uint8Array | undefined;
  /** By which its signers have the content's digest. */
  readonly hashes: readonly HashName[];
}

/** Throws cms_invalid, and algorithm_not_allowed for a signer that is not by SHA-256, SHA-384 or SHA-512. */
export function readExisting(cms: Uint8Array): ExistingSignatures {
  const { content, contentType, signers } = parseSignedData(cms);
  if (signers.length === 0) throw cmsInvalid('nobody has signed it');
  if (contentType !== OID_DATA) throw cmsInvalid(`it signs content of type ${contentType}, not data`);
  return { content, hashes: orCmsInvalid(() => signers.map(({ digestAlgorithm }) => decodeHashAlgorithm(digestAlgorithm))) };
}

/** Throws signature_invalid, algorithm_not_allowed. `digestOf`: of detached content, by all of its hashes. */
export function requireExisting(cms: Uint8Array, digestOf: (hash: HashName) => Uint8Array | undefined): void {
  const signedData = parseSignedData(cms);
  const { content } = signedData;
  const digest = content ? digestsOf(content) : digestOf;
  for (const [index, signer] of signedData.signers.entries()) {
    const { findings, algorithm } = checkIntegrity(signedData, signer, { contentType: OID_DATA, digestOf: digest });
    const [finding] = findings;
    if (!finding) continue;
    const attempt = `looking at signer ${index} of the CMS`;
    if (finding.code === 'CRYPTO_CONSTRAINTS_FAILURE')
      throw new ApiError('algorithm_not_allowed', `${attempt}: ${finding.text}`, { algorithm });
    const problem = `signer ${index}: ${finding.text}`;
    throw new ApiError('signature_invalid', `${attempt}: ${finding.text}`, { problem });
  }
}
