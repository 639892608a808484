/** `kortd issuance export|import|evidence|verify`: ceremonies on their way to another desk, and what finished ones are proven by, as files. */
import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { createDurably } from '../issuance/evidence/durable-file.ts';
import { bytesOfAnswer, giveBytes } from './contents-of-daemon.ts';
import { printCeremony, withClient } from './issuance.ts';
import { printNotice, printResult } from './output.ts';
import { UsageError } from './usage-error.ts';

/** More is neither a ceremony nor its evidence. */
const MAX_BYTES = 64 * 1024 * 1024;

/** The evidence is not as it was sealed; everything was said already. */
export class EvidenceProblemError extends Error {
  override readonly name = 'EvidenceProblemError';
}

export interface FileFlags {
  readonly dataDir: string;
  readonly json?: true;
}

export interface OutFlags extends FileFlags {
  readonly out?: string;
}

/** From then on it goes on where the file is imported. Prints the path of the file. */
export async function runIssuanceExport(ceremony: string, { dataDir, out }: OutFlags): Promise<void> {
  const file = freeFile(out ?? `${ceremony}.p7m`);
  await withClient(dataDir, async (client) => {
    const bytes = await bytesOfAnswer(dataDir, await client.call('issuance.export', { ceremony }));
    createDurably(file, bytes);
  });
  printNotice('It goes on where this file is imported; here not until it is imported again.');
  printResult(file);
}

export async function runIssuanceImport(path: string, flags: FileFlags): Promise<void> {
  const bytes = readBounded(path);
  await withClient(flags.dataDir, async (client) => {
    const transfer = await giveBytes(flags.dataDir, bytes);
    printCeremony(await client.call('issuance.import', { transfer }), flags);
  });
}

/** Prints the path of the file; on standard error until when kortd keeps it itself. */
export async function runIssuanceEvidence(ceremony: string, { dataDir, out }: OutFlags): Promise<void> {
  if (out !== undefined) freeFile(out);
  await withClient(dataDir, async (client) => {
    const { isEncrypted, keepUntil, ...answer } = await client.call('issuance.evidence', { ceremony });
    const file = freeFile(out ?? `${ceremony}.asice${isEncrypted ? '.p7m' : ''}`);
    createDurably(file, await bytesOfAnswer(dataDir, answer));
    printNotice(`kortd keeps it until ${keepUntil}${isEncrypted ? '; encrypted to the recipients of the policy' : ''}.`);
    printResult(file);
  });
}

export interface EvidenceVerifyFlags {
  readonly seal: readonly string[];
  readonly json?: true;
}

/** Without a daemon. Throws EvidenceProblemError when it is not as it was sealed, or by none of the desks that were named. */
export async function runIssuanceVerify(path: string, flags: EvidenceVerifyFlags): Promise<void> {
  const { verifyEvidence } = await import('../issuance/evidence/verify.ts');
  const { parseCertificate } = await import('../signing/certificate.ts');
  const seals = flags.seal.map((file) => parseCertificate(readBounded(file).toString('utf8')));
  const { problems, summary, signers, seal } = verifyEvidence(readBounded(path), { seals });
  const ceremony = summary?.ceremony;
  if (flags.json) {
    const by = seal?.subject;
    printResult(JSON.stringify({ ok: problems.length === 0, ceremony, seal: by, signers, problems }, undefined, 2));
  } else {
    if (summary) printResult(`${summary.ceremony}: ${summary.routine.title.en}, ${summary.state} ${summary.endedAt}`);
    for (const { step, subject, time } of signers)
      printResult(`  ${step}  signed by ${subject}${time ? `, ${time.toISOString()}` : ''}`);
    if (problems.length === 0)
      printResult('The evidence is as it was sealed. Whether the signers’ certificates are trusted was not asked.');
  }
  if (problems.length === 0) return;
  const told = problems.map(({ file, en }) => (file === undefined || en.includes(file) ? en : `${file}: ${en}`));
  throw new EvidenceProblemError(`the evidence is NOT as it was sealed: ${told.join('; ')}`);
}

/** Throws UsageError for one that is there, or in no folder: nothing is overwritten, and nothing is let go for it. */
function freeFile(path: string): string {
  const file = resolve(path);
  if (!statSync(dirname(file), { throwIfNoEntry: false })?.isDirectory())
    throw new UsageError(
      `${dirname(file)} is no folder: name a file in another one with --out`,
      `${dirname(file)} är ingen mapp: ange en fil i en annan mapp med --out`,
    );
  if (statSync(file, { throwIfNoEntry: false }))
    throw new UsageError(
      `${file} is there already: name another file with --out`,
      `${file} finns redan: ange en annan fil med --out`,
    );
  return file;
}

function readBounded(path: string): Buffer {
  const status = statSync(path, { throwIfNoEntry: false });
  if (!status?.isFile()) throw new UsageError(`${path}: there is no such file`, `${path}: filen finns inte`);
  if (status.size > MAX_BYTES)
    throw new UsageError(`${path}: it is larger than ${MAX_BYTES} bytes`, `${path}: filen är större än ${MAX_BYTES} byte`);
  return readFileSync(path);
}
