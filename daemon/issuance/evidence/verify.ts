/**
 * Whether a container is as it was sealed: its form, the seal, the digest of every file, nothing beside them; then what is in it: signatures of statements, the
 * chain of the journal, records of the audit log. Every problem is named with the file that it is in. Nothing is fetched, nothing is written.
 */
import type { X509Certificate } from 'node:crypto';
import { MANIFEST_FILE, MIMETYPE, MIMETYPE_FILE, SEAL_SIGNATURE_FILE, type EvidenceSummary } from './contents.ts';
import { digestOf, parseManifest } from './manifest.ts';
import { fingerprintOf } from './seal.ts';
import { readSeal } from './signers.ts';
import { checkContents, type StatementSigner } from './verify-contents.ts';
import { ZipFormatError, unpackZip, type ZipEntry } from './zip.ts';

/** Sorted by name. */
export const EVIDENCE_PROBLEMS = [
  'audit_invalid',
  'container_invalid',
  'file_changed',
  'file_missing',
  'file_unlisted',
  'journal_broken',
  'seal_invalid',
  'seal_untrusted',
  'statement_invalid',
  'summary_invalid',
] as const;

export interface EvidenceProblem {
  readonly code: (typeof EVIDENCE_PROBLEMS)[number];
  /** In the container. */
  readonly file?: string;
  readonly en: string;
  readonly sv: string;
}

export interface EvidenceReport {
  /** None: it is whole. */
  readonly problems: readonly EvidenceProblem[];
  /** Of what the container says of itself; undefined when it cannot be read. */
  readonly summary: EvidenceSummary | undefined;
  /** Certificate that sealed it; undefined when the seal is not good. */
  readonly seal: X509Certificate | undefined;
  readonly signers: readonly StatementSigner[];
}

export interface VerifyEvidenceOptions {
  /** Of this desk, and of those that are trusted. */
  readonly seals: readonly X509Certificate[];
}

/** Never throws for what the bytes are. */
export function verifyEvidence(bytes: Uint8Array, { seals }: VerifyEvidenceOptions): EvidenceReport {
  const problems: EvidenceProblem[] = [];
  const unpacked = unpack(bytes, problems);
  const files = new Map(unpacked.map(({ name, content }) => [name, content]));
  const none = { problems, summary: undefined, seal: undefined, signers: [] };
  if (files.size === 0 && problems.length > 0) return none;
  if (unpacked[0]?.name !== MIMETYPE_FILE || Buffer.from(unpacked[0].content).toString('latin1') !== MIMETYPE)
    problems.push({
      ...{ code: 'container_invalid', file: MIMETYPE_FILE },
      ...{ en: `it does not begin with ${MIMETYPE}`, sv: `den börjar inte med ${MIMETYPE}` },
    });
  const manifest = files.get(MANIFEST_FILE);
  const signature = files.get(SEAL_SIGNATURE_FILE);
  for (const [name, content] of [
    [MANIFEST_FILE, manifest],
    [SEAL_SIGNATURE_FILE, signature],
  ] as const)
    if (!content) problems.push(missing(name));
  if (!manifest || !signature) return none;
  const seal = checkSeal({ manifest, signature, seals }, problems);
  checkDigests(manifest, files, problems);
  return { problems, seal, ...checkContents(files, problems) };
}

function unpack(bytes: Uint8Array, problems: EvidenceProblem[]): readonly ZipEntry[] {
  const note = (error: ZipFormatError): void => {
    const { message, entry } = error;
    problems.push({
      code: 'container_invalid',
      ...(entry === undefined ? {} : { file: entry }),
      en: `the ZIP file is not as a container is: ${message}`,
      sv: `ZIP-filen är inte som en behållare ska vara: ${message}`,
    });
  };
  try {
    const { entries, flaw } = unpackZip(bytes);
    if (flaw) note(flaw);
    return entries;
  } catch (error) {
    if (!(error instanceof ZipFormatError)) throw error;
    note(error);
    return [];
  }
}

interface Sealed {
  readonly manifest: Uint8Array;
  readonly signature: Uint8Array;
  readonly seals: readonly X509Certificate[];
}

/** The certificate that the seal is by, when it is good, trusted or not. */
function checkSeal({ manifest, signature, seals }: Sealed, problems: EvidenceProblem[]): X509Certificate | undefined {
  const verdict = readSeal(signature, manifest);
  if (typeof verdict === 'string') {
    problems.push({
      ...{ code: 'seal_invalid', file: SEAL_SIGNATURE_FILE },
      ...{ en: `the seal is not good: ${verdict}`, sv: `sigillet stämmer inte: ${verdict}` },
    });
    return undefined;
  }
  const { certificate } = verdict;
  const fingerprint = fingerprintOf(certificate);
  if (!seals.some((one) => fingerprintOf(one) === fingerprint))
    problems.push({
      ...{ code: 'seal_untrusted', file: SEAL_SIGNATURE_FILE },
      en: `it is sealed by a desk that is not trusted (certificate ${fingerprint})`,
      sv: `den är förseglad av en arbetsplats som inte är betrodd (certifikat ${fingerprint})`,
    });
  return certificate;
}

function checkDigests(manifest: Uint8Array, files: ReadonlyMap<string, Uint8Array>, problems: EvidenceProblem[]): void {
  let listed: ReturnType<typeof parseManifest>;
  try {
    listed = parseManifest(manifest);
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    problems.push({
      ...{ code: 'container_invalid', file: MANIFEST_FILE },
      ...{ en: `the manifest cannot be read: ${problem}`, sv: `manifestet kan inte läsas: ${problem}` },
    });
    return;
  }
  const expected = new Set([MIMETYPE_FILE, MANIFEST_FILE, listed.signature]);
  for (const { name, digest } of listed.files) {
    const content = files.get(name);
    if (!content) problems.push(missing(name));
    else if (digestOf(content) !== digest)
      problems.push({
        ...{ code: 'file_changed', file: name },
        ...{ en: `${name} is not the file that was sealed`, sv: `${name} är inte den fil som förseglades` },
      });
    expected.add(name);
  }
  for (const name of files.keys())
    if (!expected.has(name))
      problems.push({
        ...{ code: 'file_unlisted', file: name },
        ...{ en: `${name} is not in the manifest`, sv: `${name} finns inte i manifestet` },
      });
}

function missing(name: string): EvidenceProblem {
  return { code: 'file_missing', file: name, en: `${name} is missing`, sv: `${name} saknas` };
}
