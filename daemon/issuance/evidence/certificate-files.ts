/** Certificates that the policy names: recipients of evidence, seals of other desks. One certificate a file, PEM, written by the administrator. */
import type { X509Certificate } from 'node:crypto';
import { readAdministratorFile } from '../../../drivers/administrator-file.ts';
import { parseCertificate } from '../../signing/certificate.ts';

const MAX_BYTES = 64 * 1024;

/** Throws for a file that others could have written, and for one that is no certificate; the message names it. */
export function readCertificateFiles(files: readonly string[]): readonly X509Certificate[] {
  return files.map((file) => {
    try {
      return parseCertificate(readAdministratorFile(file, { maxBytes: MAX_BYTES, ownUid: process.geteuid?.() }));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`reading ${file}, which the policy names: ${reason}`, { cause: error });
    }
  });
}
