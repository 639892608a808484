/**
 * ICAO master lists (Doc 9303-12, section 9): country signing certificates of many states, signed by one of them. A list is taken whole when its signer is one that the
 * administrator trusts, or was certified by one for just that; else not at all.
 */
import { TlvError, decodeFirstTlv, decodeTlv, encodeTlv, requireTlv } from '../../apdu/tlv/ber-tlv.ts';
import type { CertificateFacts } from '../identity/certificate-facts.ts';
import { validateChain } from '../identity/trust.ts';
import { extendedKeyUsageOf, extensionsOf } from '../signing/certificate-fields.ts';
import { readSignedFile } from './signed-file.ts';

/** 9303-12, section 9.1: id-icao-cscaMasterList; section 7.1.1, table 6: id-icao-cscaMasterListSigningKey. */
const OID_MASTER_LIST = '2.23.136.1.1.2';
const OID_MASTER_LIST_SIGNING = '2.23.136.1.1.3';
const TAG_SEQUENCE = 0x30;
const TAG_SET = 0x31;
/** The largest that is published has some six hundred. */
const MAX_CERTIFICATES = 5_000;

/** Certificates in it, DER. Throws with the reason when it is no such list, or nobody who is trusted signed it. */
export function readMasterList(cms: Uint8Array, trusted: readonly CertificateFacts[]): readonly Uint8Array[] {
  const file = readSignedFile(cms, OID_MASTER_LIST);
  if (!file) throw new Error('it is no master list');
  const { signer, signature, signingTime } = file;
  if (!signer || signature.reason !== 'signature_good') throw new Error(`its signature does not hold (${signature.reason})`);
  // Signers change every few months, and what they signed stays in use.
  if (!isTrusted(signer, trusted, signingTime ?? signer.notBefore))
    throw new Error('its signer is not among those that are trusted');
  return certificatesIn(file.content);
}

function isTrusted(signer: CertificateFacts, trusted: readonly CertificateFacts[], at: Date): boolean {
  if (trusted.some(({ fingerprint }) => fingerprint === signer.fingerprint)) return true;
  if (extendedKeyUsageOf(extensionsOf(signer.x509))?.includes(OID_MASTER_LIST_SIGNING) !== true) return false;
  return validateChain(signer, { anchors: trusted, intermediates: [], at }).status === 'trusted';
}

/** CscaMasterList ::= SEQUENCE { version, SET OF Certificate }. */
function certificatesIn(content: Uint8Array): readonly Uint8Array[] {
  try {
    const fields = decodeTlv(requireTlv([decodeFirstTlv(content).object], TAG_SEQUENCE));
    const certificates = decodeTlv(requireTlv(fields, TAG_SET));
    if (certificates.length > MAX_CERTIFICATES) throw new Error(`it has more than ${MAX_CERTIFICATES} certificates`);
    return certificates.map(({ tag, value }) => encodeTlv(tag, value));
  } catch (error) {
    if (error instanceof TlvError) throw new Error('it does not parse', { cause: error });
    throw error;
  }
}
