/**
 * The evidence of one ceremony as an ASiC-E container with CAdES (ETSI EN 319 162-1, section 4.4): a ZIP file with everything that was signed, recorded and
 * written, a manifest with the digest of each file, and the workstation's seal over the manifest. One ceremony gives one container, but for the seal itself.
 */
import { jsonFile, documentsOf, textFile, type CeremonyRecord } from './documents.ts';
import { MANIFEST_FILE, MIMETYPE, MIMETYPE_FILE, SEAL_SIGNATURE_FILE, SUMMARY_FILE, SUMMARY_PAGE } from './contents.ts';
import { encodeManifest, type ListedFile } from './manifest.ts';
import type { Seal } from './seal.ts';
import { renderSummary, summarize } from './summary.ts';
import { packZip } from './zip.ts';

export type { Attachment, CeremonyRecord } from './documents.ts';

/** Throws for a ceremony that has not ended. */
export async function buildContainer(record: CeremonyRecord, seal: Pick<Seal, 'sign'>): Promise<Uint8Array> {
  const { ceremony } = record;
  if (ceremony.state === 'open') throw new Error(`putting together the evidence of ${ceremony.id}: it has not ended`);
  const files = listedFiles(record);
  const manifest = encodeManifest(SEAL_SIGNATURE_FILE, files);
  return packZip([
    { name: MIMETYPE_FILE, content: Buffer.from(MIMETYPE) }, // the first entry: ETSI EN 319 162-1, annex A.1
    ...files,
    { name: MANIFEST_FILE, content: manifest },
    { name: SEAL_SIGNATURE_FILE, content: await seal.sign(manifest, 'detached') },
  ]);
}

function listedFiles(record: CeremonyRecord): readonly ListedFile[] {
  const documents = documentsOf(record);
  const summary = summarize(record);
  const names = documents.map(({ name }) => name);
  return [
    { ...textFile(SUMMARY_PAGE, 'text/html', renderSummary(record.ceremony, summary, names)), isRoot: true },
    jsonFile(SUMMARY_FILE, summary),
    ...documents,
  ];
}
