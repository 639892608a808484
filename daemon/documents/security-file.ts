/** EF.SOD taken apart: who signed it, how, and the hashes in it. What is no security object is an empty one, which passes nothing. */
import { contentOf } from '../../apdu/icao9303/data-groups.ts';
import { DerError } from '../signing/cms/asn1.ts';
import { OID_LDS_SECURITY_OBJECT, parseSecurityObject, type SecurityObject } from './security-object.ts';
import { readSignedFile, type SignedFile } from './signed-file.ts';

export interface SecurityFile {
  readonly signed: SignedFile | undefined;
  /** Undefined for what was signed and is no security object. */
  readonly object: SecurityObject | undefined;
}

/** Throws CardDataError for a file that is not even a data object. */
export function readSecurityFile(file: Uint8Array): SecurityFile {
  const signed = readSignedFile(contentOf('EF.SOD', file), OID_LDS_SECURITY_OBJECT);
  return { signed, object: signed && objectIn(signed) };
}

function objectIn({ content }: SignedFile): SecurityObject | undefined {
  try {
    return parseSecurityObject(content);
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}
