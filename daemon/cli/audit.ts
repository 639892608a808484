/** `kortd audit verify`: any export or database, without a daemon. `kortd audit export`: from the running daemon. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import type { Client } from '../../api-spec/client/client.ts';
import type { Params } from '../../api-spec/methods/index.ts';
import { anchorsOf, openAuditFile } from '../audit/audit-file.ts';
import type { ChainPoint } from '../audit/record.ts';
import { verifyChain, type Verification } from '../audit/verify.ts';
import { connectToDaemon } from './connect-to-daemon.ts';
import { printNotice, printResult } from './output.ts';

/** The log is not as it was written; everything was said already. */
export class AuditProblemError extends Error {
  override readonly name = 'AuditProblemError';
}

export interface VerifyFlags {
  /** The key that the log must be signed with. */
  readonly fingerprint?: string;
  /** An earlier export or copy: what it vouches for must still be there. */
  readonly against?: string;
  readonly json?: true;
}

/** Throws AuditProblemError when the log is not as it was written, and AuditFileError when the file holds none. */
export async function runAuditVerify(path: string, flags: VerifyFlags): Promise<void> {
  using file = await openAuditFile(path);
  const anchors = flags.against === undefined ? [] : await anchorsIn(flags.against);
  const verification = await verifyChain({ ...file, anchors });
  const isKey = flags.fingerprint === undefined || flags.fingerprint.toLowerCase() === verification.fingerprint;
  if (flags.json) printResult(JSON.stringify({ ...verification, ok: verification.ok && isKey }, undefined, 2));
  else printResult(describe(verification));
  if (!isKey) throw new AuditProblemError('bad checkpoint: the log is signed with another key than the one named');
  if (verification.problem)
    throw new AuditProblemError(`${verification.problem.kind.replace('_', ' ')}: ${verification.problem.message}`);
  if (!flags.json && flags.fingerprint === undefined)
    printNotice('The key was taken from the file itself; name the one that you know with --fingerprint.');
}

async function anchorsIn(path: string): Promise<readonly ChainPoint[]> {
  using earlier = await openAuditFile(path);
  return anchorsOf(earlier);
}

function describe({ ok, records, checkpoints, head, fingerprint }: Verification): string {
  const state = ok ? 'whole' : 'NOT as it was written';
  return [
    `The audit log is ${state}: ${records} records and ${checkpoints} signatures checked.`,
    `  head         ${head.sequence} ${head.hash}`,
    `  fingerprint  ${fingerprint}`,
  ].join('\n');
}

/** To standard output, or to a file that appears when it is whole. */
export async function runAuditExport(flags: { readonly dataDir: string; readonly out?: string }): Promise<void> {
  const { client } = await connectToDaemon(flags.dataDir);
  try {
    if (flags.out === undefined) {
      await eachPage(client, (text) => void process.stdout.write(text));
      return;
    }
    await exportToFile(client, flags.out);
  } finally {
    client.close();
  }
}

async function eachPage(client: Client, write: (text: string) => void): Promise<string> {
  let from: Params<'audit.export'> = {};
  for (;;) {
    const page = await client.call('audit.export', from);
    write(page.text);
    if (!page.next) return page.fingerprint;
    from = page.next;
  }
}

async function exportToFile(client: Client, out: string): Promise<void> {
  const temporary = `${out}.${process.pid}.new`;
  const descriptor = openSync(temporary, 'wx', 0o600);
  let fingerprint: string;
  try {
    fingerprint = await eachPage(client, (text) => void writeSync(descriptor, text));
    fsyncSync(descriptor);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporary, out);
  printNotice(`Exported to ${out}, signed with the key ${fingerprint}`);
}
